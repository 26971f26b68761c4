"""A campaign: tasks, a folder, and which of the tasks are still to be done."""

from __future__ import annotations

import json
import signal
from collections import ChainMap, Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from mincache.bench.executors import Executor, ExecutorError
from mincache.bench.plan import Task
from mincache.errors import DocumentError, InputError
from mincache.files.documents import parse_json, read_bytes, write_bytes
from mincache.judging import journal
from mincache.judging.judge import Judged, with_contradictions
from mincache.judging.records import Record
from mincache.solving.contents import content_of

PLAN_FILE = "campaign.json"
MOST_FAULTS = 3
"""So many runs in a row that the machine does not let be made end the campaign."""


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
    there = (folder / journal.RECORDS_FILE).is_file()
    return _pending(journal.read(folder) if there else [], tasks, redo)


def _pending(records: Sequence[Record], tasks: Sequence[Task], redo: Redo) -> list[Task]:
    if redo.all:
        return list(tasks)
    done = {one.cell.key: one for one in records if one.final and (one.passed or not redo.failed)}
    return [task for task in tasks if task.key not in done or not _still(done[task.key], task)]


def _still(record: Record, task: Task) -> bool:
    """Return whether the modules that came late into a run are what they were."""
    home = task.entrant.home or "/"
    return all(content_of(Path(home, path)) == sha256 for path, sha256 in record.late_modules.items())


def run(
    folder: Path,
    tasks: Sequence[Task],
    executor: Executor,
    redo: Redo,
    progress: Callable[[Record], None],
    begin: Callable[[int, int], None] = lambda waiting, torn: None,
    whole: Sequence[Task] = (),
) -> list[Record]:
    """Do what is still to be done of a campaign, keeping each record as it comes.

    Args:
        folder: where records go.
        tasks: the campaign, or the part of it that is to be done here.
        executor: where runs take place.
        redo: which runs to repeat.
        progress: hears of each record once it is kept.
        begin: hears before the first run how many are to be done, and how many lines of the journal are not
            whole, and were passed over.
        whole: the whole campaign, where `tasks` are a part of it.

    Returns:
        The records of `tasks` that count.

    Raises:
        InputError: if the folder cannot be used.
        JournalError: if a record cannot be kept.
        ExecutorError: if no more runs can take place.
        KeyboardInterrupt: if the campaign was interrupted (SIGINT or SIGTERM); repeating it goes on.
    """
    faults: list[str] = []

    def keep(judged: Judged) -> None:
        kept.append(judged)
        found[judged.record.cell.key] = judged.record
        progress(judged.record)
        faults[:] = [*faults, judged.record.reason] if judged.of_the_machine else []
        if len(faults) >= MOST_FAULTS:
            raise ExecutorError(f"{MOST_FAULTS} runs in a row could not be made: {faults[-1]}")

    with journal.Journal(folder) as kept, _terminate_as_interrupt():
        known, torn = journal.read_counting(folder)
        found = {record.cell.key: record for record in known}
        waiting = _pending(known, tasks, redo)
        note_plan(folder, _plan(tasks), whole=_plan(whole))
        begin(len(waiting), torn)
        if waiting:
            executor.run(waiting, keep, kept.check)
    keys = {task.key for task in tasks}
    return [record for record in with_contradictions(list(found.values())) if record.cell.key in keys]


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


def _plan(tasks: Sequence[Task]) -> dict[str, str]:
    return {task.key: task.cell.solver for task in tasks}


def note_plan(folder: Path, *plans: Mapping[str, str], whole: Mapping[str, str] | None = None) -> None:
    """Note which cells are planned, beside those noted before: the solver of each by key.

    Args:
        folder: of the campaign.
        plans: what is to be done here.
        whole: the campaign that it is a part of.

    Raises:
        JournalError: if it cannot be written.
    """
    cells = dict(ChainMap(*map(dict, plans), planned(folder)))
    document = {"format": "mincache-campaign/1", "cells": cells}
    if whole or _noted(folder, "whole"):
        document["whole"] = _noted(folder, "whole") | dict(whole or {})
    try:
        write_bytes(folder / PLAN_FILE, json.dumps(document).encode())
    except DocumentError as error:
        raise journal.JournalError(str(error)) from None


def planned(folder: Path, whole: bool = False) -> dict[str, str]:
    """Return the solver of each planned cell, by key; empty where nothing was planned.

    Args:
        folder: of the campaign.
        whole: whether the rest counts of a campaign that a part of was planned here.
    """
    return _noted(folder, "cells") | (_noted(folder, "whole") if whole else {})


def _noted(folder: Path, field: str) -> dict[str, str]:
    try:
        document: dict[str, Any] = parse_json(read_bytes(folder / PLAN_FILE))
        return {str(key): str(solver) for key, solver in document.get(field, {}).items()}
    except (InputError, AttributeError):
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
