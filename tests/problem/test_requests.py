"""What is known of requests before anything is decided, against the evaluator and loops over requests."""

import numpy as np
from hypothesis import given, settings
from strategies import instances

from mincache import Decisions, evaluate_batch
from mincache.problem.requests import Delays, demand, uplink_snr, upload_s


@given(instances(max_slots=4))
@settings(max_examples=20)
def test_demand_counts_the_users_of_each_model(instance):
    """The demand for a model is the number of users of the slot who ask for it."""
    asked = instance.trace.requested_model.tolist()
    assert demand(instance).tolist() == [[row.count(m) for m in range(instance.model_count)] for row in asked]


@given(instances(max_slots=3))
@settings(max_examples=20)
def test_delays_are_those_of_the_evaluator(instance):
    """In the cloud, the means of uplink, downlink and backhaul are the evaluator's."""
    T, N, M = instance.slot_count, instance.user_count, instance.model_count
    share, delays = np.full((T, N), 1 / N), Delays.of(instance)
    scored = evaluate_batch(instance, Decisions(np.zeros((T, M)), share, np.zeros((T, N))))
    np.testing.assert_allclose(upload_s(instance, share).mean(), scored.mean_upload_s, rtol=1e-12)
    np.testing.assert_allclose(delays.downlink_s.mean(), scored.mean_download_s, rtol=1e-12)
    backhaul_s = delays.backhaul_up_s + delays.backhaul_down_s
    np.testing.assert_allclose(backhaul_s.mean(), scored.mean_backhaul_s, rtol=1e-12)
    assert upload_s(instance, share[..., None])[..., 0].tolist() == upload_s(instance, share).tolist()
    assert uplink_snr(instance).shape == (T, N)
