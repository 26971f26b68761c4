"""A campaign: tasks, a folder, and which of the tasks are still to be done."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from mincache.bench import journal
from mincache.bench.executors import Executor
from mincache.bench.judge import Judged
from mincache.bench.plan import Task
from mincache.bench.records import Record
from mincache.errors import DocumentError, InputError
from mincache.files.documents import parse_json, read_bytes, write_bytes

PLAN_FILE = "campaign.json"


@dataclass(frozen=True)
class Redo:
    """Which runs to repeat although the journal has them.

    Attributes:
        failed: those whose record failed.
        all: every one.
    """

    failed: bool = False
    all: bool = False


def pending(folder: Path, tasks: Sequence[Task], redo: Redo) -> list[Task]:
    """Return the tasks that are still to be done; those interrupted are."""
    if redo.all or not (folder / journal.RECORDS_FILE).is_file():
        return list(tasks)
    done = {
        record.cell.key
        for record in journal.read(folder)
        if record.final and (record.passed or not redo.failed)
    }
    return [task for task in tasks if task.key not in done]


def run(
    folder: Path,
    tasks: Sequence[Task],
    executor: Executor,
    redo: Redo,
    progress: Callable[[Record], None],
) -> None:
    """Do what is still to be done of a campaign, keeping each record as it comes.

    Raises:
        InputError: if the folder cannot be used.
        JournalError: if a record cannot be kept.
        KeyboardInterrupt: if the campaign was interrupted (SIGINT or SIGTERM); repeating it goes on.
    """

    def keep(judged: Judged) -> None:
        kept.append(judged)
        progress(judged.record)

    with journal.Journal(folder) as kept, _terminate_as_interrupt():
        waiting = pending(folder, tasks, redo)
        _write_plan(folder, tasks)
        if waiting:
            executor.run(waiting, keep)


@contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end a campaign as Ctrl-C does, where this is the main thread."""
    try:
        before = signal.signal(signal.SIGTERM, _interrupt)
    except ValueError:
        yield  # not the main thread
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _write_plan(folder: Path, tasks: Sequence[Task]) -> None:
    """Note the cells of this campaign beside those of earlier ones in the same folder."""
    cells = planned(folder) | {task.key: task.cell.solver for task in tasks}
    document = {"format": "mincache-campaign/1", "cells": cells}
    try:
        write_bytes(folder / PLAN_FILE, json.dumps(document).encode())
    except DocumentError as error:
        raise journal.JournalError(str(error)) from None


def planned(folder: Path) -> dict[str, str]:
    """Return the solver of each planned cell, by key; empty where nothing was planned."""
    try:
        document: dict[str, Any] = parse_json(read_bytes(folder / PLAN_FILE))
        return {str(key): str(solver) for key, solver in document["cells"].items()}
    except (InputError, KeyError, AttributeError):
        return {}


def outcomes(records: Sequence[Record]) -> dict[str, Counter[str]]:
    """Return how often each outcome came, by solver: a verdict, and what stopped the failed ones."""
    counts: dict[str, Counter[str]] = {}
    for record in records:
        counts.setdefault(record.cell.solver, Counter())[outcome_of(record)] += 1
    return counts


def outcome_of(record: Record) -> str:
    """Return the outcome of a record in a word or two, such as `verified` or `no solution (crash)`."""
    if record.passed or record.stop_reason in ("finished", "soft limit"):
        return record.verdict
    return f"{record.verdict} ({record.stop_reason})"
