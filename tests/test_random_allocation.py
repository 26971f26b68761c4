"""RCARS as its definition has it."""

import numpy as np
import pytest
from scipy.stats import chisquare

from mincache import Run, Scenario, registry
from mincache.suites import find_instance


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
