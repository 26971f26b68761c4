import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from mincache import Budget, Instance
from mincache.exact.passes import FrameSearch
from mincache.exact.trees import UNLIMITED
from mincache.generation.scenario import Scenario
from mincache.problem.instance import Rules
from mincache.problem.quantity import Array


def scenario_frames(seed: int, floor: float) -> Instance:
    """Two frames of three slots, with scarce steps and room for two or three of seven models."""
    scenario = Scenario(slots=6, users=7, models=7, storage_gb=14.0, steps=420.0)
    instance = scenario.instance("drawn", scenario.library(seed), scenario.trace(seed))
    return replace(instance, rules=Rules(3, 0.0, floor))


def all_losses(search: FrameSearch, keep: Array) -> tuple[Array, Array]:
    """Every cache, bool [S, M], and what it loses in each frame, [K, S]: by serving, without any tree."""
    instance = search.instance
    sets = np.array(list(itertools.product([False, True], repeat=instance.model_count)))
    loss = search.caches_in_frames(sets)
    assert loss is not None
    loss[:, sets @ instance.models.size_gb > instance.server.storage_gb] = np.inf
    return sets, loss + (~sets @ keep.T).T


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("floor", [0.0, 0.3])
@pytest.mark.parametrize("seed", range(6))
def test_trees_find_the_best_cache_and_all_near_it(seed: int, floor: float, compiled: bool) -> None:
    """Under random prices the best cache, and the list of all within 30 of it, are those of enumeration."""
    instance = scenario_frames(seed, floor)
    search = FrameSearch(instance, 0.0, compiled)
    keep = np.random.default_rng(seed).normal(0.0, 5.0, (2, instance.model_count))
    sets, losses = all_losses(search, keep)
    for k, loss in enumerate(losses):
        found = search.trees.best(k, keep[k], 1e9, 0.0, UNLIMITED, np.inf)
        assert found.losses[0] == pytest.approx(loss.min(), rel=1e-12)
        assert found.complete
        assert found.lower == found.losses[0]
        near = search.trees.all_below(k, keep[k], keep[k] != 0.0, loss.min() + 30.0, UNLIMITED, np.inf, 1000)
        asked = {tuple(row) for row, value in zip(sets, loss, strict=True) if value < loss.min() + 30.0}
        assert {tuple(row) for row in near.caches} == asked
        assert len(asked) == len(near.losses) > 0


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("storage_gb", [280.0, 133.3])
def test_the_best_of_alike_models_is_proven(seed: int, storage_gb: float) -> None:
    """Where sizes differ by a few per cent, few nodes prove what an integer program finds."""
    scenario = Scenario(slots=1, users=4_000, models=400, storage_gb=storage_gb, steps=4e5)
    sizes = np.random.default_rng(seed).uniform(1.95, 2.05, 400).round(4)
    drawn = scenario.instance("alike", scenario.library(seed), scenario.trace(seed))
    search = FrameSearch(replace(drawn, models=replace(drawn.models, size_gb=sizes)), 1e-11, compiled=True)
    saved = np.bincount(drawn.trace.requested_model[0], weights=search.stakes.cloud[0], minlength=400)
    within = LinearConstraint(sizes[None], -np.inf, search.limits[0])  # with steps for all, this is all
    program = milp(-saved, constraints=within, integrality=np.ones(400), bounds=Bounds(0, 1),
                   options={"mip_rel_gap": 0.0})  # fmt: skip
    for _ in search.passes(Budget(30.0).remaining):
        pass
    assert not search.unfinished
    assert search.plan.loss[0] == pytest.approx(saved.sum() + program.fun, rel=1e-9)
    assert search.plan.lower[0] >= search.plan.loss[0] - search.tolerance[0]


def test_few_nodes_give_a_bound_that_holds() -> None:
    """When its nodes run out, a search says so, and its bound is below the least loss."""
    instance = scenario_frames(1, 0.0)
    search = FrameSearch(instance, 0.0, compiled=False)
    keep = np.zeros((2, instance.model_count))
    least = all_losses(search, keep)[1].min(axis=1)
    bounds = [search.trees.best(0, keep[0], 1e9, 0.0, nodes, np.inf) for nodes in (1, 3, 9, UNLIMITED)]
    assert [found.complete for found in bounds] == [False, False, False, True]
    assert all(found.lower <= least[0] * (1 + 1e-12) for found in bounds)
