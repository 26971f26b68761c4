"""A solver that counts its evaluations and logs numbers."""

from dataclasses import dataclass

from mincache import Solution, Solver


@dataclass(frozen=True)
class Counts(Solver):
    """Price one solution for ever, and log under too many names."""

    def solve(self, instance, run):
        """Go on until the evaluations are spent."""
        run.evaluate(Solution.nothing_cached(instance))
        run.log(heat=0.5)
        run.log(**{f"name{k}": k for k in range(100)})
        while True:
            run.evaluate(Solution.nothing_cached(instance))
