"""Decisions within limits and rules: whatever is wanted, what comes out is feasible, and as much as fits."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import instances

from mincache import Decisions, Solution, evaluate, evaluate_batch
from mincache.generation.scenario import Scenario
from mincache.problem.instance import Rules
from mincache.problem.requests import demand
from mincache.solving import feasible

RULED = instances(max_slots=5, with_rules=True)
SEED = st.integers(0, 2**32 - 1)


def wishes(instance, seed, *batch):
    """Return orders [..., T, M] and [..., T, N], and who of them is wanted at all."""
    rng = np.random.default_rng(seed)
    shapes = [(*batch, instance.slot_count, width) for width in (instance.model_count, instance.user_count)]
    return [rng.random(shape) for shape in shapes], [rng.random(shape) < 0.7 for shape in shapes]


def with_steps(instance, cache, steps):
    """Return these decisions with equal bandwidth."""
    return Decisions(cache, np.full_like(steps, 1 / instance.user_count), steps)


def least_steps(instance, m):
    """The floor of a model in plain Python."""
    floor, models = instance.rules.steps_floor, instance.models
    A1, A3 = float(models.steps_onset[m]), float(models.steps_saturation[m])
    return A1 + floor * (A3 - A1) if floor > 0 else 0.0


@given(RULED, SEED)
def test_whatever_is_wanted_is_made_feasible(instance, seed):
    """A filled cache keeps limits and rules, with its hits served in order as with any shares lifted."""
    (models, users), (wanted, served) = wishes(instance, seed, 3)
    cache = feasible.fill_cache(instance, models, wanted)
    within = users / np.maximum(users.sum(axis=-1, keepdims=True), 1.0)
    for steps in (
        feasible.serve(instance, cache, users, served),
        feasible.raise_to_floor(instance, cache, within),
    ):
        assert evaluate_batch(instance, with_steps(instance, cache, steps)).feasible.all()


@given(RULED, SEED)
@settings(max_examples=20)
def test_rounded_decisions_stay_feasible(instance, seed):
    """The compact form of feasible decisions keeps every limit and rule."""
    (models, users), (wanted, served) = wishes(instance, seed)
    cache = feasible.fill_cache(instance, models, wanted)
    steps = feasible.serve(instance, cache, users, served)
    answer = feasible.round_feasibly(instance, with_steps(instance, cache, steps))
    assert evaluate(instance, Solution.of(instance, answer)).feasible


@given(RULED, SEED)
def test_the_cache_is_filled_as_one_would_by_hand(instance, seed):
    """Frame by frame, models are taken in order, each if storage and every slot's steps still suffice."""
    (order, _), (wanted, _) = wishes(instance, seed)
    length, requested = instance.rules.frame_slots, instance.trace.requested_model
    expected = np.zeros_like(wanted)
    for first in range(0, instance.slot_count, length):
        frame = range(first, min(first + length, instance.slot_count))
        free_gb, free_steps = instance.server.storage_gb, dict.fromkeys(frame, instance.server.steps)
        for m in sorted(range(instance.model_count), key=lambda m, at=first: -order[at, m]):
            asked = {t: int((requested[t] == m).sum()) * least_steps(instance, m) for t in frame}
            fits = all(asked[t] <= free_steps[t] for t in frame)
            if wanted[first, m] and instance.models.size_gb[m] <= free_gb and fits:
                expected[list(frame), m] = True
                free_gb -= instance.models.size_gb[m]
                free_steps = {t: free_steps[t] - asked[t] for t in frame}
    assert feasible.fill_cache(instance, order, wanted).tolist() == expected.tolist()


@given(RULED, SEED)
@settings(max_examples=10)
def test_hits_and_demand_agree(instance, seed):
    """There are as many hits as requests for the models that are cached."""
    (order, _), (wanted, _) = wishes(instance, seed)
    cache = feasible.fill_cache(instance, order, wanted)
    requests = demand(instance)
    assert feasible.hits(instance, cache).sum(axis=1).tolist() == (requests * cache).sum(axis=1).tolist()
    assert (requests.sum(axis=1) == instance.user_count).all()


@pytest.fixture
def three_users():
    """One slot, three users who ask for one model of A1 = 100 and A3 = 200, 500 steps, floor half-way."""
    scenario = Scenario(
        users=3, models=1, slots=1, steps=510, steps_onset=(100, 100), steps_saturation=(200, 200),
        steps_floor=0.5,
    )  # fmt: skip
    return scenario.instance("hand", scenario.library(0), scenario.trace(0, "test"))


def test_the_floor_comes_before_the_order(three_users):
    """Of 510 steps, three users need 150 each; the 60 left are enough for the first to have 200."""
    cache = np.ones((1, 1), dtype=bool)
    steps = feasible.serve(three_users, cache, np.array([[0.2, 0.9, 0.5]]), np.ones((1, 3), dtype=bool))
    assert 510 * steps == pytest.approx(np.array([[150, 200, 150]]))


def test_lifting_scales_down_only_what_is_above_the_floor(three_users):
    """Of 510 steps, 150 are each user's; wishes of 255, 204 and 51 share the 60 left as 105 to 54 to 0."""
    steps = feasible.raise_to_floor(three_users, np.ones((1, 1), dtype=bool), np.array([[0.5, 0.4, 0.1]]))
    assert 510 * steps == pytest.approx(np.array([[150 + 60 * 105 / 159, 150 + 60 * 54 / 159, 150]]))


def test_without_a_floor_shares_are_left_alone(three_users):
    """Lifting changes nothing where no floor is asked for, however little a hit is given."""
    free, shares = replace(three_users, rules=Rules()), np.array([[0.7, 0.0, 0.1]])
    assert feasible.raise_to_floor(free, np.ones((1, 1), dtype=bool), shares).tolist() == shares.tolist()


def test_a_model_is_left_out_where_steps_do_not_suffice(three_users):
    """With 400 steps, three users cannot have 150 each, so their model is not cached."""
    scarce = replace(three_users, server=replace(three_users.server, steps=400.0))
    cache = feasible.fill_cache(scarce, np.ones((1, 1)), np.ones((1, 1), dtype=bool))
    assert not cache.any()


@pytest.mark.parametrize(
    ("rules", "linked"),
    [
        (Rules(), 1),
        (Rules(steps_floor=0.5), 1),
        (Rules(frame_slots=2), 2),
        (Rules(frame_slots=9), 5),
        (Rules(frame_slots=2, loading_s_per_gb=1.0), 5),
    ],
)
def test_what_rules_link(rules, linked):
    """Frames link their slots, loading links all, a floor none."""
    scenario = Scenario(slots=5)
    instance = scenario.instance("five", scenario.library(0), scenario.trace(0, "test"))
    assert feasible.linked_slots(replace(instance, rules=rules)) == linked


def test_lifting_nothing_where_nothing_is_left_is_no_division(three_users):
    """With all steps at the floor, and no wish beyond it, lifting warns of nothing and changes nothing."""
    floor = 450.0 * (1 - 1e-16)
    tight = replace(three_users, server=replace(three_users.server, steps=floor))
    with np.errstate(all="raise"):
        steps = feasible.raise_to_floor(tight, np.ones((1, 1), dtype=bool), np.zeros((1, 3)))
    assert tight.server.steps * steps == pytest.approx(np.full((1, 3), 150.0))


@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(0.1, 5), st.booleans()), min_size=1, max_size=8),
    st.floats(0.0, 12),
)
def test_agrees_with_one_item_at_a_time(items, capacity):
    """The vectorised pass takes what a plain loop over the sorted items takes, ties to the lower index."""
    priority, size, wanted = (np.array(column) for column in zip(*items, strict=True))
    expected, free = np.zeros(len(items), dtype=bool), capacity
    for i in sorted(range(len(items)), key=lambda i: -priority[i]):
        if wanted[i] and size[i] <= free:
            expected[i], free = True, free - size[i]
    batch = np.stack([priority, priority])
    taken = feasible.pack_by_priority(batch, size, capacity, np.stack([wanted, wanted]))
    assert taken.tolist() == [expected.tolist()] * 2
    sizes = np.where(wanted[:, None], np.stack([size, np.zeros_like(size)], axis=-1), feasible.NOT_WANTED)
    both = feasible.pack_resources(batch, sizes, np.array([capacity, 0.0]))
    assert both.tolist() == taken.tolist()


def test_every_resource_must_suffice():
    """The second item lacks the first resource, the third the second; what it leaves the fourth takes."""
    sizes = np.array([[3.0, 1.0], [3.0, 1.0], [1.0, 3.0], [2.0, 2.0]])
    taken = feasible.pack_resources(np.array([4.0, 3, 2, 1]), sizes, np.array([5.0, 3.0]))
    assert taken.tolist() == [True, False, False, True]
