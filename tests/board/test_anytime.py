import math

import numpy as np
import pytest
from board_fixture import record

from mincache.bench.records import TracePoint
from mincache.board.anytime import gap_curve, mean_primal_integral_s, reached_s
from mincache.board.references import Reference

TRACE = (TracePoint(1.0, None, 5.0), TracePoint(2.0, 15.0, 5.0), TracePoint(4.0, 10.0, 5.0))
OPTIMUM = Reference(10.0)


def test_targets_are_reached_by_the_first_cost_within_them():
    """60 % after 2 s, the optimum after 4 s, and an impossible target never."""
    assert reached_s(TRACE, OPTIMUM, (0.6, 0.5, 0.1, 0.0)) == [2.0, 2.0, 4.0, 4.0]
    assert reached_s(TRACE, Reference(9.0), (0.01,)) == [math.inf]
    assert reached_s((), OPTIMUM, (0.6,)) == [math.inf]


def test_the_curve_is_a_step_function():
    """Nothing before the first cost, 50 % from 2 s on, 0 from 4 s on."""
    curve = gap_curve(TRACE, OPTIMUM, np.array([1.5, 2.0, 3.9, 4.0, 99.0]))
    assert np.isnan(curve[0])
    assert curve[1:] == pytest.approx([0.5, 0.5, 0.0, 0.0])
    assert np.isnan(gap_curve((), OPTIMUM, np.array([1.0]))).all()


def test_the_primal_integral_is_to_the_reference_given():
    """1 for 2 s, then (15 - 10) / 15 for 2 s, then nothing; runs are averaged."""
    run = record("s", "a", 10.0).model_copy(update={"trace": TRACE, "primal_integral_s": 99.0})
    idle = record("s", "a", 10.0).model_copy(update={"trace": ()})
    assert mean_primal_integral_s([run], OPTIMUM, 10.0) == pytest.approx(2.0 + 2.0 / 3.0)
    assert mean_primal_integral_s([run, idle], OPTIMUM, 10.0) == pytest.approx((2.0 + 2.0 / 3.0 + 10.0) / 2)
    assert mean_primal_integral_s([], OPTIMUM, 10.0) is None
