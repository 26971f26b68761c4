"""`lru`: the cache holds what was asked for last."""

from dataclasses import dataclass

from mincache import Instance, Run, Solution, Solver
from mincache.problem.instance import RULES
from mincache.solving.feasible import fill_cache
from mincache.solving.greedy import answer, past


@dataclass(frozen=True)
class LeastRecentlyUsed(Solver):
    """Evict what nobody asked for longest; decides each slot's cache before its requests are known.

    A slot's cache holds the models with the latest requests, each if it still fits. The users of a slot ask
    at once, so ties are the rule: they go to the model with more requests so far, its popularity, then to
    the lower index; where every model is asked for in every slot, this is `lfu`. What was never asked for
    is not cached, so the first slot's cache is empty. Source: Lee et al., LRFU, doi:10.1109/TC.2001.970573,
    which has this policy and `lfu` as its two ends. What the cache uses of the slot itself, and how steps
    and bandwidth are shared, is as with `lfu`.
    """

    rules = RULES

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the answer of all slots at once."""
        requests, latest = past(instance)
        most = instance.slot_count * instance.user_count
        cache = fill_cache(instance, latest * (most + 1) + requests, wanted=latest > 0)
        return answer(instance, cache)
