"""A campaign: tasks, a folder, which of the tasks are still to be done, and parts of it joined."""

import json
import math
import signal
from collections import ChainMap, Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from mincache.bench.executors import Executor, ExecutorError
from mincache.bench.plan import Task
from mincache.errors import DocumentError, InputError
from mincache.files.documents import parse_json, read_bytes, write_bytes
from mincache.generation.recipes import RELATIVE_TOLERANCE
from mincache.judging import journal
from mincache.judging.judge import Judged, with_contradictions
from mincache.judging.records import Record
from mincache.solving.contents import content_of

PLAN_FILE = "campaign.json"
MOST_FAULTS = 3  # so many runs in a row that the machine does not let be made end the campaign
Redo = Literal["", "failed", "all"]
"""Which runs to repeat although the journal has them."""


def pending(folder: Path, tasks: Sequence[Task], redo: Redo = "") -> list[Task]:
    """Return the tasks that are still to be done; those interrupted are."""
    return _pending(journal.read(folder) if (folder / journal.RECORDS_FILE).is_file() else [], tasks, redo)


def _pending(records: Sequence[Record], tasks: Sequence[Task], redo: Redo) -> list[Task]:
    counting = [one for one in records if one.final and (one.passed or not redo)] if redo != "all" else []
    done = {one.cell.key: one for one in counting}
    return [task for task in tasks if task.key not in done or not _still(done[task.key], task)]


def _still(record: Record, task: Task) -> bool:
    """Return whether the modules that came late into a run are what they were."""
    home = task.entrant.home or "/"
    return all(content_of(Path(home, path)) == sha256 for path, sha256 in record.late_modules.items())


def run(
    folder: Path, tasks: Sequence[Task], executor: Executor,
    progress: Callable[[Record], None] = lambda record: None, redo: Redo = "",
    begin: Callable[[int, int], None] = lambda waiting, torn: None, whole: Sequence[Task] = (),
) -> list[Record]:  # fmt: skip
    """Do what is still to be done of a campaign, keeping each record as it comes; return those that count.

    `tasks` are the campaign, or the part of `whole` that is to be done here. `progress` hears of each
    record once it is kept; `begin`, before the first run, how many are to be done, and how many lines of
    the journal are passed over, being not whole.
    """
    faults: list[str] = []

    def keep(judged: Judged) -> None:
        kept.append(judged.record, judged.documents)
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
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    except ValueError:
        yield  # not the main thread
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _plan(tasks: Sequence[Task]) -> dict[str, str]:
    return {task.key: task.cell.solver for task in tasks}


def note_plan(folder: Path, *plans: Mapping[str, str], whole: Mapping[str, str] | None = None) -> None:
    """Note which cells are planned here, and of the `whole` campaign, beside those noted before.

    Raises:
        JournalError: if it cannot be written.
    """
    document: dict[str, Any] = {"format": "mincache-campaign/1"}
    document["cells"] = dict(ChainMap(*map(dict, plans), planned(folder)))
    if all_of_it := _noted(folder, "whole") | dict(whole or {}):
        document["whole"] = all_of_it
    try:
        write_bytes(folder / PLAN_FILE, json.dumps(document).encode())
    except DocumentError as error:
        raise journal.JournalError(str(error)) from None


def planned(folder: Path) -> dict[str, str]:
    """Return the solver of each cell planned here, by key; empty where nothing was planned."""
    return _noted(folder, "cells")


def _noted(folder: Path, field: str) -> dict[str, str]:
    try:
        document: dict[str, Any] = parse_json(read_bytes(folder / PLAN_FILE))
        return {str(key): str(solver) for key, solver in document.get(field, {}).items()}
    except (InputError, AttributeError):
        return {}


def merge(folders: Sequence[Path], output: Path) -> tuple[list[str], list[str]]:
    """Join the records and plans of `folders`, and those in `output` already, into `output`.

    Of each run one record is kept: the first that is final and whole, in the order given. Returned is a
    sentence for each run of which two final records differ in verdict, answer or cost, and one for each
    record left out because a solution of it is missing or damaged.

    Raises:
        InputError: if a folder holds no journal, or `output` cannot be used.
        JournalError: if a record cannot be kept.
    """
    kept: dict[str, tuple[Path, Record]] = {}
    conflicts, damaged = [], []
    with journal.Journal(output) as joined:
        for folder in (output, *folders):
            last = {record.cell.key: record for record in journal.attempts(folder)}
            for key, record in last.items():
                place = f"{record.cell.solver} {record.cell.instance} #{record.cell.repetition}"
                if key in kept and kept[key][1].final:
                    first, known = kept[key]
                    if record.final and not _agree(known, record):
                        conflicts.append(f"{place}: {first}: {_told(known)}; {folder}: {_told(record)}")
                    continue
                try:
                    documents = {name: journal.document(folder, name) for name in record.documents}
                except DocumentError as error:
                    damaged.append(f"{error}; the record of {place} is left out")
                    continue
                kept[key] = (folder, record)
                if folder is not output:
                    joined.append(record, documents)
        note_plan(output, *(_noted(one, "cells") | _noted(one, "whole") for one in folders))
    return conflicts, damaged


def _agree(one: Record, other: Record) -> bool:
    if (one.verdict, one.solution_sha256) != (other.verdict, other.solution_sha256):
        return False
    scores = (record.score for record in (one, other))
    costs = [math.inf if score is None or score.cost is None else score.cost for score in scores]
    return math.isclose(*costs, rel_tol=RELATIVE_TOLERANCE)  # the last digits are the machine's


def _told(record: Record) -> str:
    cost = record.score.cost if record.score is not None else None
    return record.verdict + (f" at {cost!r}" if cost is not None else "")


def outcomes(records: Sequence[Record]) -> dict[str, Counter[str]]:
    """Return how often each outcome came, by solver: a verdict, and what stopped the failed ones."""
    counts: dict[str, Counter[str]] = {}
    for record in records:
        untold = record.passed or record.stop_reason in ("finished", "soft limit")
        outcome = record.verdict if untold else f"{record.verdict} ({record.stop_reason})"
        counts.setdefault(record.cell.solver, Counter())[outcome] += 1
    return counts
