import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from strategies import instances

from mincache import Decisions, Instance, evaluate_batch
from mincache.exact import optimal_bandwidth, regrets
from mincache.exact.regrets import service_cost
from mincache.problem.quantity import Array


def slot_cost(instance: Instance, cached: bool, steps: Array) -> Array:
    """Sum of the users' costs in each slot, as the evaluator has it, with the optimal bandwidth."""
    cache = np.full((instance.slot_count, instance.model_count), cached)
    shares = steps / instance.server.steps
    slot_mean = evaluate_batch(instance, Decisions(cache, optimal_bandwidth(instance), shares)).slot_cost
    return slot_mean * instance.user_count


@given(instances())
def test_the_cloud_costs_the_ideal_and_its_regrets(instance: Instance) -> None:
    """Ideal plus the regret of every request at the cloud is what the evaluator says of an empty cache."""
    found = regrets(instance, optimal_bandwidth(instance))
    want = slot_cost(instance, False, np.zeros(instance.trace.requested_model.shape))
    np.testing.assert_allclose(found.ideal_cost + found.cloud.sum(axis=1), want, rtol=1e-13)


@given(instances(), st.sampled_from(["none", "onset", "full"]))
def test_an_edge_without_limits_costs_the_ideal_and_its_regrets(instance: Instance, given: str) -> None:
    """With every model cached, the evaluator agrees at no steps, at A1 and at the better of 0 and A3."""
    found, models = regrets(instance, optimal_bandwidth(instance)), instance.models
    steps, regret = {
        "none": (np.zeros(instance.model_count), found.unserved),
        "onset": (models.steps_onset, found.onset),
        "full": (np.where(found.unserved > 0, models.steps_saturation, 0.0), np.zeros(instance.model_count)),
    }[given]
    requested = instance.trace.requested_model
    want = slot_cost(instance, True, steps[requested])
    # Steps that pass through shares and back may fall short of A3 by rounding, where all else costs nothing.
    np.testing.assert_allclose(found.ideal_cost + regret[requested].sum(axis=1), want, rtol=1e-12, atol=1e-12)


@given(instances())
def test_no_regret_is_negative(instance: Instance) -> None:
    """Nothing is better than the ideal, and A1 steps are never better than none."""
    found = regrets(instance, optimal_bandwidth(instance))
    assert (found.cloud >= 0).all()
    assert (found.unserved >= 0).all()
    assert (found.onset >= found.unserved).all()


@given(instances(max_slots=2))
def test_a_hit_with_a3_steps_costs_what_the_cloud_does_but_the_way(instance: Instance) -> None:
    """The cloud generates as A3 steps at the edge do; seconds on the way count with the weight of delay."""
    full = instance.models.steps_saturation
    edge, cloud = (service_cost(instance, hit, full) for hit in (True, False))
    np.testing.assert_allclose(edge, cloud, rtol=1e-12)
    later = service_cost(instance, True, full, transmission_s=2.0)
    np.testing.assert_allclose(later - edge, 2.0 * instance.preference_weight, rtol=1e-6, atol=1e-6)
