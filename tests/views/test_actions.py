"""The maps from raw actions to decisions: always feasible, each in its own way."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mincache import evaluate_batch
from mincache.generation.scenario import Scenario
from mincache.generation.suites import find_instance
from mincache.problem.constraints import CONSTRAINTS
from mincache.problem.instance import Rules
from mincache.views import actions
from mincache.views.actions import ACTIONS
from mincache.views.vector import VectorView

SMOKE = find_instance("smoke-v1.l0.n18.t0")
HARDLY_A_STEP = replace(SMOKE, server=replace(SMOKE.server, steps=0.5))
RULED = replace(SMOKE, rules=Rules(frame_slots=3, loading_s_per_gb=0.5, steps_floor=0.3))
NOTHING_FITS = replace(SMOKE, server=replace(SMOKE.server, storage_gb=1e-3))


@pytest.fixture
def two_by_two():
    """One slot, two users with a request each, two models, storage for either, steps for one and a bit."""
    scenario = Scenario(users=2, models=2, slots=1, storage_gb=5, size_gb=(3, 4), steps=250)
    instance = scenario.instance("small", scenario.library(1), scenario.trace(1, "test"))
    return replace(instance, trace=replace(instance.trace, requested_model=[[0, 0]]))


def raw(*values: float) -> np.ndarray:
    """A raw action of one slot."""
    return np.array([values])


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize(
    "instance", [SMOKE, HARDLY_A_STEP, NOTHING_FITS, RULED], ids=["smoke", "steps", "storage", "rules"]
)
@given(seed=st.integers(0, 2**32 - 1), corner=st.booleans())
@settings(max_examples=10)
def test_every_action_is_feasible(name, instance, seed, corner):
    """Raw actions anywhere in the box, corners included, and beyond it, give feasible decisions."""
    points = np.random.default_rng(seed).uniform(-1.5, 1.5, (3, instance.slot_count, actions.size(instance)))
    points = np.sign(points) if corner else points
    assert evaluate_batch(instance, ACTIONS[name].decide(instance, points)).feasible.all()


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("instance", [SMOKE, RULED], ids=["smoke", "rules"])
def test_a_cache_that_is_held_decides_instead_of_the_scores(instance, name):
    """With the cache of other actions given, the decisions have it, and keep limits and rules with it."""
    first, other = np.random.default_rng(0).uniform(-1, 1, (2, instance.slot_count, actions.size(instance)))
    held = ACTIONS[name].decide(instance, first).cache
    decisions = ACTIONS[name].decide(instance, other, held)
    assert decisions.cache.tolist() == held.tolist()
    assert held.tolist() != ACTIONS[name].decide(instance, other).cache.tolist()
    assert evaluate_batch(instance, decisions).feasible


@pytest.mark.parametrize("name", ["scaled-sigmoid", "serve-in-order"])
def test_models_need_no_threshold(two_by_two, name):
    """The model with the higher score is cached even when both scores are low."""
    cache = ACTIONS[name].decide(two_by_two, raw(-0.9, -0.8, 0, 0, 0, 0)).cache
    assert cache.tolist() == [[False, True]]


def test_softmax_caches_from_the_middle_upwards(two_by_two):
    """The literal reading caches no model whose score is below the middle of its range."""
    cache = ACTIONS["softmax"].decide(two_by_two, raw(0.1, -0.1, 0, 0, 0, 0)).cache
    assert cache.tolist() == [[True, False]]


def test_softmax_shares_sum_to_one_over_all_users(two_by_two):
    """Both shares of the literal reading use the whole resource, and equal scores get equal shares."""
    decisions = ACTIONS["softmax"].decide(two_by_two, raw(0, 0, 0.3, 0.3, 0.7, -0.2))
    assert decisions.bandwidth_share == pytest.approx(np.array([[0.5, 0.5]]))
    assert decisions.step_share.sum() == pytest.approx(1.0)
    assert decisions.step_share[0, 0] > decisions.step_share[0, 1]


def test_scaled_sigmoid_gives_hits_their_part_of_saturation(two_by_two):
    """A score of 0 is half of A3 to a hit, and a miss gets no steps."""
    half = two_by_two.models.steps_saturation[0] / two_by_two.server.steps / 2
    hits = ACTIONS["scaled-sigmoid"].decide(two_by_two, raw(1, -1, 0, 0, 0, -1))
    misses = ACTIONS["scaled-sigmoid"].decide(two_by_two, raw(-1, 1, 0, 0, 0, -1))
    assert hits.step_share == pytest.approx(np.array([[half, 0.0]]))
    assert misses.step_share.tolist() == [[0.0, 0.0]]


def test_serve_in_order_gives_all_or_nothing(two_by_two):
    """With steps for one user only, the hit with the higher score gets A3 steps and the other none."""
    saturation = two_by_two.models.steps_saturation[0] / two_by_two.server.steps
    decisions = ACTIONS["serve-in-order"].decide(two_by_two, raw(1, -1, 0, 0, 0.4, 0.6))
    assert decisions.step_share == pytest.approx(np.array([[0.0, saturation]]))
    nobody = ACTIONS["serve-in-order"].decide(two_by_two, raw(1, -1, 0, 0, -0.4, -0.6))
    assert nobody.step_share.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("name", ["threshold-priority", "priority-serve"])
def test_maps_that_are_repairs_mean_what_the_vector_view_means(name):
    """A raw action in [-1, 1] is the vector view's point in [0, 1], stretched."""
    points = np.random.default_rng(0).random((SMOKE.slot_count, actions.size(SMOKE)))
    ours, theirs = ACTIONS[name].decide(SMOKE, 2 * points - 1), VectorView(name).invert(SMOKE, points)
    for a, b in zip(ours, theirs, strict=True):
        assert np.asarray(a) == pytest.approx(np.asarray(b))


def test_unrepaired_actions_show_what_a_repair_mends(two_by_two):
    """Taken literally, the corner action caches all and hands each share out whole to everybody."""
    batch = evaluate_batch(two_by_two, actions.unrepaired(two_by_two, np.ones((1, 6))))
    excess = dict(zip(CONSTRAINTS, batch.excess.ravel().tolist(), strict=True))
    too_much = two_by_two.models.size_gb.sum() / two_by_two.server.storage_gb - 1
    assert excess["storage"] == pytest.approx(too_much)
    assert (excess["bandwidth"], excess["steps"]) == (1.0, 1.0)
