"""A slot as a pymoo problem, so that any of pymoo's single-objective algorithms runs on it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pymoo.core.problem import Problem

from mincache.problem.evaluation import evaluate_batch
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions
from mincache.problem.verdict import BatchEvaluation
from mincache.views.vector import VectorView, unrepaired


class SlotProblem(Problem):  # type: ignore[misc]  # pymoo ships no types
    """Minimise the cost of one slot over points of the unit cube; the view's repair keeps them feasible.

    If rules link several slots, a point holds the view's points of its slots one after another. `price` may
    take the evaluator's place, such as one that counts.
    """

    def __init__(
        self, slot: Instance, view: VectorView, price: Callable[[Decisions], BatchEvaluation] | None = None
    ) -> None:
        super().__init__(n_var=slot.slot_count * view.apply(slot), n_obj=1, xl=0.0, xu=1.0)
        self.slot = slot
        self.view = view
        self._price = price or partial(evaluate_batch, slot)

    def _evaluate(self, x: Array, out: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        out["F"] = self._price(self.decisions(x)).cost[:, None]

    def decisions(self, x: Array) -> Decisions:
        """Return the feasible decisions of points [..., n_var]."""
        return self.view.invert(self.slot, self._by_slot(x))

    def unrepaired(self, x: Array) -> Decisions:
        """Return the decisions that points [..., n_var] would be without any repair."""
        return unrepaired(self.slot, self._by_slot(x))

    def _by_slot(self, x: Array) -> Array:
        return x.reshape(*x.shape[:-1], self.slot.slot_count, -1)
