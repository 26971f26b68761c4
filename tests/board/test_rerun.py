import pytest
from board_fixture import record

from mincache.board.rerun import TIME_FACTOR, reproduction

PUBLISHED = [record("s", i, cost, solution_sha256=i * 64) for i, cost in (("a", 10.0), ("b", 20.0))]


def test_the_same_solutions_are_a_reproduction():
    """Nothing differs."""
    found = reproduction(PUBLISHED, PUBLISHED[::-1])
    assert (found.runs, found.identical, found.same_cost, found.lost) == (2, 2, 2, 0)
    assert found.holds(0.0)


def test_other_solutions_of_a_close_cost_are_one_within_the_tolerance():
    """1 % up and 2 % down is a mean difference of half a per cent, down."""
    again = [record("s", "a", 10.1), record("s", "b", 19.6)]
    found = reproduction(PUBLISHED, again)
    assert found.mean_difference == pytest.approx(-0.005)
    assert found.largest_difference == pytest.approx(-0.02)
    assert found.identical == 0
    assert found.holds(0.006)
    assert not found.holds(0.004)
    assert "mean difference -0.500%, largest -2.000%" in str(found)


def test_a_lost_answer_is_no_reproduction():
    """A run that was verified and now crashes fails the row, however good the others are."""
    found = reproduction(PUBLISHED, [PUBLISHED[0], record("s", "b", stop_reason="crash")])
    assert found.lost == 1
    assert not found.holds(1.0)


def test_a_failure_that_fails_alike_is_reproduced():
    """A published crash that crashes again is the same outcome."""
    crash = [record("s", "a", stop_reason="crash")]
    found = reproduction(crash, crash)
    assert found.same_cost == 1
    assert found.holds(0.0)


def test_times_are_compared_by_what_the_machines_take():
    """Twice the time on a machine half as fast is the same time; a thousandth of it is none."""
    slow, fast = (
        [record("s", "a", 10.0, solve_s=s).model_copy(update={"environment": {"reference_s": r}})]
        for s, r in ((2.0, 0.008), (1.0, 0.004))
    )
    assert reproduction(slow, fast).time_ratio == pytest.approx(1.0, rel=0.01)
    held_up = [record("s", i, 10.0, solve_s=s) for i, s in (("a", 1.0), ("b", 1.0), ("c", 90.0))]
    smooth = [record("s", i, 10.0, solve_s=1.0) for i in "abc"]
    assert reproduction(held_up, smooth).time_ratio == 1.0
    faked = [record("s", "a", 10.0, solve_s=0.001)]
    found = reproduction(faked, [record("s", "a", 10.0, solve_s=1.0)])
    assert found.holds(0.0)
    assert not found.times_hold
    assert found.time_ratio > TIME_FACTOR
