"""A slot as a set of models: what is seen of it, and what is made of what is said."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import instances

from mincache import Solution, evaluate, evaluate_batch
from mincache.errors import InputError
from mincache.exact import optimum, serve_batch
from mincache.generation.scenario import Scenario
from mincache.learning.networks import draw_weights
from mincache.learning.scored_service import USER_FEATURES, decide, user_features
from mincache.learning.set_networks import SetActor
from mincache.learning.slot_sets import FEATURES, SetView, aggregates, cheapest_served, filled
from mincache.problem.quantity import quantities
from mincache.views.environment import EdgeCachingVectorEnv
from mincache.views.episodes import Episodes


def drawn(users: int = 6):
    """An ordinary instance."""
    scenario = Scenario(users=users, slots=5)
    return scenario.instance("one", scenario.library(3), scenario.trace(3, "one"))


def test_counts_and_regrets_are_those_of_the_requests():
    """The first feature is the logarithm of one more than the requests, and the third sums to 4 a slot."""
    instance = drawn()
    features, requested = aggregates(instance)
    counts = np.array([np.bincount(row, minlength=10) for row in instance.trace.requested_model])
    assert np.allclose(features[..., 0], np.log(1 + counts), rtol=1e-6)
    assert (requested == (counts > 0)).all()
    assert np.allclose(features[..., 2].sum(axis=1), 4.0, rtol=1e-5)


def test_units_do_not_matter():
    """Sizes and storage, or steps of any kind and their budget, may be counted in another unit."""
    instance = drawn()
    models, server = instance.models, instance.server
    other = replace(
        instance,
        server=replace(server, storage_gb=server.storage_gb * 8, steps=server.steps / 4),
        models=replace(
            models,
            size_gb=models.size_gb * 8,
            steps_onset=models.steps_onset / 4,
            steps_saturation=models.steps_saturation / 4,
            seconds_per_step=models.seconds_per_step * 4,
        ),
    )
    assert np.allclose(aggregates(instance)[0], aggregates(other)[0], atol=1e-5)


def test_models_may_come_in_any_order():
    """Renumber the models, and their features are renumbered."""
    instance = drawn()
    order = np.random.default_rng(0).permutation(10)
    models = replace(
        instance.models,
        **{name: getattr(instance.models, name)[order] for name in quantities(type(instance.models))},
    )
    requested = np.argsort(order)[instance.trace.requested_model]
    other = replace(instance, models=models, trace=replace(instance.trace, requested_model=requested))
    (ours, requested), (theirs, other_requested) = aggregates(instance), aggregates(other)
    assert np.allclose(ours[:, order], theirs, atol=1e-5)
    assert (requested[:, order] == other_requested).all()


def test_a_frame_is_seen_as_one_slot_with_all_its_users_and_steps():
    """Three slots of six users in a frame have the features of one slot of eighteen with thrice the steps."""
    instance = Scenario(users=6, slots=3, frame_slots=3).instance(
        "one", Scenario().library(3), Scenario(users=6, slots=3).trace(3, "one")
    )
    trace, radio = instance.trace, instance.radio
    whole = {
        name: getattr(trace, name).reshape(1, -1)
        for name in ("channel_gain", "requested_model", "input_bits")
    }
    other = replace(
        instance,
        trace=replace(
            trace, skewness=trace.skewness[:1], popularity_order=trace.popularity_order[:1], **whole
        ),
        radio=replace(radio, user_power_w=np.tile(radio.user_power_w, 3)),
        server=replace(instance.server, steps=3 * instance.server.steps),
        rules=replace(instance.rules, frame_slots=1),
    )
    (ours, requested), (theirs, other_requested) = aggregates(instance), aggregates(other)
    assert np.allclose(ours, np.repeat(theirs, 3, axis=0), rtol=1e-5, atol=1e-6)
    assert (requested == other_requested).all()


@given(instances())
def test_they_are_always_finite(instance):
    """Whatever the instance, all numbers are float32, finite and of order one, in the shapes told."""
    models, users = aggregates(instance)[0], user_features(instance)
    T, N, M = instance.slot_count, instance.user_count, instance.model_count
    assert models.shape == (T, M, FEATURES)
    assert users.shape == (T, N, USER_FEATURES)
    for array in (models, users):
        assert array.dtype == np.float32
        assert np.abs(array).max() <= 8.0


SCENARIO = Scenario(users=8, slots=6)
INSTANCE = SCENARIO.instance("one", SCENARIO.library(3), SCENARIO.trace(3, "one"))
SHAPE = (INSTANCE.slot_count, INSTANCE.model_count)


def test_the_optimum_said_in_scores_is_decoded():
    """Cache and bandwidth come back as they were said; steps cost at most the one user served in part."""
    best = optimum(INSTANCE).solution
    asks = INSTANCE.trace.requested_model[..., None] == np.arange(SHAPE[1])
    served = (best.step_share[..., None] * asks).max(axis=1)
    bandwidth = np.log(best.bandwidth_share)
    decisions = decide(INSTANCE, best.cache, best.cache - 0.5, served - 1e-9, bandwidth)
    assert (decisions.cache == best.cache).all()
    assert np.allclose(decisions.bandwidth_share, best.bandwidth_share)
    ours = evaluate(INSTANCE, Solution.of(INSTANCE, decisions))
    assert ours.feasible
    assert ours.cost <= 1.01 * evaluate(INSTANCE, best).cost


@given(st.integers(0, 2**31), st.integers(2, 30))
def test_candidates_never_cost_more(seed, count):
    """Of any scores, several candidates are feasible and in no slot dearer than the first alone."""
    rng = np.random.default_rng(seed)
    scores = [rng.normal(size=shape) for shape in (SHAPE, SHAPE, SHAPE, (SHAPE[0], 8))]
    one, several = (evaluate_batch(INSTANCE, decide(INSTANCE, *scores, n)) for n in (1, count))
    assert several.feasible
    assert (several.slot_cost <= one.slot_cost * (1 + 1e-12)).all()


def test_what_is_not_wanted_or_asked_for_is_not_cached():
    """Only requested models with a score of at least 0 are cached, the highest first as long as they fit."""
    requested = (INSTANCE.trace.requested_model[..., None] == np.arange(SHAPE[1])).any(axis=1)
    order = np.broadcast_to(np.arange(10.0), SHAPE)
    want = np.where(np.arange(10) % 2, 1.0, -1.0) * np.ones(SHAPE)
    cache = decide(INSTANCE, order, want, order, np.zeros((SHAPE[0], 8))).cache
    assert not cache[~requested | (want < 0)].any()
    for t in range(SHAPE[0]):
        free = INSTANCE.server.storage_gb
        for m in range(9, -1, -1):
            fits = requested[t, m] and want[t, m] > 0 and INSTANCE.models.size_gb[m] <= free
            assert cache[t, m] == fits
            free -= INSTANCE.models.size_gb[m] * fits


def test_other_thresholds_are_the_wants_nearest_to_nought():
    """The first filling has what is wanted; others lack the least wanted, or have what was nearly so."""
    storage = replace(INSTANCE, server=replace(INSTANCE.server, storage_gb=1000.0))
    requested = (INSTANCE.trace.requested_model[..., None] == np.arange(SHAPE[1])).any(axis=1)
    want = np.linspace(-1.0, 1.0, 10) * np.ones(SHAPE)
    caches = filled(storage, want, want, thresholds=20)
    assert len(caches) == 11
    assert (caches[0] == requested & (want > 0)).all()
    for t in range(SHAPE[0]):
        asked = np.flatnonzero(requested[t])
        nearest = asked[np.argsort(np.abs(want[t, asked]), kind="stable")]
        for k, m in enumerate(nearest, start=1):
            kept = want[t] >= want[t, m] if want[t, m] < 0 else want[t] > want[t, m]
            assert (caches[k, t] == requested[t] & kept).all()


@pytest.mark.parametrize("rules", [{"frame_slots": 2}, {"loading_s_per_gb": 2.0}, {"steps_floor": 0.3}])
def test_the_best_course_of_caches_is_found(rules):
    """It costs no more than any of the caches kept to in all slots, and with one cache it is that one."""
    scenario = Scenario(users=4, models=5, slots=6, **rules)
    instance = scenario.instance("one", scenario.library(2), scenario.trace(2, "one"))
    caches = np.eye(5, dtype=bool)[:, None].repeat(6, axis=1)
    best = evaluate_batch(instance, cheapest_served(instance, caches))
    assert best.feasible
    assert best.cost <= evaluate_batch(instance, serve_batch(instance, caches)).cost.min() * (1 + 1e-9)
    if not instance.rules.link_slots:
        assert (cheapest_served(instance, caches[:1]).cache == caches[0]).all()


def test_where_loading_takes_time_longer_stretches_are_seen_too():
    """Six slots are seen one by one, by twos, by fours, and at once; a score for each is asked for."""
    scenario = Scenario(users=4, models=5, slots=6, loading_s_per_gb=1.0)
    instance = scenario.instance("one", scenario.library(2), scenario.trace(2, "one"))
    states = SetView().apply(instance).reshape(4, 6, 5, FEATURES + 1)
    assert np.allclose(
        np.expm1(states[3, ..., 0]), np.bincount(instance.trace.requested_model.ravel(), minlength=5)
    )
    assert (states[1, 0] == states[1, 1]).all()
    decisions = SetView().invert(instance, np.zeros((24, 10)))
    assert evaluate_batch(instance, decisions).feasible


def test_an_agent_on_sets_fits_its_environment():
    """States and actions lie in the environment's boxes, for an actor that never heard of N and M."""
    scenario = Scenario(users=3, models=4, slots=3)
    env = EdgeCachingVectorEnv(Episodes(scenario, scenario.library(1), seed=1), 2, view=SetView())
    actor = SetActor(8)
    draw_weights(actor, np.random.default_rng(1))
    states, _ = env.reset()
    assert env.observation_space.contains(states)
    raw = actor.act(states)
    assert env.action_space.contains(raw)
    _, rewards, _, truncated, _ = env.step(raw)
    assert (rewards < 0).all()
    assert not truncated.any()


def test_malformed_actions_are_refused():
    """An action of another shape, or with a nan, is one line."""
    scenario = Scenario(users=3, models=4, slots=2)
    instance = scenario.instance("one", scenario.library(1), scenario.trace(1, "one"))
    with pytest.raises(ValueError, match=r"action: must have shape \[2, 8\]"):
        SetView().invert(instance, np.zeros((2, 10)))
    with pytest.raises(ValueError, match="action: must be finite"):
        SetView().invert(instance, np.full((2, 8), np.nan))


def test_linked_slots_are_refused():
    """An agent on sets does not see what is cached already, so it is not trained where that counts."""
    scenario = Scenario(slots=4, users=3, models=4, loading_s_per_gb=1.0)
    with pytest.raises(InputError, match="must not link slots"):
        EdgeCachingVectorEnv(Episodes(scenario, scenario.library(1), seed=1), view=SetView())
