"""The contract between a solver and the bench: `Solver`, `Run` and `Budget`."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from mincache.errors import InputError, MincacheError
from mincache.problem.instance import Instance
from mincache.problem.solution import Decisions, Solution

if TYPE_CHECKING:
    from mincache.generation.scenario import Scenario

RAW_DIGITS = 3
"""Significant digits of raw decisions that are worth keeping: they tell how much a limit is broken by."""
GRACE_S = 0.1
"""Seconds past its limit in which a solver that minds its time may still answer."""
Reporter = Callable[[float, Solution | None, float | None], None]
"""Receives (seconds since the start, incumbent or None, lower bound or None)."""


@dataclass
class Budget:
    """How long a run may take, counted from when the budget is made.

    Args:
        seconds: wall-clock limit in s; infinite by default.
    """

    seconds: float = float("inf")
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
    """

    rng: np.random.Generator
    budget: Budget = field(default_factory=Budget)
    reporter: Reporter | None = None
    repetition: int = 0
    bound: float = field(default=-float("inf"), init=False)
    """Best lower bound on the cost reported so far."""
    raw: Decisions | None = field(default=None, init=False, repr=False)
    """What the answer was before its repair, where the solver has reported it."""

    @classmethod
    def seeded(cls, seed: int, seconds: float = float("inf")) -> Run:
        """Return a run with a generator on `seed` and `seconds` of time, for use outside the bench."""
        return cls(np.random.default_rng(seed), Budget(seconds))

    def remaining(self) -> float:
        """Return the seconds left."""
        return self.budget.remaining()

    def should_stop(self) -> bool:
        """Return whether the time is up, and the best answer so far should be returned."""
        return self.remaining() <= 0.0

    def report(self, solution: Solution | None = None, *, bound: float | None = None) -> None:
        """Report an incumbent, a lower bound on the optimal cost, or both.

        Incumbents are priced by the evaluator after the run, and the best feasible one counts if the answer
        is worse. A bound is a claim that is held against every verified cost; minus infinity is none.
        """
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
        """Return the files that its answers depend on, beside its source and those named by a parameter.

        Their content is part of what a run is: with another policy, say, it is another run.
        """
        return ()


def answer(title: str, solver: Solver, instance: Instance, run: Run) -> Solution:
    """Return a solver's answer, in this process; whatever goes wrong in it is a refusal of the solver.

    Raises:
        InputError: if it raises, or returns something else than a solution.
    """
    try:
        solution = solver.solve(instance, run)
    except MincacheError:
        raise
    except Exception as error:  # a solver may raise anything
        received = f"{type(error).__name__}: {error}"
        raise InputError(f"solver {title}", "must answer", received, "try: mincache solvers check") from error
    if not isinstance(solution, Solution):
        raise InputError(f"solver {title}", "must return a Solution", type(solution).__name__)
    return solution


class Learner(Solver):
    """A solver that is trained first; a field of it names the policy file that it loads."""

    kind: ClassVar[str] = "learned"

    @abstractmethod
    def fit(self, scenario: Scenario, run: Run) -> Path:
        """Train on traces drawn from `scenario`, and return the path of the policy file."""
