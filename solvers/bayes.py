"""`bayes`: the best policy there is for who knows how popularity moves, but not where it is."""

from dataclasses import dataclass, replace

from mincache import OnlinePolicy, OnlineSolver, Run, ShownSlot, Site
from mincache.exact.causal import causal_programme
from mincache.problem.popularity import Popularity
from mincache.problem.quantity import Array


class _Believing(OnlinePolicy):
    def __init__(self, site: Site, popularity: Popularity, plan: bool) -> None:
        super().__init__(site)
        planned = site if plan else replace(site, rules=replace(site.rules, loading_s_per_gb=0.0))
        self._programme, self._popularity = causal_programme(planned, popularity), popularity
        self._belief, self._t = popularity.first, 0

    def place(self) -> Array:
        return self._programme.place(self._t, self._belief, self.cached)

    def observe(self, slot: ShownSlot) -> None:
        requests = slot.requests(self.site.model_count)
        self._belief, self._t = self._popularity.next_belief(self._belief, requests), self._t + 1


@dataclass(frozen=True)
class Bayes(OnlineSolver):
    """Infer the popularity's state from past requests, place the cache that is best under that belief.

    Without loading this is the optimum of the level `past` (see `mincache.exact.causal`). Where loading takes
    time, it weighs later slots by a dynamic programme over the states and all caches that fit, which is
    within a fraction of a percent of the optimum. The solver is told the popularity's chain.

    Attributes:
        plan: whether to plan for loading; without it, as if loading took no time.
    """

    kind = "exact"
    rules = ("loading_s_per_gb",)
    told_popularity = True

    plan: bool = True

    def begin(self, site: Site, run: Run) -> OnlinePolicy:
        """Solve the programme."""
        assert site.popularity is not None  # else it has declined
        return _Believing(site, site.popularity, self.plan)
