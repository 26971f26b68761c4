"""A cheat: it tells the evaluator what its answer costs, and stops the clock."""

import time
from dataclasses import dataclass

import numpy as np

import mincache.problem.evaluation
from mincache import Instance, Run, Solution, Solver


@dataclass(frozen=True)
class Patch(Solver):
    """Cache every model, replace the evaluator and the clock, and claim a bound that nothing can beat."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return an answer that breaks the storage limit."""
        mincache.problem.evaluation.evaluate = lambda *_: None
        time.monotonic = time.perf_counter = time.process_time = lambda: 0.0
        nothing = Solution.nothing_cached(instance)
        everything = np.ones_like(nothing.cache)
        answer = Solution.of(instance, nothing.decisions._replace(cache=everything))
        run.report(answer, bound=1e-9)
        return answer
