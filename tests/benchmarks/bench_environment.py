"""The environment: many slots at once against one at a time; a policy's loading apart from its answers."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import pytest

from mincache.generation.scenario import Scenario
from mincache.generation.suites import find
from mincache.solving import registry
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
    ratio = statistics.median(single / batch for batch, single in pairs)
    benchmark.extra_info.update(slots_per_second=rate, ratio=ratio)
    print(f"\nenvironment {WIDTH} wide, {source}: {rate:,.0f} slots a second, {ratio:.0f} times one alone")
    assert rate >= 100_000
    assert ratio >= 20


def test_a_policy_is_loaded_and_answers(benchmark):
    """Loading a policy, answering 50 slots one by one, and all at once: each timed by itself."""
    from mincache.learning.acting import answer, load

    solver = registry.make("ddpg")
    if solver.supports(INSTANCE) is not None:
        pytest.skip("no policy ships for this instance")
    path = solver.find(INSTANCE)
    actor, view = load(path, INSTANCE)
    slots = [INSTANCE.slot(t) for t in range(INSTANCE.slot_count)]
    calls = {
        "load": lambda: load(path, INSTANCE),
        "one by one": lambda: [answer(actor, view, slot) for slot in slots],
        "at once": lambda: answer(actor, view, INSTANCE),
    }
    taken = {name: statistics.median(cpu_s(call) for _ in range(15)) for name, call in calls.items()}
    benchmark(calls["at once"])
    benchmark.extra_info.update(taken)
    slot_s, batch_s = (taken[name] / len(slots) for name in ("one by one", "at once"))
    print(f"\npolicy: loaded in {taken['load'] * 1e3:.2f} ms, a slot in {slot_s * 1e6:.0f} us, in a batch of "
          f"{len(slots)} in {batch_s * 1e6:.1f} us: {slot_s / batch_s:.0f} times as fast, and loading takes "
          f"{taken['load'] / slot_s:.1f} times as long as a slot")  # fmt: skip
    assert slot_s > batch_s


def test_the_clock_of_solve_leaves_loading_out(benchmark):
    """A record's `solve_s` holds answers alone: the policy is loaded within `build_s`."""
    from mincache.bench.describing import describe
    from mincache.bench.executors import attempt
    from mincache.bench.limits import Limits
    from mincache.bench.plan import plan
    from mincache.bench.supervisor import Supervisor

    with Supervisor(pin=False) as keeper:
        entrant = describe("ddpg", keeper)
        task = next(t for t in plan(find("paper-v1"), [entrant], 1, Limits(wall_s=60.0))
                    if t.cell.instance == INSTANCE.name)  # fmt: skip
        judged = benchmark.pedantic(lambda: attempt(task, task.read(), keeper), rounds=3)
    record = judged.record
    print(f"\nddpg, a run: import {record.import_s:.2f} s, build {record.build_s:.3f} s, "
          f"solve {record.solve_s:.4f} s")  # fmt: skip
    assert record.verdict == "verified"
    assert record.solve_s < record.build_s
