"""`genetic`: HCRAS, the paper's first benchmark, on pymoo's real-coded genetic algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from pymoo.algorithms.soo.nonconvex.ga import GA
from pymoo.core.problem import Problem
from pymoo.core.termination import NoTermination
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM

from mincache import Decisions, InputError, Instance, Run, Solution, Solver, evaluate_batch
from mincache.quantity import Array
from mincache.views.vector import VectorView


class SlotProblem(Problem):  # type: ignore[misc]  # pymoo ships no types
    """A slot (an instance with T = 1) as a pymoo problem: points of the unit cube, priced as decisions."""

    def __init__(self, slot: Instance, view: VectorView) -> None:
        super().__init__(n_var=view.apply(slot), n_obj=1, xl=0.0, xu=1.0)
        self.slot = slot
        self.view = view

    def _evaluate(self, x: Array, out: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        decisions = self.view.invert(self.slot, x[:, None, :])
        out["F"] = evaluate_batch(self.slot, decisions).cost[:, None]


@dataclass(frozen=True)
class Genetic(Solver):
    """A population a slot evolves by simulated binary crossover and polynomial mutation; the best one stays.

    Source: Liu et al., Section V-B, "heuristic-based caching and resource allocation" (HCRAS); the paper
    states the operators but no parameter, so all the values are ours. Operators: Deb and Agrawal,
    Simulated binary crossover for continuous search space, Complex Systems 9, 1995.

    Attributes:
        population: candidates a slot.
        generations: rounds of selection, crossover and mutation.
        crossover_eta: distribution index of the crossover; larger means children closer to the parents.
        mutation_eta: distribution index of the mutation.
        repair: how a point becomes feasible decisions, one of `mincache.views.vector.REPAIRS`.
    """

    stochastic: ClassVar[bool] = True

    population: int = 50
    generations: int = 100
    crossover_eta: float = 15.0
    mutation_eta: float = 20.0
    repair: str = "threshold-priority"

    def __post_init__(self) -> None:
        if self.population < 2:
            raise InputError("genetic.population", "must be >= 2", str(self.population))
        if self.generations < 1:
            raise InputError("genetic.generations", "must be >= 1", str(self.generations))
        VectorView(self.repair)  # refuses an unknown repair now, not in the middle of a run

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the best candidate of each slot; slots not reached in time go to the cloud."""
        best = [array.copy() for array in Solution.nothing_cached(instance).decisions]
        for t in range(instance.slot_count):
            if run.should_stop():
                break
            for whole, slot in zip(best, self._evolve(instance.slot(t), run), strict=True):
                whole[t] = slot[0]
        return Solution.of(instance, Decisions(*best))

    def _evolve(self, slot: Instance, run: Run) -> Decisions:
        """Return the decisions of the best candidate that the slot's population ever held."""
        view = VectorView(self.repair)
        algorithm = GA(
            pop_size=self.population,
            crossover=SBX(eta=self.crossover_eta),
            mutation=PM(eta=self.mutation_eta),
        )
        seed = int(run.rng.integers(2**31))
        algorithm.setup(SlotProblem(slot, view), termination=NoTermination(), seed=seed)
        for _ in range(self.generations):
            algorithm.next()
            if run.should_stop():
                break
        point: Array = np.asarray(algorithm.opt[0].X)
        return view.invert(slot, point[None, :])
