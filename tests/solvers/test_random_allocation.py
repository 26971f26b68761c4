"""RCARS as its definition has it."""

import numpy as np
import pytest
from scipy.stats import chisquare

from mincache import Run, Scenario, evaluate
from mincache.generation.suites import find_instance
from mincache.solving import registry


def test_random_allocation_fills_storage_and_splits_equally():
    """No further model fits into any slot's cache, and everyone gets 1/N of bandwidth and steps."""
    instance = find_instance("smoke-v1.l0.n10.t0")
    solution = registry.make("random-allocation").solve(instance, Run.seeded(0))
    size = instance.models.size_gb
    free = instance.server.storage_gb - solution.cache @ size
    smallest_left_out = np.where(solution.cache == 1, np.inf, size).min(axis=1)
    assert (free >= 0).all()
    assert (smallest_left_out > free).all()
    assert np.unique(solution.bandwidth_share) == pytest.approx([1 / instance.user_count])
    assert np.unique(solution.step_share) == pytest.approx([1 / instance.user_count])


def test_random_allocation_caches_every_model_equally_often():
    """Models of equal size are cached equally often (chi-square over 4,000 slots, p above 0.1 %)."""
    scenario = Scenario(slots=4000, users=1, models=5, size_gb=(4, 4), storage_gb=8.5)
    instance = scenario.instance("equal", scenario.library(1), scenario.trace(1, "test"))
    cache = registry.make("random-allocation").solve(instance, Run.seeded(2)).cache
    assert (cache.sum(axis=1) == 2).all()
    # Two of five a slot without replacement: the counts vary less than a multinomial's, so the test is safe.
    assert chisquare(cache.sum(axis=0)).pvalue > 1e-3


@pytest.mark.parametrize("over", ["all", "hits"])
def test_random_allocation_keeps_a_floor(over):
    """Under a floor on steps, hits have it, and what is left is still shared equally above it."""
    scenario = Scenario(slots=20, users=6, models=4, steps=600, storage_gb=40, steps_floor=0.2)
    instance = scenario.instance("floor", scenario.library(1), scenario.trace(1, "test"))
    solution = registry.make(f"random-allocation[steps_over={over}]").solve(instance, Run.seeded(2))
    assert evaluate(instance, solution).feasible
    models, requested = instance.models, instance.trace.requested_model
    least = (models.steps_onset + 0.2 * (models.steps_saturation - models.steps_onset))[requested] / 600
    hit = np.take_along_axis(solution.cache, requested, axis=1).astype(bool)
    users = np.ones_like(hit) if over == "all" else hit
    asked = np.where(users, 1 / np.maximum(users.sum(axis=1, keepdims=True), 1), 0.0)
    above = np.maximum(asked - np.where(hit, least, 0.0), 0.0)
    ratio = (solution.step_share - np.where(hit, least, 0.0))[above > 1e-9] / above[above > 1e-9]
    slot = np.nonzero(above > 1e-9)[0]
    assert hit.any()
    assert all(np.ptp(ratio[slot == t]) < 1e-9 for t in set(slot.tolist()))
    assert (solution.cache.sum(axis=1) < 4).any()  # steps, not storage, keep some model out


def test_random_allocation_holds_its_cache_for_a_frame():
    """The cache changes between frames alone."""
    scenario = Scenario(slots=20, frame_slots=6)
    instance = scenario.instance("frames", scenario.library(1), scenario.trace(1, "test"))
    cache = registry.make("random-allocation").solve(instance, Run.seeded(2)).cache
    changed = np.flatnonzero((cache[1:] != cache[:-1]).any(axis=1)) + 1
    assert changed.tolist() == [6, 12, 18]
