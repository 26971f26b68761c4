"""The second program; it forgets to import what it calls."""

from dataclasses import dataclass

from mincache import Instance, Run, Solution, Solver


@dataclass(frozen=True)
class Entry(Solver):
    """Serve the empty cache."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Fail."""
        return serve(instance, Solution.nothing_cached(instance).cache)  # type: ignore[name-defined]  # noqa: F821
