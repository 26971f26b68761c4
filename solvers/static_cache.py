"""`static`: one cache that never changes, chosen before any request."""

from dataclasses import dataclass

from mincache import OnlinePolicy, OnlineSolver, Run, Site
from mincache.exact.causal import best_static, expected_losses
from mincache.problem.popularity import Popularity
from mincache.problem.quantity import Array


class _Same(OnlinePolicy):
    def __init__(self, site: Site, popularity: Popularity) -> None:
        super().__init__(site)
        self._cache = best_static(expected_losses(site, popularity), popularity, site.slot_count)

    def place(self) -> Array:
        return self._cache


@dataclass(frozen=True)
class StaticCache(OnlineSolver):
    """Hold the cache with the least expected cost from the first slot to the last; serve exactly.

    The expectation is over the popularity's chain, which this solver is told: an exact sum for each cache
    that fits. What costs more than `static` did not profit from seeing requests.
    """

    kind = "baseline"
    told_popularity = True

    def begin(self, site: Site, run: Run) -> OnlinePolicy:
        """Choose the cache."""
        assert site.popularity is not None  # else it has declined
        return _Same(site, site.popularity)
