"""What the bench costs: everything of a run but the solver's own solve, and reading many records."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench_fixture import CLOUD_ONLY, file_entrant, tiny_tasks

from mincache.bench.executors import attempt
from mincache.bench.limits import Limits
from mincache.bench.plan import plan
from mincache.bench.supervisor import Supervisor
from mincache.files.documents import parse_instance
from mincache.generation import suites
from mincache.judging import journal
from mincache.solving.contract import Run
from mincache.solving.registry import make

SUITE = suites.find("paper-v1")
TASK = plan(SUITE, [CLOUD_ONLY], 1, Limits(wall_s=60.0))[-1]


@pytest.mark.benchmark(group="overhead of a run (cloud-only, paper-v1, N=18)")
def test_in_process(benchmark):
    """Call the solver where one is."""
    instance, solver = parse_instance(TASK.read()), make("cloud-only")
    benchmark(lambda: solver.solve(instance, Run.seeded(0)))


@pytest.mark.benchmark(group="overhead of a run (cloud-only, paper-v1, N=18)")
@pytest.mark.parametrize("isolate", ["off", "landlock", "auto"])
def test_supervised(benchmark, isolate):
    """Run it in a child under every limit, judge the answer and write the record."""
    task = plan(SUITE, [CLOUD_ONLY], 1, Limits(wall_s=60.0, isolate=isolate))[-1]
    with Supervisor(pin=False) as keeper:
        attempt(task, task.read(), keeper)
        judged = benchmark.pedantic(lambda: attempt(task, task.read(), keeper), rounds=200)
    assert judged.record.verdict == "verified"


@pytest.mark.benchmark(group="a run with isolation and one without, in turn")
def test_isolation_costs(benchmark):
    """Isolation adds less than 5 ms to a run, at the median of pairs."""
    levels = ("off", "auto")
    tasks = {level: plan(SUITE, [CLOUD_ONLY], 1, Limits(wall_s=60.0, isolate=level))[-1] for level in levels}
    seconds: dict[str, list[float]] = {level: [] for level in levels}
    with ExitStack() as stack:
        keepers = {level: stack.enter_context(Supervisor(pin=False)) for level in levels}

        def pair() -> None:
            for level, task in tasks.items():
                start = time.perf_counter()
                judged = attempt(task, task.read(), keepers[level])
                seconds[level].append(time.perf_counter() - start)
                assert judged.record.verdict == "verified"

        pair()
        benchmark.pedantic(pair, rounds=200)
    off, on = (np.array(seconds[level][1:]) for level in levels)
    off_ms, on_ms, more_ms = (1e3 * np.median(found) for found in (off, on, on - off))
    print(f"\na run {off_ms:.1f} ms, isolated {on_ms:.1f} ms: {more_ms:.1f} ms more at the median")
    print(f"{np.median(on / off):.2f} times as long")
    assert np.median(on - off) < 5e-3


@pytest.mark.benchmark(group="a limit of 0.5 s, four busy processes a core")
def test_overshoot_under_load(benchmark, tmp_path):
    """A run that never ends is ended within 0.5 s of its limit and the 0.1 s of grace, whatever the load."""
    (task,) = tiny_tasks(tmp_path, file_entrant("hangs.py:Busy"), traces=1, wall_s=0.5)
    over: list[float] = []

    def run(keeper: Supervisor) -> None:
        record = attempt(task, task.read(), keeper).record
        assert record.stop_reason == "wall"
        over.append(record.wall_s - record.import_s - record.build_s - 0.5)

    burn = [sys.executable, "-c", "while True: pass"]
    load = [subprocess.Popen(burn) for _ in range(4 * (os.cpu_count() or 1))]
    try:
        with Supervisor(pin=False) as keeper:
            benchmark.pedantic(run, args=(keeper,), rounds=20)
    finally:
        for process in load:
            process.kill()
            process.wait()
    print(f"\npast the limit: {np.median(over):.3f} s at the median, {max(over):.3f} s at most")
    assert max(over) <= 0.6


@pytest.mark.benchmark(group="10,000 records")
def test_read_records(benchmark, tmp_path):
    """Read and check a journal of 10,000 records."""
    with Supervisor(pin=False) as keeper:
        record = attempt(TASK, TASK.read(), keeper).record
    lines = (
        journal.line_of(record.model_copy(update={"cell": record.cell.model_copy(update={"repetition": k})}))
        for k in range(10_000)
    )
    (tmp_path / journal.RECORDS_FILE).write_bytes(b"".join(lines))
    records = benchmark.pedantic(lambda: journal.read(tmp_path), rounds=3)
    assert len(records) == 10_000
