"""Imitation: what the examples hold, and that the loss is least where the optimum is said."""

import numpy as np
import pytest
import torch

from mincache.exact import optimum
from mincache.generation.scenario import Scenario
from mincache.learning.imitation import Examples

SCENARIO = Scenario(users=9, slots=6, models=7)
INSTANCE = SCENARIO.instance("one", SCENARIO.library(3), SCENARIO.trace(3, "one"))
BEST = optimum(INSTANCE).solution
ROWS = np.arange(6)


@pytest.fixture
def examples():
    """The slots of one instance, with room for models that it has not."""
    examples = Examples(10, models=9, users=4)
    examples.add([INSTANCE])
    return examples


def said(cache, want, serve, share):
    """A network that says the same to all."""
    return lambda *_: (cache, want, serve, torch.from_numpy(share))


def test_examples_hold_the_optimum(examples):
    """Cached models are those of the exact method, and what is served is a loop's count."""
    assert examples.count == 6
    assert (examples.cached[:6, :7].numpy() == BEST.cache).all()
    assert not examples.requested[:, 7:].any()
    for t in range(6):
        for m in range(7):
            users = np.flatnonzero(INSTANCE.trace.requested_model[t] == m)
            got = BEST.step_share[t, users] * 1000 / INSTANCE.models.steps_saturation[m]
            expected = got.mean() if len(users) else 0.0
            assert examples.served[t, m].item() == pytest.approx(expected, abs=1e-6)


def test_leaving_out_what_would_not_fit_is_no_decision(examples):
    """Decided are the cached models and those with room left beside them."""
    for t in range(6):
        free = INSTANCE.server.storage_gb - BEST.cache[t] @ INSTANCE.models.size_gb
        decided = (BEST.cache[t] == 1) | (INSTANCE.models.size_gb <= free)
        assert (examples.decided[t, :7].numpy() == decided).all()


def test_the_loss_is_least_where_the_optimum_is_said(examples):
    """Saying the optimum costs hardly anything; saying anything else of it costs more."""
    sure = 20.0
    cache = sure * (2 * examples.cached[:6] - 1)
    served = examples.served[:6].clamp(1e-6, 1 - 1e-6)
    serve, share = torch.log(served / (1 - served)), np.log(BEST.bandwidth_share[:, :4])
    right = examples.loss(said(cache, cache, serve, share), ROWS).item()
    mixed = -(served * served.log() + (1 - served) * (1 - served).log())
    assert right < 0.5 * mixed.max().item() + 1e-3
    for wrong in (
        said(-cache, cache, serve, share),
        said(cache, -cache, serve, share),
        said(cache, cache, -serve, share),
        said(cache, cache, serve, share[:, ::-1].copy()),
    ):
        assert examples.loss(wrong, ROWS).item() > right + 1e-3
    shifted = examples.loss(said(cache, cache, serve, share + 3.0), ROWS).item()
    assert shifted == pytest.approx(right, abs=1e-6)
