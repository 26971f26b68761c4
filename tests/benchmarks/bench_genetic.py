"""The genetic algorithm on all slots at once against pymoo's own, a slot at a time."""

from __future__ import annotations

import time

from mincache import Run
from mincache.generation.suites import find_instance
from mincache.solving import registry


def test_genetic_against_pymoo(benchmark):
    """All slots' populations as one batch are at least ten times as fast as pymoo's GA slot by slot."""
    instance = find_instance("paper-v1.l0.n10.t0")
    batch, single = registry.make("genetic"), registry.make("pymoo[algorithm=ga]")
    benchmark.pedantic(batch.solve, (instance, Run.seeded(0)), rounds=3, warmup_rounds=1)
    start = time.process_time()
    single.solve(instance, Run.seeded(0))
    slow = time.process_time() - start
    start = time.process_time()
    batch.solve(instance, Run.seeded(0))
    ratio = slow / (time.process_time() - start)
    benchmark.extra_info["ratio"] = ratio
    print(f"\npymoo's GA takes {ratio:.1f} times as long as the batch")
    assert ratio >= 10.0
