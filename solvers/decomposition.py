"""`decomposition`: the exact optimum, slot by slot, or frame by frame where a rule links slots."""

from __future__ import annotations

from dataclasses import dataclass

from mincache import InputError, Instance, Run, Solution, Solver
from mincache.exact import MOST_SETS, RELATIVE_GAP, improvements, load_compiled
from mincache.problem.instance import RULES


@dataclass(frozen=True)
class Decomposition(Solver):
    """Bandwidth by its dual; cache and steps by branch and bound, with a bound that meets the answer.

    Where loading takes time, the cheapest course through all caches that fit; if they are too many, through
    those that prices of keeping models lead to, with the bound that these give. When the time is up, the
    best answer so far and a valid bound are returned.

    Attributes:
        relative_gap: gap between cost and bound, relative, at which a slot or frame counts as solved.
        compiled: whether to search with loops compiled by numba (the extra `compiled`), loaded when the
            solver is made; by default where that pays.
        most_sets: where loading takes time, number of caches that fit up to which all are looked at.
    """

    kind = "exact"
    rules = RULES

    relative_gap: float = RELATIVE_GAP
    compiled: bool | None = None
    most_sets: int = MOST_SETS

    def __post_init__(self) -> None:
        if not self.relative_gap >= 0.0:
            raise InputError("relative_gap", "must be at least 0", str(self.relative_gap))
        if self.most_sets < 0:
            raise InputError("most_sets", "must be at least 0", str(self.most_sets))
        if self.compiled:
            load_compiled()

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return an optimal solution, or the best that the time allowed."""
        for answer in improvements(
            instance, relative_gap=self.relative_gap, compiled=self.compiled, most_sets=self.most_sets,
            remaining=run.remaining,
        ):  # fmt: skip
            run.report(answer.solution, bound=answer.bound)
        return answer.solution
