"""Runs on a Dask cluster: a real scheduler and worker processes on loopback, some of them killed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bench_fixture import CLOUD_ONLY, file_entrant, on_linux, tiny_tasks

from mincache.bench import campaign, processes
from mincache.bench.executors import ExecutorError, LocalExecutor
from mincache.judging import journal

cluster = pytest.importorskip("mincache.bench.cluster")
pytestmark = on_linux

DICE = file_entrant("dice.py:Dice[delay_s=0.2]", stochastic=True)
RAISES = file_entrant("endings.py:Raises")


class Cluster:
    """A scheduler and two workers, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
        self._folder = folder
        host, port = self.address.removeprefix("tcp://").split(":")
        self.scheduler = self._start("scheduler", "--host", host, "--port", port)
        self.workers = [
            self._start(
                "worker", self.address, "--nthreads", "1", "--no-nanny", "--local-directory", str(folder)
            )
            for _ in range(2)
        ]

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            "distributed.cli.dask_" + arguments[0],
            *arguments[1:],
            "--no-dashboard",
        ]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, cwd=self._folder, **quiet)

    def end(self) -> None:
        """End every process."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def running(tmp_path):
    """A cluster that is ended afterwards, and with it everything that it ran."""
    before = set(processes.descendants(os.getpid()))  # what other tests have running
    one = Cluster(tmp_path)
    yield one
    one.end()
    for _ in range(1000):
        if before.issuperset(processes.descendants(os.getpid())):
            break
        time.sleep(0.01)


def table(records):
    """Return what the final table is made of."""
    return {one.cell.key: (one.verdict, one.score and one.score.cost, one.solution_sha256) for one in records}


def test_same_campaign_although_a_worker_dies(running, tmp_path):
    """With one of two workers killed midway, the records are those of the same campaign run locally."""
    tasks = tiny_tasks(tmp_path / "suite", DICE, RAISES, CLOUD_ONLY, traces=4)
    seen = []

    def show(record):
        seen.append(record)
        if len(seen) == 4:
            running.workers[0].kill()

    remote, local = tmp_path / "remote", tmp_path / "local"
    campaign.run(remote, tasks, cluster.DaskExecutor(running.address), show)
    campaign.run(local, tasks, LocalExecutor(2))
    assert table(journal.read(remote)) == table(journal.read(local))
    assert len(seen) == len(tasks)
    assert all((remote / f"solutions/{one.solution_sha256}.json.gz").exists() for one in seen if one.score)


def test_results_that_die_with_their_worker_are_made_again(running, tmp_path):
    """A worker that dies with runs that are done, but were not handed over yet, costs none of them."""
    tasks = tiny_tasks(tmp_path / "suite", DICE, traces=8)
    seen = []

    def show(record):
        seen.append(record)
        if len(seen) == 1:
            time.sleep(2.0)  # the others end meanwhile
            running.workers[0].kill()
            time.sleep(1.0)  # the scheduler notices

    campaign.run(tmp_path / "r", tasks, cluster.DaskExecutor(running.address), show)
    assert {one.cell.key for one in seen} == {task.key for task in tasks}
    assert {one.verdict for one in seen} == {"verified"}


def test_campaign_goes_on_after_the_scheduler_died(running, tmp_path):
    """When the scheduler dies the campaign stops in one line, and goes on anywhere without losing a run."""
    tasks = tiny_tasks(tmp_path / "suite", DICE, traces=8)

    def show(record):
        running.scheduler.kill()

    with pytest.raises(ExecutorError, match="scheduler is lost"):
        campaign.run(tmp_path / "r", tasks, cluster.DaskExecutor(running.address), show)
    kept = len(journal.read(tmp_path / "r"))
    assert 1 <= kept < len(tasks)
    more = []
    campaign.run(tmp_path / "r", tasks, LocalExecutor(2), more.append)
    assert len(more) == len(tasks) - kept
    assert {one.verdict for one in journal.read(tmp_path / "r")} == {"verified"}


def test_no_scheduler_is_one_line(monkeypatch):
    """An address where nobody answers is told as such."""
    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)
    with pytest.raises(ExecutorError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1"):
        cluster.DaskExecutor("tcp://127.0.0.1:1").run([], lambda judged: None)


def test_tasks_travel_with_their_solver(tmp_path):
    """A task that was sent is the task that arrives; a solver's file goes with it."""
    (task,) = tiny_tasks(tmp_path / "suite", DICE, traces=1)
    arrived = cluster.load(cluster.dump(task), tmp_path / "there")
    assert (arrived.cell, arrived.limits, arrived.key) == (task.cell, task.limits, task.key)
    path = Path(arrived.entrant.target.rpartition(":")[0])
    assert path.is_relative_to(tmp_path / "there")
    assert path.read_bytes() == Path(task.entrant.target.rpartition(":")[0]).read_bytes()
    assert arrived.entrant.spec == f"{path}:Dice[delay_s=0.2]"
    (task,) = tiny_tasks(tmp_path / "other", CLOUD_ONLY, traces=1)
    assert cluster.load(cluster.dump(task), tmp_path).entrant == CLOUD_ONLY
