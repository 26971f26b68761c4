# ruff: noqa: D102  # what `solve` does stands in the class docstring
"""Solvers whose answers are sound, and whose raw decisions may be anything."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mincache import Decisions, Instance, Run, Solution, Solver


class _Trap:
    """Raises when numpy looks at it."""

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("a trap")


@dataclass(frozen=True)
class Raw(Solver):
    """Cache nothing, and report raw decisions of one kind.

    Attributes:
        kind: `full` (all models cached, each user all of everything), or one that is no decisions.
    """

    kind: str = "full"

    def solve(self, instance: Instance, run: Run) -> Solution:
        T, N, M = instance.slot_count, instance.user_count, instance.model_count
        full = Decisions(np.ones((T, M)), np.ones((T, N)), np.ones((T, N)))
        run.report_raw(
            {
                "full": full,
                "nan": full._replace(step_share=np.full((T, N), np.nan)),
                "half": full._replace(cache=np.full((T, M), 0.5)),
                "shapes": full._replace(cache=np.ones((T + 1, M))),
                "huge": full._replace(cache=np.ones(9_000_000)),
                "text": "full",
                "trap": (_Trap(), _Trap(), _Trap()),
            }[self.kind]
        )
        return Solution.nothing_cached(instance)
