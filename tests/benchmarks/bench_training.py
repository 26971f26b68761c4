"""Training against Stable-Baselines3's DDPG with the same network and batch, on one thread."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import torch

from mincache.generation.scenario import Scenario
from mincache.solving import registry
from mincache.views.environment import EdgeCachingEnv
from mincache.views.episodes import Episodes

SCENARIO = Scenario()
EPISODES = Episodes(SCENARIO, SCENARIO.library(0), seed=1)
WARMUP = 200
"""Steps before learning begins, in all of them."""


def rate(train: Callable[[], object], steps: int) -> float:
    """Return the steps a processor second of a training: other processes do not count."""
    start = time.process_time()
    train()
    return steps / (time.process_time() - start)


def ours(episodes: int, environments: int, updates: int) -> Callable[[], object]:
    """Return a training of ours of so many episodes of 50 steps."""
    solver = registry.make(
        f"ddpg[episodes={episodes},environments={environments},updates={updates},warmup={WARMUP},hidden=128,batch=128]"
    )
    return lambda: solver.train(EPISODES)


@pytest.fixture(scope="module")
def outside() -> Callable[[int], object]:
    """A training of Stable-Baselines3's DDPG with its defaults, but for the network and the batch."""
    sb3 = pytest.importorskip("stable_baselines3")
    agent = sb3.DDPG(
        "MlpPolicy", EdgeCachingEnv(EPISODES), batch_size=128, policy_kwargs={"net_arch": [128, 128]},
        learning_starts=WARMUP, seed=0, device="cpu",
    )  # fmt: skip
    return agent.learn


def test_training_against_an_outside_library(benchmark, outside):
    """With 32 environments an update ours makes at least five times the environment steps a second."""
    torch.set_num_threads(1)
    ours(32, 32, 1)()  # imports and first calls
    theirs = rate(lambda: outside(1_000), 1_000)
    many = rate(ours(128, 32, 1), 128 * 50)
    shipped = rate(ours(60, 10, 3), 60 * 50)
    single = rate(ours(20, 1, 1), 20 * 50)
    benchmark.pedantic(ours(32, 32, 1), rounds=1)
    benchmark.extra_info.update(theirs=theirs, many=many, shipped=shipped, single=single)
    print("\ntraining, environment steps a second:")
    print(f"  Stable-Baselines3's DDPG                      {theirs:8,.0f}")
    for name, found in (
        ("ours, 32 environments an update", many),
        ("ours as it ships, 10 environments, 3 updates", shipped),
        ("ours, one environment an update", single),
    ):
        print(f"  {name:45} {found:8,.0f}  {found / theirs:5.1f} times")
    assert many >= 5.0 * theirs
