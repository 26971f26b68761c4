"""What simple heuristics share, against loops over one request at a time."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import instances

from mincache import Decisions, Scenario, evaluate_batch
from mincache.problem.instance import Rules
from mincache.problem.requests import demand
from mincache.solving import feasible, greedy


@given(instances(max_slots=5))
@settings(max_examples=20)
def test_the_past_is_what_was_asked_for_before(instance):
    """Counts and latest slots of each model are those of the requests before each slot."""
    past = greedy.past(instance)
    for t in range(instance.slot_count):
        for m in range(instance.model_count):
            before = [s for s in range(t) for asked in instance.trace.requested_model[s] if asked == m]
            assert past.requests[t, m] == len(before)
            assert past.latest[t, m] == (before[-1] + 1 if before else 0)


@pytest.fixture
def two_hits():
    """One slot, two users with a hit each, on models whose steps gain 100 TV; the second's take no time."""
    scenario = Scenario(
        users=2, models=2, slots=1, steps=250, steps_onset=(50, 50), steps_saturation=(200, 200),
        tv_worst=(100, 100), tv_best=(0, 0), preference_weight=0.5,
    )  # fmt: skip
    trace = replace(scenario.trace(0, "test"), requested_model=np.array([[0, 1]]))
    library = replace(scenario.library(0), seconds_per_step=np.array([0.1, 0.0]))
    return scenario.instance("hand", library, trace)


BOTH = np.ones((1, 2), dtype=bool)


def test_steps_go_where_they_gain_most(two_hits):
    """With 250 steps for one of two users who would gain 40 and 50 by 200 steps, the second has them."""
    shares = greedy.serve_where_it_gains_most(two_hits, BOTH)
    assert 250 * shares == pytest.approx(np.array([[0, 200]]))


def test_gains_are_counted_from_the_floor(two_hits):
    """With a floor of 80 steps a user, 90 are left to the second's 120 more, too few: both stay there."""
    floored = replace(two_hits, rules=Rules(steps_floor=0.2))
    assert 250 * greedy.serve_where_it_gains_most(floored, BOTH) == pytest.approx(np.array([[80, 80]]))
    ample = replace(floored, server=replace(floored.server, steps=290.0))
    assert 290 * greedy.serve_where_it_gains_most(ample, BOTH) == pytest.approx(np.array([[80, 200]]))


def test_a_floor_at_saturation_leaves_nothing_to_gain(two_hits):
    """Where every hit must have A3 steps, it has them, and no more."""
    full = replace(two_hits, rules=Rules(steps_floor=1.0), server=replace(two_hits.server, steps=401.0))
    assert 401 * greedy.serve_where_it_gains_most(full, BOTH) == pytest.approx(np.array([[200, 200]]))


def test_hits_that_lose_by_steps_get_none(two_hits):
    """Where only delay counts, steps cost and gain nothing."""
    hasty = replace(two_hits, preference_weight=1.0)
    assert greedy.serve_where_it_gains_most(hasty, BOTH).tolist() == [[0, 0]]


@given(instances(max_slots=3, with_rules=True))
@settings(max_examples=20)
def test_serving_is_never_dearer_than_the_floor_alone(instance):
    """Steps are given only where they lower the cost."""
    asked = demand(instance)
    cache = feasible.fill_cache(instance, asked, asked > 0)
    bandwidth = np.full(instance.trace.requested_model.shape, 1 / instance.user_count)
    least = feasible.raise_to_floor(instance, cache, np.zeros_like(bandwidth))
    served = greedy.serve_where_it_gains_most(instance, cache)
    costs = [evaluate_batch(instance, Decisions(cache, bandwidth, steps)).cost for steps in (served, least)]
    assert costs[0] <= costs[1] * (1 + 1e-12)
