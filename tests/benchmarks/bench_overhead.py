"""What the bench costs: everything of a run but the solver's own solve, and reading many records."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench_fixture import CLOUD_ONLY

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
