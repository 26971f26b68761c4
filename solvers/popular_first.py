"""`popular-first`: what a sensible operator would do by hand."""

from dataclasses import dataclass

import numpy as np

from mincache import Instance, Run, Solution, Solver
from mincache.problem.instance import RULES
from mincache.problem.requests import demand
from mincache.solving.feasible import fill_cache, frame_starts, per_slot
from mincache.solving.greedy import answer


@dataclass(frozen=True)
class PopularFirst(Solver):
    """Cache what is asked for most per GB, give A3 steps to the hits that gain most per step.

    Bandwidth is split equally. Popularity is the number of requests in the slot itself, or in its frame
    where the cache is held for frames. Under a floor on steps a model is cached only if the steps suffice
    for everybody who asks for it; what it costs to load a model is not looked at.
    """

    rules = RULES

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the greedy answer, all slots at once."""
        in_frame = np.add.reduceat(demand(instance), frame_starts(instance), axis=0)
        requests = per_slot(instance, in_frame)
        cache = fill_cache(instance, requests / instance.models.size_gb, wanted=requests > 0)
        return answer(instance, cache)
