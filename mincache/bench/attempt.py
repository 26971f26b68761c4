"""One attempt at a task, on whatever machine: run it under a keeper, judge what came of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from mincache.bench.judge import Judged, judge
from mincache.bench.machine import machine
from mincache.bench.plan import Task
from mincache.bench.supervisor import Supervisor
from mincache.files.documents import parse_instance


def attempt(task: Task, data: bytes, keeper: Supervisor) -> Judged:
    """Run a task on the instance in `data` (its document) and return its record."""
    instance = parse_instance(data)
    started = now()
    outcome, interruptions = keeper.insist(task.job, task.limits, data)
    environment = machine() | {
        "libraries": task.entrant.libraries,
        "enforced": outcome.enforced,
        "stochastic": task.entrant.stochastic,
        "kind": task.entrant.kind,
    }
    judged = judge(task.cell, instance, outcome, started, environment, task.best_known)
    record = judged.record.model_copy(update={"interruptions": interruptions})
    return replace(judged, record=record)


def now() -> str:
    """Return the time in UTC as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
