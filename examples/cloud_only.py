"""The smallest solver: `mincache solvers check cloud_only.py:CloudOnly`."""

from dataclasses import dataclass

from mincache import Instance, Run, Solution, Solver


@dataclass(frozen=True)
class CloudOnly(Solver):
    """Cache nothing, split the uplink equally."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the solution that caches nothing."""
        return Solution.nothing_cached(instance)
