"""`pymoo`: pymoo's single-objective algorithms as they come, a slot (or what rules link) at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

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
from mincache.views.pymoo_problem import SlotProblem
from mincache.views.vector import VectorView

_ALGORITHMS: dict[str, Callable[..., Any]] = {
    "ga": GA, "de": DE, "pso": PSO, "cmaes": lambda pop_size: CMAES(popsize=pop_size, restarts=0),
}  # fmt: skip


@dataclass(frozen=True)
class PymooAlgorithm(Solver):
    """A genetic algorithm, differential evolution, particle swarm or CMA-ES from pymoo, with its defaults.

    Source: Blank and Deb, pymoo: Multi-objective optimization in Python, doi:10.1109/ACCESS.2020.2990567.
    Slots that rules link are searched together, as one long point: a frame, or all slots with loading. Limits
    on time and evaluations are shared equally: each search has its part of what is left.

    Attributes:
        algorithm: `ga`, `de`, `pso` or `cmaes`.
        population: candidates a generation; CMA-ES begins with 20 random ones.
        evaluations: candidates that may be priced a slot (or a frame, or all, as above); of the last
            generation as many are as that leaves.
        repair: how a point becomes feasible decisions, one of `mincache.views.vector.REPAIRS`.
    """

    stochastic = True
    rules = RULES

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
        """Return the best candidate of each slot; nothing is cached where none is better than that."""
        nothing = Solution.nothing_cached(instance)
        cloud_cost, pieces = evaluate(instance, nothing).slot_cost, list(parts(instance))
        answer, raw = (Decisions(*map(np.array, nothing.decisions)) for _ in range(2))
        with _global_generator_kept():
            for k, (first, part) in enumerate(pieces):
                if run.should_stop():
                    break
                left = run.remaining_evaluations() * instance.slot_count / part.slot_count / (len(pieces) - k)
                most = int(max(1.0, min(self.evaluations, left)))
                share = Budget(run.remaining() / (len(pieces) - k), most)
                price = partial(run.evaluate_batch, first_slot=first)
                problem = SlotProblem(part, VectorView(self.repair), price)
                slots = slice(first, first + part.slot_count)
                point, cost = self._search(problem, run.rng, share)
                if cost < np.mean(cloud_cost[slots]):
                    _place(answer, slots, problem.decisions(point))
                    _place(raw, slots, problem.unrepaired(point))
        run.report_raw(raw.compact(RAW_DIGITS))
        return Solution.of(instance, answer)

    def _search(self, problem: SlotProblem, rng: np.random.Generator, budget: Budget) -> tuple[Array, float]:
        """Return the best point and its cost."""
        algorithm = _ALGORITHMS[self.algorithm](pop_size=self.population)
        seed = int(rng.integers(2**31))
        algorithm.setup(problem, termination=NoTermination(), seed=seed, verbose=False)
        best, best_cost, priced, limit = np.empty(0), np.inf, 0, budget.evaluations or self.evaluations
        while algorithm.has_next() and (candidates := algorithm.ask()) is not None:
            candidates = candidates[: limit - priced]
            cost = algorithm.evaluator.eval(problem, candidates).get("F")[:, 0]
            priced += len(candidates)
            if cost.min() < best_cost:
                best, best_cost = candidates[cost.argmin()].X, float(cost.min())
            if priced == limit or budget.remaining() <= 0.0:
                break
            algorithm.tell(infills=candidates)
        return best, best_cost


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
