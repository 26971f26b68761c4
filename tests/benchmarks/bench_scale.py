"""Large instances: drawing, reading and pricing the largest, and rounding against text, number by number."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mincache import Scenario, Solution, evaluate, read_instance
from mincache.files.documents import instance_bytes
from mincache.generation.digits import round_array, round_number

LARGEST = Scenario(slots=20, users=10_000, models=1000, storage_gb=2000.0, steps=100_000.0)
DRAW_S, READ_S, PRICE_S = 2.0, 1.0, 0.05
READ_BYTES = 500_000_000
ROUNDING_RATIO = 5.0
"""How much faster than one by one an array is rounded, at least."""

READER = """
import json, sys, time
from mincache import read_instance
start = time.perf_counter()
read_instance(sys.argv[1])
seconds = time.perf_counter() - start
# Not ru_maxrss: a child's begins at the size of the process that started it.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(json.dumps([seconds, int(peak.split()[1]) * 1024]))
"""


def document() -> bytes:
    """Draw the largest instance, and return its document."""
    return instance_bytes(LARGEST.instance("largest", LARGEST.library(1), LARGEST.trace(1, "trace", 0)))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the largest instance."""
    path = tmp_path_factory.mktemp("scale") / "largest.json"
    path.write_bytes(document())
    return path


def best_s(work: Callable[[], object], times: int = 5) -> float:
    """Return the least processor time of a few calls, in s."""

    def once() -> float:
        before = time.process_time()
        work()
        return time.process_time() - before

    return min(once() for _ in range(times))


def test_draw(benchmark: Any) -> None:
    """Drawing the largest instance, document and all, takes under 2 s."""
    benchmark.pedantic(document, rounds=3)
    assert benchmark.stats["min"] < DRAW_S


def test_read(benchmark: Any, path: Path) -> None:
    """A fresh process reads it in under 1 s and 500 MB, whatever else it has loaded included."""

    def read() -> list[float]:
        command = [sys.executable, "-c", READER, str(path)]
        seconds, memory = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        return [seconds, memory]

    seconds, memory = benchmark.pedantic(read, rounds=3)
    print(f"\n{seconds:.2f} s and {memory / 1e6:.0f} MB for {path.stat().st_size / 1e6:.1f} MB")
    assert seconds < READ_S
    assert memory < READ_BYTES


def test_price(benchmark: Any, path: Path) -> None:
    """Evaluating a solution of it takes under 50 ms, the first time (in processor time) too."""
    instance = read_instance(path)
    solution = Solution.nothing_cached(instance)
    first = best_s(lambda: evaluate(instance, solution), times=1)
    benchmark(evaluate, instance, solution)
    print(f"\nfirst {first * 1e3:.0f} ms, then {benchmark.stats['min'] * 1e3:.0f} ms")
    assert first < PRICE_S
    assert benchmark.stats["min"] < PRICE_S


@pytest.mark.parametrize("low", [1e-13, 4e7], ids=["channel gain", "input bits"])
def test_rounding(low: float) -> None:
    """An array is rounded several times faster than one number after the other."""
    values = low * (1.0 + np.random.default_rng(1).random(200_000))
    one_by_one = best_s(lambda: [round_number(value) for value in values.tolist()])
    ratio = one_by_one / best_s(lambda: round_array(values))
    print(f"\n{ratio:.0f} times faster")
    assert ratio > ROUNDING_RATIO
