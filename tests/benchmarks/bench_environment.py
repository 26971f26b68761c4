"""The environment: many slots at once against one at a time; a policy's loading apart from its answers."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import pytest

from mincache import registry
from mincache.suites import find
from mincache.views.environment import EdgeCachingEnv, EdgeCachingVectorEnv

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


def test_a_batch_of_slots_against_one_at_a_time(benchmark):
    """1,024 wide: at least 100,000 slots a second on one thread, and 20 times one environment alone."""
    many = play(EdgeCachingVectorEnv(INSTANCE, WIDTH), ACTIONS)
    one = play(EdgeCachingEnv(INSTANCE), ACTIONS[0])
    many(), one()
    pairs = [(cpu_s(many) / WIDTH, cpu_s(one)) for _ in range(9)]
    benchmark.pedantic(many, rounds=3)
    rate = INSTANCE.slot_count / statistics.median(batch for batch, _ in pairs)
    ratio = statistics.median(single / batch for batch, single in pairs)
    benchmark.extra_info.update(slots_per_second=rate, ratio=ratio)
    print(f"\nenvironment {WIDTH} wide: {rate:,.0f} slots a second, {ratio:.0f} times one alone")
    assert rate >= 100_000
    assert ratio >= 20


@pytest.mark.parametrize("part", ["load", "slot", "instance"])
def test_a_policy_is_loaded_and_answers(benchmark, part):
    """Loading a policy, answering one slot, and answering 50 slots at once, each by itself."""
    from mincache.learning.acting import answer, load

    solver = registry.make("ddpg")
    if solver.supports(INSTANCE) is not None:
        pytest.skip("no policy ships for this instance")
    path = solver.find(INSTANCE)
    actor, view = load(path, INSTANCE)
    slot = INSTANCE.slot(0)
    calls = {
        "load": lambda: load(path, INSTANCE),
        "slot": lambda: answer(actor, view, slot),
        "instance": lambda: answer(actor, view, INSTANCE),
    }
    benchmark(calls[part])
