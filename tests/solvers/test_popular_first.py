"""The greedy baseline, worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from mincache import Run, Scenario
from mincache.solving import registry


def test_popular_first_by_hand():
    """On two models and three users, the dearer but more popular model is cached and its hits are served."""
    scenario = Scenario(
        users=3, models=2, slots=1, storage_gb=6, steps=400, size_gb=(4, 4),
        seconds_per_step=(0.01, 0.01), steps_saturation=(190, 190),
    )  # fmt: skip
    trace = replace(scenario.trace(1, "test"), requested_model=np.array([[1, 0, 1]]))
    instance = scenario.instance("hand", scenario.library(1), trace)
    solution = registry.make("popular-first").solve(instance, Run.seeded(0))
    assert solution.cache.tolist() == [[0, 1]]
    assert solution.step_share == pytest.approx(np.array([[190 / 400, 0, 190 / 400]]))


def test_popularity_is_counted_over_the_frame():
    """Model 0 leads in the frame's first slot, model 1 in the frame: it is cached in both slots."""
    scenario = Scenario(users=3, models=2, slots=3, storage_gb=6, size_gb=(4, 4), frame_slots=2)
    trace = replace(scenario.trace(1, "test"), requested_model=np.array([[0, 0, 1], [1, 1, 1], [0, 0, 1]]))
    instance = scenario.instance("hand", scenario.library(1), trace)
    solution = registry.make("popular-first").solve(instance, Run.seeded(0))
    assert solution.cache.tolist() == [[0, 1], [0, 1], [1, 0]]
