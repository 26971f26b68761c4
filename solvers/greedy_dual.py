"""`greedy-dual`: GreedyDual-Size with frequency, the cost-aware form of eviction by recency."""

from dataclasses import dataclass

import numpy as np

from mincache import OnlinePolicy, OnlineSolver, Run, ShownSlot, Site
from mincache.problem.quantity import Array
from mincache.solving.online import saved_by_hits


class _Dual(OnlinePolicy):
    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._inside, self._inflation = np.zeros(site.model_count, bool), 0.0
        self._priority, self._uses = np.zeros((2, site.model_count))

    def observe(self, slot: ShownSlot) -> None:
        """Take the slot's requests one by one, in the order of the users."""
        requests = slot.requests(self.site.model_count)
        worth = saved_by_hits(self.site, slot) / np.maximum(requests, 1) / self.site.models.size_gb
        for m in slot.requested_model:
            self._request(m, worth[m])

    def _request(self, m: int, worth: float) -> None:
        size, room = self.site.models.size_gb, self.site.server.storage_gb
        if size[m] > room:
            return
        while not self._inside[m] and size[m] + self._inside @ size > room:
            evicted = np.where(self._inside, self._priority, np.inf).argmin()
            self._inflation, self._inside[evicted], self._uses[evicted] = self._priority[evicted], False, 0.0
        self._inside[m] = True
        self._uses[m] += 1.0
        self._priority[m] = self._inflation + self._uses[m] * worth

    def place(self) -> Array:
        return self._inside.copy()


@dataclass(frozen=True)
class GreedyDual(OnlineSolver):
    """Bring in what is asked for, evict the model of least priority.

    The priority of a model is its uses while cached, times what a hit saves per GB, plus the priority of what
    was evicted last at its latest use. Requests are taken one by one. Source: Cherkasova, Improving WWW
    proxies performance with Greedy-Dual-Size-Frequency caching policy, HP Labs, 1998.
    """

    kind = "baseline"

    def begin(self, site: Site, run: Run) -> OnlinePolicy:
        """Begin with an empty cache."""
        return _Dual(site)
