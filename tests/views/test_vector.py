"""The vector view: every point becomes feasible decisions, in the way its repair promises."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mincache import InputError, evaluate_batch
from mincache.generation.scenario import Scenario
from mincache.generation.suites import find_instance
from mincache.problem.constraints import CONSTRAINTS
from mincache.problem.instance import Rules
from mincache.views import vector
from mincache.views.vector import REPAIRS, VectorView

SMOKE = find_instance("smoke-v1.l0.n18.t0")
RULED = replace(SMOKE, rules=Rules(frame_slots=3, loading_s_per_gb=0.5, steps_floor=0.3))
HARDLY_A_STEP = replace(SMOKE, server=replace(SMOKE.server, steps=0.5))
NOTHING_FITS = replace(SMOKE, server=replace(SMOKE.server, storage_gb=1e-3))


def genes(*values: float) -> np.ndarray:
    """A point for one slot."""
    return np.array([values])


@pytest.fixture
def two_by_two():
    """One slot, two users, two models, with storage for either model but not for both."""
    scenario = Scenario(users=2, models=2, slots=1, storage_gb=5, size_gb=(3, 4), steps=250)
    return scenario.instance("small", scenario.library(1), scenario.trace(1, "test"))


@pytest.mark.parametrize("repair", REPAIRS)
@pytest.mark.parametrize("instance", [SMOKE, RULED], ids=["smoke", "rules"])
@given(seed=st.integers(0, 2**32 - 1), corner=st.booleans())
@settings(max_examples=15, deadline=None)
def test_every_point_is_feasible(repair, instance, seed, corner):
    """Points anywhere in the cube, corners included, give feasible decisions."""
    view = VectorView(repair)
    points = np.random.default_rng(seed).random((4, instance.slot_count, view.apply(instance)))
    points = np.round(points) if corner else points
    assert evaluate_batch(instance, view.invert(instance, points)).feasible.all()


def test_storage_goes_to_the_highest_gene(two_by_two):
    """Of two wanted models that do not fit together, the one with the higher gene is cached."""
    cache = VectorView().invert(two_by_two, genes(0.6, 0.7, 0.5, 0.5, 0, 0)).cache
    assert cache.tolist() == [[False, True]]


def test_genes_below_a_half_cache_nothing(two_by_two):
    """A model is cached only if its gene is at least one half."""
    cache = VectorView().invert(two_by_two, genes(0.49, 0.5, 0.5, 0.5, 0, 0)).cache
    assert cache.tolist() == [[False, True]]


def test_shares_are_scaled_only_above_one(two_by_two):
    """Shares that sum to less than one stay, those that sum to more are divided by their sum."""
    decisions = VectorView().invert(two_by_two, genes(0, 0, 0.2, 0.3, 1.0, 0.6))
    assert decisions.bandwidth_share == pytest.approx(np.array([[0.2, 0.3]]))
    assert decisions.step_share == pytest.approx(np.array([[1 / 1.6, 0.6 / 1.6]]))


def test_priority_serve_gives_all_or_nothing(two_by_two):
    """With steps for one user only, the hit with the higher step gene gets A3 and the other nothing."""
    requested = two_by_two.trace.requested_model[0]
    cached = np.isin([0, 1], requested[:1]) * 0.9  # the model that user 0 asks for
    steps = VectorView("priority-serve").invert(two_by_two, genes(*cached, 0.5, 0.5, 0.8, 0.9)).step_share[0]
    hits = requested == requested[0]
    served = int(np.flatnonzero(hits)[np.argmax(np.array([0.8, 0.9])[hits])])
    needed = two_by_two.models.steps_saturation[requested[served]] / two_by_two.server.steps
    assert steps[served] == pytest.approx(needed)
    assert np.delete(steps, served) == pytest.approx(0.0)


def test_an_unknown_repair_is_refused_by_name():
    """The refusal lists the repairs that there are."""
    with pytest.raises(InputError, match="must be one of threshold-priority, priority-serve"):
        VectorView("magic")


def decided(name, instance, action, cache=None):
    """The decisions of a raw action."""
    return REPAIRS[name](instance, vector.unit_cube(action), cache)


@pytest.fixture
def same_request(two_by_two):
    """The same, with steps for one user and a bit, and both users asking for the first model."""
    server = replace(two_by_two.server, steps=250.0)
    return replace(two_by_two, server=server, trace=replace(two_by_two.trace, requested_model=[[0, 0]]))


def raw(*values: float) -> np.ndarray:
    """A raw action of one slot."""
    return np.array([values])


@pytest.mark.parametrize("name", REPAIRS)
@pytest.mark.parametrize(
    "instance", [SMOKE, HARDLY_A_STEP, NOTHING_FITS, RULED], ids=["smoke", "steps", "storage", "rules"]
)
@given(seed=st.integers(0, 2**32 - 1), corner=st.booleans())
@settings(max_examples=10)
def test_every_action_is_feasible(name, instance, seed, corner):
    """Raw actions anywhere in the box, corners included, and beyond it, give feasible decisions."""
    points = np.random.default_rng(seed).uniform(-1.5, 1.5, (3, instance.slot_count, vector.size(instance)))
    points = np.sign(points) if corner else points
    assert evaluate_batch(instance, decided(name, instance, points)).feasible.all()


@pytest.mark.parametrize("name", REPAIRS)
@pytest.mark.parametrize("instance", [SMOKE, RULED], ids=["smoke", "rules"])
def test_a_cache_that_is_held_decides_instead_of_the_scores(instance, name):
    """With the cache of other actions given, the decisions have it, and keep limits and rules with it."""
    first, other = np.random.default_rng(0).uniform(-1, 1, (2, instance.slot_count, vector.size(instance)))
    held = decided(name, instance, first).cache
    decisions = decided(name, instance, other, held)
    assert decisions.cache.tolist() == held.tolist()
    assert held.tolist() != decided(name, instance, other).cache.tolist()
    assert evaluate_batch(instance, decisions).feasible


@pytest.mark.parametrize("name", ["scaled-sigmoid", "serve-in-order"])
def test_models_need_no_threshold(same_request, name):
    """The model with the higher score is cached even when both scores are low."""
    cache = decided(name, same_request, raw(-0.9, -0.8, 0, 0, 0, 0)).cache
    assert cache.tolist() == [[False, True]]


def test_softmax_caches_from_the_middle_upwards(same_request):
    """The literal reading caches no model whose score is below the middle of its range."""
    cache = decided("softmax", same_request, raw(0.1, -0.1, 0, 0, 0, 0)).cache
    assert cache.tolist() == [[True, False]]


def test_softmax_shares_sum_to_one_over_all_users(same_request):
    """Both shares of the literal reading use the whole resource, and equal scores get equal shares."""
    decisions = decided("softmax", same_request, raw(0, 0, 0.3, 0.3, 0.7, -0.2))
    assert decisions.bandwidth_share == pytest.approx(np.array([[0.5, 0.5]]))
    assert decisions.step_share.sum() == pytest.approx(1.0)
    assert decisions.step_share[0, 0] > decisions.step_share[0, 1]


def test_scaled_sigmoid_gives_hits_their_part_of_saturation(same_request):
    """A score of 0 is half of A3 to a hit, and a miss gets no steps."""
    half = same_request.models.steps_saturation[0] / same_request.server.steps / 2
    hits = decided("scaled-sigmoid", same_request, raw(1, -1, 0, 0, 0, -1))
    misses = decided("scaled-sigmoid", same_request, raw(-1, 1, 0, 0, 0, -1))
    assert hits.step_share == pytest.approx(np.array([[half, 0.0]]))
    assert misses.step_share.tolist() == [[0.0, 0.0]]


def test_serve_in_order_gives_all_or_nothing(same_request):
    """With steps for one user only, the hit with the higher score gets A3 steps and the other none."""
    saturation = same_request.models.steps_saturation[0] / same_request.server.steps
    decisions = decided("serve-in-order", same_request, raw(1, -1, 0, 0, 0.4, 0.6))
    assert decisions.step_share == pytest.approx(np.array([[0.0, saturation]]))
    nobody = decided("serve-in-order", same_request, raw(1, -1, 0, 0, -0.4, -0.6))
    assert nobody.step_share.tolist() == [[0.0, 0.0]]


def test_unrepaired_actions_show_what_a_repair_mends(same_request):
    """Taken literally, the corner action caches all and hands each share out whole to everybody."""
    batch = evaluate_batch(same_request, vector.unrepaired(same_request, np.ones((1, 6))))
    excess = dict(zip(CONSTRAINTS, batch.excess.ravel().tolist(), strict=True))
    too_much = same_request.models.size_gb.sum() / same_request.server.storage_gb - 1
    assert excess["storage"] == pytest.approx(too_much)
    assert (excess["bandwidth"], excess["steps"]) == (1.0, 1.0)
