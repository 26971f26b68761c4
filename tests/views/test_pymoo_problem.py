"""A slot as a pymoo problem."""

from dataclasses import replace

import numpy as np
import pytest

from mincache import Decisions, Run, Solution, evaluate
from mincache.algebra.parts import parts
from mincache.generation.suites import find_instance
from mincache.problem.instance import Rules
from mincache.solving import registry
from mincache.views.pymoo_problem import SlotProblem
from mincache.views.vector import VectorView

SMOKE = find_instance("smoke-v1.l1.n10.t0")


def test_it_prices_as_the_evaluator_does():
    """The objective of a point is the evaluator's cost of the decisions that the view reads in it."""
    slot, view = SMOKE.slot(3), VectorView()
    problem = SlotProblem(slot, view)
    points = np.random.default_rng(0).random((5, problem.n_var))
    decisions = view.invert(slot, points[:, None])
    answers = [Solution.of(slot, Decisions(*parts)) for parts in zip(*decisions, strict=True)]
    expected = [evaluate(slot, answer).cost for answer in answers]
    assert problem.evaluate(points)[:, 0] == pytest.approx(expected, rel=1e-14)


def test_a_longer_point_is_that_of_its_slots():
    """A point of linked slots holds the view's points of each, and costs what the slots cost on the mean."""
    instance, view = replace(SMOKE, rules=Rules(frame_slots=4, loading_s_per_gb=0.5)), VectorView()
    problem = SlotProblem(instance, view)
    point = np.random.default_rng(0).random((instance.slot_count, view.apply(instance)))
    expected = evaluate(instance, Solution.of(instance, view.invert(instance, point)))
    assert problem.evaluate(point.ravel()) == pytest.approx(expected.cost, rel=1e-14)


@pytest.mark.parametrize(
    ("rules", "lengths"),
    [
        (Rules(), [1] * 10),
        (Rules(steps_floor=0.2), [1] * 10),
        (Rules(frame_slots=4), [4, 4, 2]),
        (Rules(frame_slots=12), [10]),
        (Rules(loading_s_per_gb=0.5), [10]),
    ],
)
def test_parts_are_what_nothing_links(rules, lengths):
    """Answers to the parts, one after another, cost and keep together what they do apart."""
    instance = replace(SMOKE, rules=rules)
    pieces = [part for _, part in parts(instance)]
    assert [part.slot_count for part in pieces] == lengths
    answers = [registry.make("popular-first").solve(part, Run.seeded(0)) for part in pieces]
    joined = [np.concatenate(arrays) for arrays in zip(*(a.decisions for a in answers), strict=True)]
    whole = evaluate(instance, Solution.of(instance, Decisions(*joined)))
    costs = [
        cost for part, one in zip(pieces, answers, strict=True) for cost in evaluate(part, one).slot_cost
    ]
    assert whole.feasible
    assert whole.slot_cost == pytest.approx(costs, rel=1e-14)
