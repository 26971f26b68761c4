"""Imitation: what the examples hold, and that the loss is least where the optimum is said."""

import numpy as np
import pytest
import torch

from mincache.exact import optimum
from mincache.generation.scenario import Scenario
from mincache.learning.imitation import Examples
from mincache.learning.slot_sets import SetView

SCENARIO = Scenario(users=9, slots=6, models=7)
INSTANCE = SCENARIO.instance("one", SCENARIO.library(3), SCENARIO.trace(3, "one"))
BEST = optimum(INSTANCE).solution
ROWS = np.arange(6)


@pytest.fixture
def examples():
    """The slots of one instance, with room for models that it has not."""
    examples = Examples(10, models=9)
    examples.add([INSTANCE])
    return examples


class Said:
    """A network that says the same to all."""

    def __init__(self, cache, want):
        self.both = torch.cat([cache, want], dim=1)

    def scores(self, states):
        """Return the same for any states."""
        return self.both


def test_examples_hold_the_optimum(examples):
    """Cached models are those of the exact method, and what is seen is what an agent sees."""
    assert examples.count == 6
    assert (examples.cached[:6, :7].numpy() == BEST.cache).all()
    assert not examples.requested[:, 7:].any()
    seen = SetView().apply(INSTANCE)
    assert (examples.states[:6, : seen.shape[1]].numpy() == seen).all()
    assert not examples.states[:, seen.shape[1] :].any()


def test_leaving_out_what_would_not_fit_is_no_decision(examples):
    """Decided are the cached models and those with room left beside them."""
    for t in range(6):
        free = INSTANCE.server.storage_gb - BEST.cache[t] @ INSTANCE.models.size_gb
        decided = (BEST.cache[t] == 1) | (INSTANCE.models.size_gb <= free)
        assert (examples.decided[t, :7].numpy() == decided).all()


def test_the_loss_is_least_where_the_optimum_is_said(examples):
    """Saying the optimum costs hardly anything; saying anything else of it costs more."""
    cache = 20.0 * (2 * examples.cached[:6] - 1)
    right = examples.loss(Said(cache, cache), ROWS).item()
    assert right < 1e-3
    for wrong in (Said(-cache, cache), Said(cache, -cache)):
        assert examples.loss(wrong, ROWS).item() > right + 1e-3
