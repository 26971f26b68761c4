"""Any black-box optimiser as a solver: SciPy's differential evolution, a slot at a time.

python scipy_evolution.py

prints how far it is above the known optimum of an instance, beside the reference genetic algorithm. It takes
part in a campaign like any other:

mincache run smoke-v1 --solver scipy_evolution.py:ScipyEvolution --seeds 2 -o results/scipy
mincache leaderboard results/scipy
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.optimize import OptimizeResult, differential_evolution

from mincache import Budget, Decisions, Instance, Run, Solution, Solver, evaluate
from mincache.generation import suites
from mincache.solving import registry
from mincache.views.vector import VectorView


@dataclass(frozen=True)
class ScipyEvolution(Solver):
    """Search the unit cube of each slot; the view's repair makes every point feasible.

    Source: R. Storn and K. Price, Differential evolution, doi:10.1023/A:1008202821328.

    Attributes:
        generations: how often the candidates of a slot are replaced.
        candidates: how many there are, as a multiple of the dimension.
        repair: how a point becomes decisions, one of `mincache.views.vector.REPAIRS`.
    """

    stochastic: ClassVar[bool] = True

    generations: int = 20
    candidates: int = 2
    repair: str = "priority-serve"

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the best point of each slot; the cloud serves slots where none is better, or time is up."""
        view, cloud = VectorView(self.repair), Solution.nothing_cached(instance)
        best, cloud_cost = [array.copy() for array in cloud.decisions], evaluate(instance, cloud).slot_cost
        for t in range(instance.slot_count):
            if run.should_stop():
                break
            slot = instance.slot(t)
            share = Budget(run.remaining() / (instance.slot_count - t))  # of the time that is left
            found = self._search(t, slot, view, run, share)
            if found.fun < cloud_cost[t]:
                for whole, part in zip(best, view.invert(slot, found.x[None]), strict=True):
                    whole[t] = part[0]
        return Solution.of(instance, Decisions(*best))

    def _search(self, t: int, slot: Instance, view: VectorView, run: Run, budget: Budget) -> OptimizeResult:
        def cost(points: np.ndarray) -> np.ndarray:
            """Return the cost of each of S points, given as columns: SciPy hands over [genes, S].

            The run prices and counts them, and keeps the best as an incumbent.
            """
            return run.evaluate_batch(view.invert(slot, points.T[:, None, :]), first_slot=t).cost

        return differential_evolution(
            cost, [(0.0, 1.0)] * view.apply(slot), maxiter=self.generations, popsize=self.candidates,
            polish=False, vectorized=True, updating="deferred", rng=run.rng,
            callback=lambda intermediate_result: budget.remaining() <= 0.0,
        )  # fmt: skip


def main() -> None:
    """Print a line a solver."""
    suite = suites.find("smoke-v1")
    entry = suite.entries["smoke-v1.l0.n10.t0"]
    instance = suite.read(entry.name)
    solvers = {
        "scipy": ScipyEvolution(), "genetic": registry.make("genetic"),
        "decomposition": registry.make("decomposition"),
    }  # fmt: skip
    for name, solver in solvers.items():
        cost = evaluate(instance, solver.solve(instance, Run.seeded(0))).cost
        print(f"{name:14} {cost / (entry.best_known or cost) - 1.0:z7.2%}")


if __name__ == "__main__":
    main()
