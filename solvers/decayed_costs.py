"""`decayed-costs`: what would have been best lately, older slots counting less."""

from dataclasses import dataclass

import numpy as np

from mincache import InputError, OnlinePolicy, Run, Site
from mincache.problem.quantity import Array
from mincache.solving.online import HindsightPolicy, HindsightSolver


class _Decaying(HindsightPolicy):
    def __init__(self, site: Site, decay: float, horizon_slots: float) -> None:
        super().__init__(site)
        self._decay, self._horizon = decay, horizon_slots
        self._loss, self._requests = np.zeros(len(self.member)), np.zeros(site.model_count)

    def learn(self, loss: Array, requests: Array) -> None:
        self._loss = self._decay * self._loss + loss
        self._requests = self._decay * self._requests + requests

    def place(self) -> Array:
        if not self._requests.any():
            return self.cached
        score = self._horizon * self._loss + self.waits(self._requests)
        return np.asarray(self.member[score.argmin()])


@dataclass(frozen=True)
class DecayedCosts(HindsightSolver):
    """Place the cache with the least sum of past costs, where a slot counts `decay` times the one after it.

    At decay 1 this is follow-the-leader, at 0 the best cache for the last slot. Where loading takes time, a
    change must pay for the waits of one slot's requests within `horizon_slots`.

    Attributes:
        decay: from 0 to 1.
        horizon_slots: slots within which loading must pay.
    """

    decay: float = 0.5
    horizon_slots: float = 3.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.decay <= 1.0:
            raise InputError("decayed-costs.decay", "must be from 0 to 1", str(self.decay))
        if not 0.0 < self.horizon_slots <= 1e15:
            rule = "must be > 0 and at most 1e15"
            raise InputError("decayed-costs.horizon_slots", rule, str(self.horizon_slots))

    def begin(self, site: Site, run: Run) -> OnlinePolicy:
        """Begin without any past."""
        return _Decaying(site, self.decay, self.horizon_slots)
