"""The state (12) as numbers: complete, bounded, and as the paper lists it."""

import numpy as np
import pytest

from mincache.views.observations import (
    LIMIT,
    OBSERVATIONS,
    observation_size,
    observe,
    requests_start,
)


@pytest.mark.parametrize("name", OBSERVATIONS)
def test_a_state_holds_what_the_paper_lists(instance, name):
    """Skewness, gains and both sizes of every user can be read back from a state."""
    states, trace = observe(instance, name), instance.trace
    N = instance.user_count
    output_bits = instance.models.output_bits[trace.requested_model]
    assert states.dtype == np.float32
    assert states.shape == (instance.slot_count, observation_size(instance, name))
    assert states[:, 0] == pytest.approx(trace.skewness)
    assert 1e-10 * 10.0 ** states[:, 1 : N + 1] == pytest.approx(trace.channel_gain, rel=1e-4)
    assert 6e7 * 2.0 ** states[:, N + 1 : 2 * N + 1] == pytest.approx(trace.input_bits, rel=1e-5)
    assert 6e7 * 2.0 ** states[:, 2 * N + 1 : 3 * N + 1] == pytest.approx(output_bits, rel=1e-5)


def test_requests_are_indicators_and_counts(instance):
    """One-hot blocks name each user's model; the counts are relative to N / M."""
    N, M = instance.user_count, instance.model_count
    states = observe(instance, "counts")
    start = requests_start(N)
    blocks = states[:, start : start + N * M].reshape(-1, N, M)
    requested = instance.trace.requested_model
    counted = np.stack([np.bincount(row, minlength=M) for row in requested])
    assert (blocks.argmax(axis=2) == requested).all()
    assert (blocks.sum(axis=2) == 1).all()
    assert states[:, start + N * M :] == pytest.approx(counted / (N / M))
    assert (observe(instance, "one-hot") == states[:, : start + N * M]).all()


def test_states_lie_in_a_box(instance):
    """However weak a channel, an entry is not beyond the limit."""
    from dataclasses import replace

    weak = replace(instance, trace=replace(instance.trace, channel_gain=instance.trace.channel_gain * 1e-30))
    assert observe(weak, "counts").min() == -LIMIT
