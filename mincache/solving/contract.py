"""The contract between a solver and the bench: `Solver`, `Run` and `Budget`."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeGuard

import numpy as np

from mincache.errors import (
    EvaluationsSpentError,
    InputError,
    MincacheError,
    excerpt,
    line_of,
    of_kind,
    whole_number,
)  # fmt: skip
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions, Solution
from mincache.problem.verdict import BatchEvaluation, Evaluation
from mincache.solving.pricing import CandidatePricer, Candidates

if TYPE_CHECKING:
    from mincache.generation.scenario import Scenario

RAW_DIGITS = 3
"""Significant digits of raw decisions that are worth keeping: they tell how much a limit is broken by."""
GRACE_S = 0.1
"""Seconds past its limit in which a solver that minds its time may still answer."""
Solve = Callable[["Solver", Instance, "Run"], Solution]
"""`Solver.solve` of a class."""
Reporter = Callable[[float, Solution | None, float | None], None]
"""Receives (seconds since the start, incumbent or None, lower bound or None)."""


@dataclass
class Budget:
    """How long a run may take, counted from when the budget is made.

    Args:
        seconds: wall-clock limit in s; infinite by default.
        evaluations: how many candidates `Run` may price; None for any number.
    """

    seconds: float = math.inf
    evaluations: int | None = None
    _start: float = field(default_factory=time.monotonic, repr=False)

    def elapsed(self) -> float:
        """Return the seconds used so far."""
        return time.monotonic() - self._start

    def remaining(self) -> float:
        """Return the seconds left, never negative; infinite without a limit."""
        return max(0.0, self.seconds - self.elapsed())


@dataclass
class Run:
    """What a solver is handed for one run beside the instance.

    Args:
        rng: the only source of randomness a solver may use.
        budget: the time it has.
        reporter: receives what the solver reports, as it comes.
        repetition: which of the repetitions it is, from 0.
        instance: what is to be answered, which `evaluate` needs.
        logger: receives the name and the number of what the solver logs.
    """

    rng: np.random.Generator
    budget: Budget = field(default_factory=Budget)
    reporter: Reporter | None = None
    repetition: int = 0
    instance: Instance | None = None
    logger: Callable[[str, float], None] | None = None
    bound: float = field(default=-float("inf"), init=False)
    """Best lower bound on the cost reported so far."""
    raw: Decisions | None = field(default=None, init=False, repr=False)
    """What the answer was before its repair, where the solver has reported it."""

    @classmethod
    def seeded(
        cls, seed: int, seconds: float = math.inf, instance: Instance | None = None,
        evaluations: int | None = None,
    ) -> Run:  # fmt: skip
        """Return a run with a generator on `seed` and these budgets, for use outside the bench."""
        rng = np.random.default_rng(whole_number("seed", seed))
        return cls(rng, Budget(seconds, evaluations), instance=instance)

    @cached_property
    def pricer(self) -> CandidatePricer:
        """What prices and counts candidates, and keeps the best of them.

        Raises:
            InputError: if the run was made without an instance.
        """
        if self.instance is None:
            rule, advice = "must know its instance to evaluate", "try Run.seeded(seed, instance=instance)"
            raise InputError("run", rule, "none, as where slots are shown one by one", advice)
        return CandidatePricer(self.instance, self.budget.evaluations)

    @property
    def evaluations(self) -> float:
        """How many candidates this run has priced; one for a part of the slots counts as that part."""
        return self.pricer.evaluations if "pricer" in vars(self) else 0.0

    @property
    def incumbent(self) -> Solution | None:
        """The best feasible candidate that this run has priced, if any."""
        return self.pricer.best if "pricer" in vars(self) else None

    def remaining_evaluations(self) -> float:
        """Return how many more candidates may be priced; infinite without a limit."""
        limit = self.budget.evaluations
        if "pricer" in vars(self):
            return self.pricer.remaining
        return math.inf if limit is None else float(limit)

    def evaluate(self, candidate: Solution | Array) -> Evaluation:
        """Return the score of a solution, or of a cache [T, M] with the best bandwidth and steps.

        It counts as one evaluation. If it is the best so far, it is the run's incumbent.

        Raises:
            InputError: if it is no answer to the run's instance.
            EvaluationsSpentError: if the run may price no more. A solver need not catch it: the run then ends
                with its incumbent.
        """
        found, better = self.pricer.one(candidate)
        self._keep(better)
        return found

    def evaluate_batch(self, candidates: Candidates, first_slot: int | None = None) -> BatchEvaluation:
        """Return the scores of many candidates: `Decisions` with leading axes, solutions, or caches.

        Args:
            candidates: caches have the shape [..., T, M]; they get the best bandwidth and steps.
            first_slot: candidates may be of some slots alone, from this one on: [..., S, M] and [..., S, N].
                One counts as S / T evaluations.

        Raises:
            InputError: if shapes do not fit.
            EvaluationsSpentError: as `evaluate`; the first candidates, as many as the run may still price,
                count as incumbents.
        """
        try:
            found, better = self.pricer.many(candidates, first_slot)
        except EvaluationsSpentError:
            self._keep(better=True)
            raise
        self._keep(better)
        return found

    def _keep(self, better: bool) -> None:
        if better and self.reporter is not None and self.incumbent is not None:
            self.report(self.incumbent)

    def log(self, **values: float) -> None:
        """Keep numbers of the search in the record, such as `run.log(temperature=0.5)`, with time and count.

        Of a number that is logged very often, some are kept.

        Raises:
            InputError: if one is not a finite number.
        """
        for name, value in values.items():
            if not isinstance(value, int | float | np.number) or not math.isfinite(value):
                raise InputError(f"log.{name}", "must be a finite number", excerpt(value))
            if self.logger is not None:
                self.logger(name, float(value))

    def remaining(self) -> float:
        """Return the seconds left."""
        return self.budget.remaining()

    def should_stop(self) -> bool:
        """Return whether time or evaluations are up, and the best answer so far should be returned."""
        return self.remaining() <= 0.0 or self.remaining_evaluations() <= 0.0

    def report(self, solution: Solution | None = None, *, bound: float | None = None) -> None:
        """Report an incumbent, a lower bound on the optimal cost, or both.

        Incumbents are priced by the evaluator after the run, and the best feasible one counts if the answer
        is worse. A bound is a claim that is held against every verified cost; minus infinity or nan is none.
        """
        if solution is not None:
            of_kind("solution", solution, Solution)
        if bound is not None:
            self.bound = max(self.bound, float(bound))
        if self.reporter is not None:
            known = None if bound is None or self.bound == -float("inf") else self.bound
            self.reporter(self.budget.elapsed(), solution, known)

    def report_raw(self, decisions: Decisions) -> None:
        """Report what the answer about to be returned was before its repair: cache [T, M], shares [T, N].

        The bench lets the evaluator price these decisions too, beside the answer, so that readers see how
        much of the work the repair does; they never count. Call it once, at the end; the last call stays.
        Outside the bench they are only kept, as `raw`.
        """
        self.raw = decisions


def _counted(solve: Solve) -> Solve:
    """Let a run know its instance; where its evaluations are spent, answer with the best that it priced."""

    @wraps(solve)
    def counted(self: Solver, instance: Instance, run: Run) -> Solution:
        run.instance = run.instance or instance
        try:
            return solve(self, instance, run)
        except EvaluationsSpentError:
            if run.incumbent is None:
                raise
            return run.incumbent

    return counted


class Solver(ABC):
    """A method that answers an instance with a solution.

    Derive a frozen dataclass from it; the dataclass's fields are the solver's parameters.

    Class attributes:
        stochastic: whether the answer depends on `run.rng`; then several seeds are worth running.
        kind: `exact`, `relaxation`, `heuristic`, `learned` or `baseline`, for readers of tables.
        rules: what it keeps beyond the paper's problem, named as in `Instance.used_rules`.
        information: what it sees before it decides: `trace` (all slots), or as `OnlineSolver` has it.
    """

    stochastic: ClassVar[bool] = False
    kind: ClassVar[str] = "heuristic"
    rules: ClassVar[tuple[str, ...]] = ()
    information: ClassVar[Literal["trace", "slot", "past"]] = "trace"

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "solve" in vars(cls):
            cls.solve = _counted(cls.solve)  # type: ignore[assignment,method-assign]  # of the same type

    @abstractmethod
    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return a solution of `instance`, drawing randomness from `run` alone and minding its time."""

    def supports(self, instance: Instance) -> str | None:
        """Return None, or a sentence why this solver cannot answer `instance`.

        Here: because of a rule that it does not keep.
        """
        unknown = instance.unknown_rules(self.kept_rules())
        return f"it does not know the rule {', '.join(unknown)}" if unknown else None

    def kept_rules(self) -> tuple[str, ...]:
        """Return the rules that it keeps: those of its class, unless parameters say others."""
        return self.rules

    def training_seeds(self) -> int:
        """Return how often it was trained anew: repetition k answers with what the k-th training gave."""
        return 1

    def data_files(self) -> Sequence[Path]:
        """Return the files that its answers depend on, beside its source and those named by a parameter."""
        return ()


def answer(title: str, solver: Solver, instance: Instance, run: Run) -> Solution:
    """Return a solver's answer, in this process; whatever goes wrong in it is a refusal of the solver."""
    try:
        solution = solver.solve(instance, run)
    except MincacheError:
        raise
    except (Exception, SystemExit) as error:  # a solver may raise anything
        advice = "try: mincache solvers check"
        raise InputError(f"solver {title}", "must answer", line_of(error), advice) from error
    if not is_solution(solution):
        raise InputError(f"solver {title}", "must return a Solution", kind_of_answer(solution))
    return solution


def is_solution(answered: object) -> TypeGuard[Solution]:
    """Return whether this is a `Solution`; a class derived from it could do anything while it is read."""
    return type(answered) is Solution


def kind_of_answer(answered: object) -> str:
    """Return what was answered in place of a `Solution`, for a message."""
    derived = "a class derived from it, " if isinstance(answered, Solution) else ""
    return derived + type(answered).__name__


class Learner(Solver):
    """A solver that is trained first; a field of it names the policy file that it loads."""

    kind: ClassVar[str] = "learned"

    @abstractmethod
    def fit(self, scenario: Scenario, run: Run) -> Path:
        """Train on traces drawn from `scenario`, and return the path of the policy file."""
