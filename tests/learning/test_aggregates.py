"""Aggregates: what they hold, and what they do not turn on."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from strategies import instances

from mincache.generation.scenario import Scenario
from mincache.learning.aggregates import FEATURES, USER_FEATURES, Aggregates
from mincache.problem.quantity import quantities


def drawn(users: int = 6):
    """An ordinary instance."""
    scenario = Scenario(users=users, slots=5)
    return scenario.instance("one", scenario.library(3), scenario.trace(3, "one"))


def test_counts_and_regrets_are_those_of_the_requests():
    """The first feature is the logarithm of one more than the requests, and the third sums to 4 a slot."""
    instance = drawn()
    seen = Aggregates.of(instance)
    counts = np.array([np.bincount(row, minlength=10) for row in instance.trace.requested_model])
    assert np.allclose(seen.features[..., 0], np.log(1 + counts), rtol=1e-6)
    assert (seen.requested == (counts > 0)).all()
    assert np.allclose(seen.features[..., 2].sum(axis=1), 4.0, rtol=1e-5)


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
    assert np.allclose(Aggregates.of(instance).features, Aggregates.of(other).features, atol=1e-5)


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
    ours, theirs = Aggregates.of(instance), Aggregates.of(other)
    assert np.allclose(ours.features[:, order], theirs.features, atol=1e-5)
    assert (ours.requested[:, order] == theirs.requested).all()


@given(instances())
def test_they_are_always_finite(instance):
    """Whatever the instance, all numbers are float32, finite and of order one, in the shapes told."""
    seen = Aggregates.of(instance)
    T, N, M = instance.slot_count, instance.user_count, instance.model_count
    assert seen.features.shape == (T, M, FEATURES)
    assert seen.users.shape == (T, N, USER_FEATURES)
    for array in (seen.features, seen.users):
        assert array.dtype == np.float32
        assert np.abs(array).max() <= 8.0
