"""`cloud-only`: every request goes to the cloud."""

from dataclasses import dataclass

from mincache import Instance, Run, Solution, Solver
from mincache.problem.instance import RULES


@dataclass(frozen=True)
class CloudOnly(Solver):
    """Cache nothing, split the uplink equally."""

    kind = "baseline"
    rules = RULES

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the solution that caches nothing."""
        return Solution.nothing_cached(instance)
