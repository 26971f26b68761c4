"""The environment: many slots at once against one at a time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import pytest

from mincache.generation.scenario import Scenario
from mincache.generation.suites import find
from mincache.views.environment import EdgeCachingEnv, EdgeCachingVectorEnv
from mincache.views.episodes import Episodes

WIDTH = 1024
INSTANCE = find("paper-v1").read("paper-v1.l0.n10.t0")
ACTIONS = np.random.default_rng(0).uniform(-1, 1, (WIDTH, 30)).astype(np.float32)


def play(env: EdgeCachingEnv | EdgeCachingVectorEnv, action: np.ndarray) -> Callable[[], None]:
    """Return a call that plays one episode of an environment."""

    def episode() -> None:
        env.reset()
        for _ in range(INSTANCE.slot_count):
            env.step(action)

    return episode


def cpu_s(work: Callable[[], None]) -> float:
    """Return the processor seconds of a call: other processes do not count."""
    start = time.process_time()
    work()
    return time.process_time() - start


SOURCES = {"an instance": INSTANCE, "fresh traces": Episodes(Scenario(), Scenario().library(0))}


@pytest.mark.parametrize("source", SOURCES)
def test_a_batch_of_slots_against_one_at_a_time(benchmark, source):
    """1,024 wide: at least 100,000 slots a second on one thread, and 20 times one environment alone.

    An episode's reset counts, and so does drawing fresh traces.
    """
    many = play(EdgeCachingVectorEnv(SOURCES[source], WIDTH), ACTIONS)
    one = play(EdgeCachingEnv(SOURCES[source]), ACTIONS[0])
    many(), one()
    pairs = [(cpu_s(many) / WIDTH, cpu_s(one)) for _ in range(9)]
    benchmark.pedantic(many, rounds=3)
    rate = INSTANCE.slot_count / statistics.median(batch for batch, _ in pairs)
    alone = INSTANCE.slot_count / statistics.median(single for _, single in pairs)
    ratio = statistics.median(single / batch for batch, single in pairs)
    benchmark.extra_info.update(slots_per_second=rate, alone_per_second=alone, ratio=ratio)
    print(f"\nenvironment {WIDTH} wide, {source}: {rate:,.0f} slots a second, {ratio:.0f} times one alone")
    print(f"one environment alone, {source}: {alone:,.0f} slots a second")
    assert rate >= 100_000
    assert ratio >= 20
