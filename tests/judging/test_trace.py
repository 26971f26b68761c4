"""The anytime trace and its integrals, against hand-computed areas."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincache import Solution, evaluate
from mincache.errors import InputError
from mincache.generation.scenario import Scenario
from mincache.judging import messages, trace
from mincache.judging.outcome import Outcome
from mincache.judging.records import TracePoint
from mincache.problem.solution import Decisions

SCENARIO = Scenario(slots=2, users=3, models=3)
INSTANCE = SCENARIO.instance("tiny", SCENARIO.library(0), SCENARIO.trace(0))
GOOD = Solution.nothing_cached(INSTANCE)
SHAPE = (INSTANCE.slot_count, INSTANCE.user_count)
WORSE = Solution.of(INSTANCE, Decisions(GOOD.cache, np.full(SHAPE, 0.01), GOOD.step_share))
INFEASIBLE = Solution.of(INSTANCE, Decisions(GOOD.cache, np.full(SHAPE, 0.9), GOOD.step_share))


def incumbent(seconds, solution):
    """Return the report of an incumbent."""
    return seconds, messages.pack_incumbent(10 * seconds, solution.decisions)


def bound(seconds, value):
    """Return the report of a bound."""
    return seconds, struct.pack("<d", value)


def test_points_are_priced_improvements():
    """Incumbents are priced by the evaluator; what is infeasible or no better makes no point."""
    outcome = Outcome(
        incumbents=[
            incumbent(0.1, INFEASIBLE),
            incumbent(0.2, WORSE),
            incumbent(0.4, GOOD),
            incumbent(0.5, WORSE),
        ],
        bounds=[bound(0.3, 1.0), bound(0.6, 0.5)],
    )
    points = trace.points(trace.incumbents(outcome, INSTANCE), trace.bounds(outcome), None)
    worse, good = evaluate(INSTANCE, WORSE).cost, evaluate(INSTANCE, GOOD).cost
    assert good < worse
    assert points == ((0.2, pytest.approx(worse), None), (0.3, pytest.approx(worse), 1.0), (0.4, good, 1.0))


def test_answer_is_the_last_incumbent():
    """The answer counts as an incumbent that came when it was whole."""
    reported = trace.incumbents(Outcome(incumbents=[incumbent(1.0, WORSE)]), INSTANCE)
    cost = evaluate(INSTANCE, GOOD).cost
    points = trace.points(reported, [], (2.0, cost))
    assert points[-1] == (2.0, cost, None)
    assert points[0].seconds == 1.0


def test_improvements_over_evaluations():
    """Points are improvements in the order of counts; what came before anything was counted makes none."""
    reported = [trace.Incumbent(9.0, 5.0, GOOD, 3.0), trace.Incumbent(1.0, 9.0, GOOD, 0.0)]
    reported += [trace.Incumbent(2.0, 7.0, GOOD, 2.0), trace.Incumbent(2.0, 8.0, GOOD, 2.5)]
    assert trace.counted(reported, (4.0, 6.0)) == ((2.0, 7.0), (3.0, 5.0))
    assert trace.counted(reported, (4.0, 4.0))[-1] == (4.0, 4.0)
    assert trace.counted([], None) == ()


def test_what_is_logged_has_its_name():
    """Each number comes with the keeper's seconds and the count; bytes of another form are passed over."""
    kept = [(0.5, messages.pack_logged("heat", 2.0, 3.5)), (0.6, b"x"), (0.7, b"\xff" * 20)]
    assert trace.logged(Outcome(logged={"heat": kept})) == {"heat": ((0.5, 3.5, 2.0),)}


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(incumbents=[(0.0, b"short")]),
        Outcome(incumbents=[(0.0, messages.pack_incumbent(float("nan"), GOOD.decisions))]),
        Outcome(incumbents=[(0.0, messages.pack_incumbent(-1.0, GOOD.decisions))]),
        Outcome(bounds=[bound(0.0, float("nan"))]),
        Outcome(bounds=[(0.0, b"")]),
    ],
    ids=["incumbent", "count", "below 0", "nan", "empty"],
)
def test_malformed_reports_are_named(outcome):
    """A report that is none of the agreed form is refused."""
    with pytest.raises(InputError, match="must"):
        (trace.incumbents(outcome, INSTANCE), trace.bounds(outcome))


def test_minus_infinity_is_no_bound():
    """What a bounding method begins with is passed over."""
    assert trace.bounds(Outcome(bounds=[bound(0.1, -np.inf), bound(0.2, 1.0)])) == [(0.2, 1.0)]


def test_integrals_are_areas():
    """Gap 1 for 2 s, (20 - 10) / 20 for 3 s, and none for 5 s: an area of 3.5 s."""
    points = (TracePoint(2.0, 20.0, None), TracePoint(5.0, 10.0, 5.0))
    assert trace.primal_integral(points, 10.0, 10.0) == pytest.approx(2.0 + 1.5)
    assert trace.primal_dual_integral(points, 10.0) == pytest.approx(5.0 + 0.5 * 5.0)
    assert trace.primal_integral(points, None, 10.0) is None
    assert trace.primal_dual_integral((), 7.0) == 7.0


COSTS = st.lists(st.tuples(st.floats(0, 20), st.floats(1, 100)), max_size=6)


@given(COSTS, st.floats(0.1, 10))
def test_integrals_stay_between_none_and_all(events, horizon):
    """An integral is never negative, and at most the horizon."""
    costs = sorted((cost for _, cost in events), reverse=True)
    times = sorted(seconds for seconds, _ in events)
    points = tuple(TracePoint(s, c, 0.5) for s, c in zip(times, costs, strict=True))
    for area in (trace.primal_integral(points, 1.0, horizon), trace.primal_dual_integral(points, horizon)):
        assert area is not None
        assert -1e-12 <= area <= horizon + 1e-12
