"""`decomposition`: the exact optimum, slot by slot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mincache import InputError, Instance, Run, Solution, Solver
from mincache.exact import RELATIVE_GAP, improvements, load_compiled


@dataclass(frozen=True)
class Decomposition(Solver):
    """Bandwidth by its dual; cache and steps by branch and bound, with a bound that meets the answer.

    Large searches are compiled with numba where it is installed (the extra `compiled`). When the time is
    up, the best answer so far and a valid bound are returned.

    Args:
        relative_gap: gap between cost and bound, relative, at which a slot counts as solved.
        compiled: whether to search with compiled loops, which are then loaded when the solver is made; by
            default where that pays.
    """

    kind: ClassVar[str] = "exact"

    relative_gap: float = RELATIVE_GAP
    compiled: bool | None = None

    def __post_init__(self) -> None:
        if not self.relative_gap >= 0.0:
            raise InputError("relative_gap", "must be at least 0", str(self.relative_gap))
        if self.compiled:
            load_compiled()

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return an optimal solution, or the best that the time allowed."""
        answers = improvements(
            instance, relative_gap=self.relative_gap, compiled=self.compiled, remaining=run.remaining
        )
        for answer in answers:
            run.report(answer.solution, bound=answer.bound)
        return answer.solution
