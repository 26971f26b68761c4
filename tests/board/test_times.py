import math

import pytest
from board_fixture import record

from mincache.bench.records import TracePoint
from mincache.board.references import Reference
from mincache.board.standing import standings
from mincache.board.times import instance_s, mean_primal_integral_s, mean_solve_s, reached_s

TRACE = (TracePoint(1.0, None, 5.0), TracePoint(2.0, 15.0, 5.0), TracePoint(4.0, 10.0, 5.0))
OPTIMUM = Reference(10.0)


def _means(records):
    (standing,) = standings(records)
    means = mean_solve_s(standing)
    return {standing.labels[who]: means[who] for who in means}


def _geometric(*values):
    """Geometric mean shifted by the default 0.01 s."""
    return math.prod(value + 0.01 for value in values) ** (1 / len(values)) - 0.01


def test_the_time_of_an_instance_is_its_median_run():
    """One failure of three does not make the instance failed; two do."""
    good = [record("s", "a", 1.0, n, solve_s=seconds) for n, seconds in enumerate((1.0, 3.0))]
    lost = [record("s", "a", None, n, stop_reason="wall") for n in (2, 3)]
    assert instance_s([*good, lost[0]]) == 3.0
    assert instance_s([*good[:1], *lost]) == math.inf


def test_a_failure_counts_as_each_policy_says():
    """Solver x fails on b under a limit of 60 s: 600 s, nothing, or the 5 s of the other."""
    records = [
        record("x", "a", 1.0, solve_s=1.0, wall_s=60.0),
        record("x", "b", None, stop_reason="wall", wall_s=60.0),
        record("y", "a", 1.0, solve_s=2.0, wall_s=60.0),
        record("y", "b", 1.0, solve_s=5.0, wall_s=60.0),
    ]
    means = _means(records)
    assert means["x"] == pytest.approx(
        {"penalised": _geometric(1.0, 600.0), "common": 1.0, "worst": _geometric(1.0, 5.0)}
    )
    assert means["y"] == pytest.approx(
        {"penalised": _geometric(2.0, 5.0), "common": 2.0, "worst": _geometric(2.0, 5.0)}
    )


def test_an_instance_that_one_declined_is_nobodys():
    """What a solver declined is no failure of it, and gives the others no advantage."""
    records = [
        record("x", "a", 1.0, solve_s=1.0),
        record("x", "b", verdict="skipped"),
        record("y", "a", 1.0, solve_s=2.0),
        record("y", "b", 1.0, solve_s=50.0),
    ]
    assert _means(records)["y"]["penalised"] == pytest.approx(2.0)


def test_without_a_ranked_solver_there_are_no_times():
    """A campaign of failures has no means."""
    assert _means([record("x", "a", stop_reason="crash")]) == {}


def test_targets_are_reached_by_the_first_cost_within_them():
    """60 % after 2 s, the optimum after 4 s, and an impossible target never."""
    assert reached_s(TRACE, OPTIMUM, (0.6, 0.5, 0.1, 0.0)) == [2.0, 2.0, 4.0, 4.0]
    assert reached_s(TRACE, Reference(9.0), (0.01,)) == [math.inf]
    assert reached_s((), OPTIMUM, (0.6,)) == [math.inf]


def test_the_primal_integral_is_to_the_reference_given():
    """1 for 2 s, then (15 - 10) / 15 for 2 s, then nothing; runs are averaged."""
    run = record("s", "a", 10.0).model_copy(update={"trace": TRACE, "primal_integral_s": 99.0})
    idle = record("s", "a", 10.0).model_copy(update={"trace": ()})
    assert mean_primal_integral_s([run], OPTIMUM, 10.0) == pytest.approx(2.0 + 2.0 / 3.0)
    assert mean_primal_integral_s([run, idle], OPTIMUM, 10.0) == pytest.approx((2.0 + 2.0 / 3.0 + 10.0) / 2)
    assert mean_primal_integral_s([], OPTIMUM, 10.0) is None
