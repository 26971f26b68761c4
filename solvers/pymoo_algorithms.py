"""`pymoo`: pymoo's single-objective algorithms as they come, a slot (or what rules link) at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pymoo.algorithms.soo.nonconvex.cmaes import CMAES
from pymoo.algorithms.soo.nonconvex.de import DE
from pymoo.algorithms.soo.nonconvex.ga import GA
from pymoo.algorithms.soo.nonconvex.pso import PSO
from pymoo.core.termination import NoTermination

from mincache import Decisions, InputError, Instance, Run, Solution, Solver
from mincache.feasible import rounded
from mincache.quantity import Array
from mincache.views.pymoo_problem import SlotProblem, parts
from mincache.views.vector import VectorView

_ALGORITHMS: dict[str, Callable[[int], Any]] = {
    "ga": lambda population: GA(pop_size=population),
    "de": lambda population: DE(pop_size=population),
    "pso": lambda population: PSO(pop_size=population),
    "cmaes": lambda population: CMAES(popsize=population, restarts=0),
}


@dataclass(frozen=True)
class PymooAlgorithm(Solver):
    """A genetic algorithm, differential evolution, particle swarm or CMA-ES from pymoo, with its defaults.

    Source: Blank and Deb, pymoo: Multi-objective optimization in Python, doi:10.1109/ACCESS.2020.2990567.
    Slots that rules link are searched together, as one long point: a frame, or all slots with loading.

    Attributes:
        algorithm: `ga`, `de`, `pso` or `cmaes`.
        population: candidates a generation.
        evaluations: candidates that may be priced a slot (or a frame, or all, as above).
        repair: how a point becomes feasible decisions, one of `mincache.views.vector.REPAIRS`.
    """

    stochastic: ClassVar[bool] = True
    rules: ClassVar[tuple[str, ...]] = ("frame_slots", "loading_s_per_gb", "steps_floor")

    algorithm: Literal["ga", "de", "pso", "cmaes"] = "de"
    population: int = 50
    evaluations: int = 5000
    repair: str = "threshold-priority"

    def __post_init__(self) -> None:
        for name, least in (("population", 4), ("evaluations", 1)):
            if getattr(self, name) < least:
                raise InputError(f"pymoo.{name}", f"must be >= {least}", str(getattr(self, name)))
        VectorView(self.repair)  # refuses an unknown repair now, not in the middle of a run

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the best candidate of each slot; slots not reached in time go to the cloud."""
        best = [array.copy() for array in Solution.nothing_cached(instance).decisions]
        t = 0
        for part in parts(instance):
            if run.should_stop():
                break
            for whole, piece in zip(best, self._search(part, run), strict=True):
                whole[t : t + part.slot_count] = piece
            t += part.slot_count
        return Solution.of(instance, rounded(instance, Decisions(*best)))

    def _search(self, part: Instance, run: Run) -> Decisions:
        problem = SlotProblem(part, VectorView(self.repair))
        global_state = np.random.get_state()  # noqa: NPY002  # CMA-ES seeds and moves numpy's global generator
        algorithm = _ALGORITHMS[self.algorithm](self.population)
        seed = int(run.rng.integers(2**31))
        algorithm.setup(problem, termination=NoTermination(), seed=seed, verbose=False)
        while algorithm.has_next() and algorithm.evaluator.n_eval < self.evaluations:
            algorithm.next()
            if run.should_stop():
                break
        np.random.set_state(global_state)  # noqa: NPY002
        point: Array = np.asarray(algorithm.opt[0].X)
        return problem.decisions(point)
