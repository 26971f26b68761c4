"""`online-lfu`: what was asked for most often so far, as an online policy with exact service."""

from dataclasses import dataclass

import numpy as np

from mincache import OnlinePolicy, OnlineSolver, Run, ShownSlot, Site
from mincache.problem.quantity import Array
from mincache.solving.online import packed, saved_by_hits


class _Counting(OnlinePolicy):
    def __init__(self, site: Site, cost_aware: bool) -> None:
        super().__init__(site)
        self._cost_aware, self._worth = cost_aware, np.zeros(site.model_count)

    def observe(self, slot: ShownSlot) -> None:
        if self._cost_aware:
            self._worth += saved_by_hits(self.site, slot) / self.site.models.size_gb
        else:
            self._worth += slot.requests(self.site.model_count)

    def place(self) -> Array:
        return packed(self.site, self._worth)


@dataclass(frozen=True)
class OnlineFrequency(OnlineSolver):
    """Cache the models with the most requests so far, each if it still fits; the first cache is empty.

    The row `lfu` has the same rule, ties aside, and serves by a rule of thumb.

    Attributes:
        cost_aware: whether a model counts with what its past requests would have saved per GB.
    """

    kind = "baseline"

    cost_aware: bool = False

    def begin(self, site: Site, run: Run) -> OnlinePolicy:
        """Begin without any past."""
        return _Counting(site, self.cost_aware)
