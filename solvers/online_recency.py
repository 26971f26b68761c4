"""`online-lru`: what was asked for last, as an online policy with exact service."""

from dataclasses import dataclass

import numpy as np

from mincache import OnlinePolicy, OnlineSolver, Run, ShownSlot, Site
from mincache.problem.quantity import Array
from mincache.solving.online import packed


class _Recent(OnlinePolicy):
    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._requests, self._latest = np.zeros((2, site.model_count))

    def observe(self, slot: ShownSlot) -> None:
        asked = slot.requests(self.site.model_count)
        self._requests += asked
        self._latest[asked > 0] = slot.number + 1.0

    def place(self) -> Array:
        most = self.site.slot_count * self.site.user_count + 1.0
        return packed(self.site, self._latest + self._requests / most)


@dataclass(frozen=True)
class OnlineRecency(OnlineSolver):
    """Cache the models with the latest requests, each if it still fits; the first cache is empty.

    Ties, which are the rule among a slot's users, go to the model with more requests so far. The row `lru`
    has the same rule and serves by a rule of thumb.
    """

    kind = "baseline"

    def begin(self, site: Site, run: Run) -> OnlinePolicy:
        """Begin without any past."""
        return _Recent(site)
