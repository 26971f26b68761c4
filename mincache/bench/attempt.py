"""One attempt at a task, on whatever machine: run it under a keeper, judge what came of it."""

from __future__ import annotations

import signal
from datetime import UTC, datetime

from mincache.bench.environment import enforced, machine
from mincache.bench.judge import Judged, judge
from mincache.bench.outcome import Outcome
from mincache.bench.plan import Task
from mincache.bench.supervisor import Keeper
from mincache.documents import parse_instance

MAX_INTERRUPTIONS = 2
"""A run that is cut off from outside is repeated this often before its record says so."""


def attempt(task: Task, data: bytes, keeper: Keeper) -> Judged:
    """Run a task on the instance in `data` (its document) and return its record.

    A run that something outside the bench has cut off (its keeper killed, or SIGKILL from nowhere) says
    nothing of the solver, and is repeated.
    """
    instance = parse_instance(data)
    started, outcome = _start(task, keeper, data)
    interruptions = 0
    while _cut_off(outcome) and interruptions < MAX_INTERRUPTIONS and not keeper.closed:
        interruptions += 1
        started, outcome = _start(task, keeper, data)
    environment = machine() | {"libraries": task.entrant.libraries, "enforced": enforced(task.limits)}
    judged = judge(task.cell, instance, outcome, started, environment, task.best_known)
    record = judged.record.model_copy(update={"interruptions": interruptions})
    return Judged(record, judged.evaluation, judged.document)


def now() -> str:
    """Return the time in UTC as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _start(task: Task, keeper: Keeper, instance: bytes) -> tuple[str, Outcome]:
    return now(), keeper.run(task.job, task.limits, instance)


def _cut_off(outcome: Outcome) -> bool:
    unexplained = not outcome.stopped_by and not outcome.closing and outcome.exit_status == -signal.SIGKILL
    return outcome.stopped_by == "interrupted" or unexplained
