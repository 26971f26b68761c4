"""Executors: every task once, interruptions included."""

from __future__ import annotations

import os

import pytest
from bench_fixture import CLOUD_ONLY, file_entrant, on_linux, tiny_tasks

from mincache.bench import processes
from mincache.bench.executors import LocalExecutor
from mincache.errors import DocumentError

pytestmark = on_linux


def left_over():
    """The processes below this one; other tests may have left some, such as multiprocessing's tracker."""
    return set(processes.descendants(os.getpid()))


@pytest.fixture
def before():
    """Those that were there before the test."""
    return left_over()


def test_every_task_is_done_once(tmp_path, before):
    """Whatever the number of workers, each task is handed over once."""
    tasks = tiny_tasks(tmp_path, CLOUD_ONLY, traces=8)
    kept = []
    LocalExecutor(workers=3).run(tasks, kept.append)
    assert sorted(one.record.cell.key for one in kept) == sorted(task.key for task in tasks)
    assert {one.record.verdict for one in kept} == {"verified"}
    assert left_over() == before


def test_interruption_hands_over_what_was_running(tmp_path, before):
    """Ctrl-C ends the runs in progress; they come as interrupted, and nothing is left."""
    slow = file_entrant("hangs.py:Sleeps")
    tasks = tiny_tasks(tmp_path, CLOUD_ONLY, slow, traces=2)
    kept = []

    def keep(judged):
        kept.append(judged.record)
        if len(kept) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LocalExecutor(workers=2).run(tasks, keep)
    assert kept[0].verdict == "verified"
    assert {one.stop_reason for one in kept if one.cell.solver == slow.label} <= {"interrupted"}
    assert left_over() == before


def test_error_of_ours_ends_the_campaign(tmp_path, before):
    """An instance that has changed since the plan ends the campaign with its message."""
    tasks = tiny_tasks(tmp_path)
    tasks[0].instance_path.write_text("{}")
    with pytest.raises(DocumentError, match="as planned"):
        LocalExecutor(workers=1).run(tasks, lambda judged: None)
    assert left_over() == before
