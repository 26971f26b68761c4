"""`lfu`: the cache holds what was asked for most often so far."""

from dataclasses import dataclass

from mincache import Instance, Run, Solution, Solver
from mincache.problem.instance import RULES
from mincache.solving.feasible import fill_cache
from mincache.solving.greedy import answer, past


@dataclass(frozen=True)
class LeastFrequentlyUsed(Solver):
    """Evict what was asked for least often; decides each slot's cache before its requests are known.

    The policy with perfect counts (Lee et al., LRFU, doi:10.1109/TC.2001.970573, has it and `lru` as its two
    ends): requests are counted from the first slot on, in the cache or not, and a slot's cache holds the
    models with the highest counts, each if it still fits. Ties go to the later asked for, then to the lower
    index. What was never asked for is not cached, so the first slot's cache is empty.

    Of the slot itself (or its frame, if the cache is held for frames) the cache uses nothing, but for what
    feasibility needs: under a floor on steps, a model is left out if the steps do not suffice for everybody
    who asks for it there. Steps and bandwidth are shared once the slot's requests are known, as
    `popular-first` does: A3 steps to the hits that gain most per step, and equal bandwidth.
    """

    rules = RULES

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the answer of all slots at once."""
        requests, latest = past(instance)
        cache = fill_cache(instance, requests * (instance.slot_count + 1) + latest, wanted=requests > 0)
        return answer(instance, cache)
