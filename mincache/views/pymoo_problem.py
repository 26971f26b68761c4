"""A slot as a pymoo problem, so that any of pymoo's single-objective algorithms runs on it."""

from __future__ import annotations

from typing import Any

from pymoo.core.problem import Problem

from mincache.evaluation import evaluate_batch
from mincache.instance import Instance
from mincache.quantity import Array
from mincache.views.vector import VectorView


class SlotProblem(Problem):  # type: ignore[misc]  # pymoo ships no types
    """Minimise the cost of one slot over points of the unit cube; the view's repair keeps them feasible.

    Args:
        slot: an instance with T = 1, such as `instance.slot(3)`.
        view: how points are read as decisions.
    """

    def __init__(self, slot: Instance, view: VectorView) -> None:
        super().__init__(n_var=view.apply(slot), n_obj=1, xl=0.0, xu=1.0)
        self.slot = slot
        self.view = view

    def _evaluate(self, x: Array, out: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        decisions = self.view.invert(self.slot, x[:, None, :])
        out["F"] = evaluate_batch(self.slot, decisions).cost[:, None]
