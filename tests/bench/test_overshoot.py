"""No run outlives its limit: how far past it runs of every shape come, and that nothing is left of them.

The times are measured where MINCACHE_WHOLE is set (`make faults`); every day, only that all is ended.
"""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from bench_fixture import file_entrant, on_linux, tiny_tasks

from mincache.bench import processes
from mincache.bench.executors import LocalExecutor

pytestmark = on_linux

WHOLE = "MINCACHE_WHOLE" in os.environ
SHAPES = ["Busy", "Sleeps", "IgnoresSigterm", "HangsInC", "Grandchildren", "ForkBomb"]
DAEMON = "Daemonises[answers=false]"
LIMIT_S = 1.0


def overshoots(folder, repetitions: int, limit_s: float) -> list[float]:
    """Return the seconds past the limit of runs of every shape, each checked to have been ended by it."""
    entrants = [file_entrant(f"hangs.py:{shape}", stochastic=True) for shape in [*SHAPES, DAEMON]]
    tasks = tiny_tasks(folder, *entrants, repetitions=repetitions, traces=1, wall_s=limit_s)
    records, before = [], set(processes.descendants(os.getpid()))
    LocalExecutor(workers=2).run(tasks, lambda judged: records.append(judged.record))
    assert {record.stop_reason for record in records} == {"wall"}
    assert not any("could not be ended" in record.reason for record in records)
    assert set(processes.descendants(os.getpid())) == before
    assert len(records) == len(tasks)
    return [record.wall_s - record.import_s - record.build_s - limit_s for record in records]


def test_every_shape_is_ended(tmp_path):
    """Busy, asleep, deaf, in C, with grandchildren, daemonised or forking: the limit ends it."""
    assert min(overshoots(tmp_path, 1, 0.2)) >= 0


@pytest.mark.skipif(not WHOLE, reason="times are measured by `make faults`")
def test_overshoot(tmp_path, capsys):
    """Of a limit of 1 s the 99th percentile of the overshoot is at most 0.25 s, or 1 s on a busy machine."""
    busy = os.getloadavg()[0] > 1.5 * (os.cpu_count() or 1)
    seconds = overshoots(tmp_path, 20, LIMIT_S)
    with capsys.disabled():
        print(
            f"\novershoot of {len(seconds)} runs: {np.percentile(seconds, [50, 99, 100])} s (50, 99, 100 %)"
        )
    assert np.percentile(seconds, 99) <= (1.0 if busy else 0.25)


@pytest.mark.skipif(not WHOLE, reason="times are measured by `make faults`")
def test_overshoot_under_load(tmp_path, capsys):
    """With four busy processes a core the overshoot stays within 1 s."""
    burn = [sys.executable, "-c", "while True: pass"]
    load = [subprocess.Popen(burn) for _ in range(4 * (os.cpu_count() or 1))]
    try:
        seconds = overshoots(tmp_path, 5, LIMIT_S)
    finally:
        for process in load:
            process.kill()
            process.wait()
    with capsys.disabled():
        print(f"\novershoot under load: {np.percentile(seconds, [50, 99, 100])} s (50, 99, 100 %)")
    assert max(seconds) <= 1.0
