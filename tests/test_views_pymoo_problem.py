"""A slot as a pymoo problem."""

import numpy as np
import pytest

from mincache import Decisions, Solution, evaluate
from mincache.suites import find_instance
from mincache.views.pymoo_problem import SlotProblem
from mincache.views.vector import VectorView


def test_it_prices_as_the_evaluator_does():
    """The objective of a point is the evaluator's cost of the decisions that the view reads in it."""
    slot, view = find_instance("smoke-v1.l1.n10.t0").slot(3), VectorView()
    problem = SlotProblem(slot, view)
    points = np.random.default_rng(0).random((5, problem.n_var))
    decisions = view.invert(slot, points[:, None])
    answers = [Solution.of(slot, Decisions(*parts)) for parts in zip(*decisions, strict=True)]
    expected = [evaluate(slot, answer).cost for answer in answers]
    assert problem.evaluate(points)[:, 0] == pytest.approx(expected, rel=1e-14)
