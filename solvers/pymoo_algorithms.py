"""`pymoo`: pymoo's single-objective algorithms as they come, a slot (or what rules link) at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pymoo.algorithms.soo.nonconvex.cmaes import CMAES
from pymoo.algorithms.soo.nonconvex.de import DE
from pymoo.algorithms.soo.nonconvex.ga import GA
from pymoo.algorithms.soo.nonconvex.pso import PSO
from pymoo.core.termination import NoTermination

from mincache import Decisions, InputError, Instance, Run, Solution, Solver, evaluate
from mincache.algebra.parts import parts
from mincache.problem.instance import RULES
from mincache.problem.quantity import Array
from mincache.solving.contract import RAW_DIGITS, Budget
from mincache.solving.feasible import round_feasibly
from mincache.views.pymoo_problem import SlotProblem
from mincache.views.vector import VectorView

_ALGORITHMS: dict[str, Callable[[int], Any]] = {
    "ga": lambda population: GA(pop_size=population),
    "de": lambda population: DE(pop_size=population),
    "pso": lambda population: PSO(pop_size=population),
    "cmaes": lambda population: CMAES(popsize=population, restarts=0),
}
_REPORT_EVERY = 10  # generations


@dataclass(frozen=True)
class PymooAlgorithm(Solver):
    """A genetic algorithm, differential evolution, particle swarm or CMA-ES from pymoo, with its defaults.

    Source: Blank and Deb, pymoo: Multi-objective optimization in Python, doi:10.1109/ACCESS.2020.2990567.
    Slots that rules link are searched together, as one long point: a frame, or all slots with loading. A time
    limit is shared equally: each search has its part of the time that is left.

    Attributes:
        algorithm: `ga`, `de`, `pso` or `cmaes`.
        population: candidates a generation; CMA-ES begins with 20 random ones.
        evaluations: candidates that may be priced a slot (or a frame, or all, as above); of the last
            generation as many are as that leaves.
        repair: how a point becomes feasible decisions, one of `mincache.views.vector.REPAIRS`.
    """

    stochastic: ClassVar[bool] = True
    rules: ClassVar[tuple[str, ...]] = RULES

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
        """Return the best candidate of each slot."""
        answer, raw = _nothing_cached(instance), _nothing_cached(instance)
        least, pieces = np.inf, list(parts(instance))
        with _global_generator_kept():
            for k, (first, part) in enumerate(pieces):
                if run.should_stop():
                    break
                share = Budget(run.remaining() / (len(pieces) - k))
                problem = SlotProblem(part, VectorView(self.repair))
                slots = slice(first, first + part.slot_count)
                for point in self._search(problem, run.rng, share):
                    _place(answer, slots, problem.decisions(point))
                    _place(raw, slots, problem.unrepaired(point))
                    found = Solution.of(instance, round_feasibly(instance, answer))
                    cost = evaluate(instance, found).cost
                    if cost < least:  # the first points of a slot may lose to the cloud
                        run.report(found)
                        least = cost
        run.report_raw(raw.compact(RAW_DIGITS))
        return Solution.of(instance, round_feasibly(instance, answer))

    def _search(self, problem: SlotProblem, rng: np.random.Generator, budget: Budget) -> Iterator[Array]:
        """Yield the best point so far, after the first generation, every tenth from there, and the last."""
        algorithm = _ALGORITHMS[self.algorithm](self.population)
        seed = int(rng.integers(2**31))
        algorithm.setup(problem, termination=NoTermination(), seed=seed, verbose=False)
        best, best_cost, priced, generation = np.empty(0), np.inf, 0, 0
        while algorithm.has_next() and (candidates := algorithm.ask()) is not None:
            candidates = candidates[: self.evaluations - priced]
            cost = algorithm.evaluator.eval(problem, candidates).get("F")[:, 0]
            priced, generation = priced + len(candidates), generation + 1
            if cost.min() < best_cost:
                best, best_cost = candidates[cost.argmin()].X, cost.min()
            if priced == self.evaluations or budget.remaining() <= 0.0:
                break
            if generation % _REPORT_EVERY == 1:
                yield best
            algorithm.tell(infills=candidates)
        yield best


def _nothing_cached(instance: Instance) -> Decisions:
    return Decisions(*(array.copy() for array in Solution.nothing_cached(instance).decisions))


def _place(whole: Decisions, slots: slice, piece: Decisions) -> None:
    for array, part in zip(whole, piece, strict=True):
        array[slots] = part


@contextmanager
def _global_generator_kept() -> Iterator[None]:
    """Leave numpy's global generator as it was, whatever happens: CMA-ES seeds and moves it."""
    state = np.random.get_state()  # noqa: NPY002  # the state to be kept is the global one's
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002  # as above
