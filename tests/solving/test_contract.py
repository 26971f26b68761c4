"""The contract: budgets, runs and what a solver class needs."""

import dataclasses
import math
import time

import numpy as np
import pytest

from mincache import Budget, InputError, Instance, Learner, Run, Solution, Solver
from mincache.solving.contract import answer


def test_budget_counts_down_and_stops_at_zero():
    """What remains falls with the time used, and is never negative."""
    budget = Budget(1000.0)
    first = budget.remaining()
    time.sleep(0.01)
    assert 0 < budget.remaining() < first <= 1000.0
    assert budget.elapsed() >= 0.01
    spent = Budget(0.0)
    assert spent.remaining() == 0.0


def test_budget_without_a_limit():
    """Without a limit there is always time, and the time used is known all the same."""
    assert Budget().remaining() == math.inf
    assert Budget().elapsed() >= 0.0


@pytest.mark.parametrize(("seconds", "stop"), [(0.0, True), (-5.0, True), (1000.0, False), (math.inf, False)])
def test_run_tells_when_to_stop(seconds, stop):
    """A run whose time is up says so; negative time is none."""
    run = Run.seeded(0, seconds)
    assert run.should_stop() == stop
    assert run.remaining() >= 0.0


def test_seeded_runs_repeat():
    """Runs of one seed draw the same numbers, runs of two seeds do not."""
    one, same, other = Run.seeded(3), Run.seeded(3), Run.seeded(4)
    assert one.rng.random() == same.rng.random() != other.rng.random()


def test_the_best_bound_is_kept():
    """The bound of a run is the largest reported; a smaller one or nan changes nothing."""
    run = Run.seeded(0)
    assert run.bound == -math.inf
    for bound, best in ((1.0, 1.0), (0.5, 1.0), (math.nan, 1.0), (np.float64(2.0), 2.0)):
        run.report(bound=bound)
        assert run.bound == best
    assert type(run.bound) is float


def test_reports_reach_the_reporter(instance):
    """Each report arrives with its time, its incumbent and the best bound so far, in order."""
    heard = []
    run = dataclasses.replace(Run.seeded(0), reporter=lambda *report: heard.append(report))
    answer = Solution.nothing_cached(instance)
    run.report(answer)
    run.report(bound=3.0)
    run.report(answer, bound=2.0)
    times = [seconds for seconds, _, _ in heard]
    assert times == sorted(times)
    assert [report[1:] for report in heard] == [(answer, None), (None, 3.0), (answer, 3.0)]


@pytest.mark.parametrize("solution", ["abc", 5, [1.0]])
def test_only_solutions_are_incumbents(solution):
    """Another thing is refused where it is reported, and not where it is read."""
    with pytest.raises(InputError, match="solution: must be a Solution"):
        Run.seeded(0).report(solution)


def test_reports_without_a_reporter():
    """A solver may report even if nobody listens."""
    Run.seeded(0).report(bound=1.0)


def test_solve_is_the_one_abstract_method():
    """A solver needs `solve` alone; one that learns needs `fit` too."""
    assert Solver.__abstractmethods__ == {"solve"}
    assert Learner.__abstractmethods__ == {"solve", "fit"}
    with pytest.raises(TypeError):
        Solver()


def test_a_solver_supports_everything_by_default(instance):
    """A solver that says nothing about it answers any instance, and needs no seed."""

    @dataclasses.dataclass(frozen=True)
    class Minimal(Solver):
        def solve(self, instance: Instance, run: Run) -> Solution:
            return Solution.nothing_cached(instance)

    assert Minimal().supports(instance) is None
    assert not Minimal.stochastic
    assert Minimal().solve(instance, Run.seeded(0)) == Solution.nothing_cached(instance)


def test_raw_decisions_are_kept(instance):
    """Outside the bench the last raw decisions reported lie on the run, and nobody else hears of them."""
    heard = []
    run = dataclasses.replace(Run.seeded(0), reporter=lambda *report: heard.append(report))
    assert run.raw is None
    first, last = Solution.nothing_cached(instance).decisions, Solution.nothing_cached(instance).decisions
    run.report_raw(first)
    run.report_raw(last)
    assert run.raw is last
    assert heard == []


class Raising(Solver):
    """Raises, or returns what it was given."""

    def __init__(self, given: object) -> None:
        self.given = given

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Raise the exception, or return the thing."""
        if isinstance(self.given, BaseException):
            raise self.given
        return self.given  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (RuntimeError("boom"), "RuntimeError: boom"),
        (SystemExit(3), "SystemExit: 3"),
        ("no solution", "received str"),
    ],
)
def test_what_goes_wrong_in_a_solver_is_told_in_a_line(instance, given, told):
    """A solver that raises, or returns something else than a solution, is an InputError that names it."""
    with pytest.raises(InputError, match=f"solver mine: .*{told}"):
        answer("mine", Raising(given), instance, Run.seeded(0))
