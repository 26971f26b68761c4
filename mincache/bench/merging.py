"""Joining the journals of a campaign that ran in parts, and naming where they disagree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mincache.bench import campaign
from mincache.errors import DocumentError, InputError
from mincache.files.documents import digest, read_bytes
from mincache.judging import journal
from mincache.judging.judge import Judged
from mincache.judging.records import Record


@dataclass(frozen=True)
class Conflict:
    """Two records of one run that differ in verdict or answer; the first is the one kept.

    Attributes:
        first: folder of the record that is kept.
        second: folder of the other.
        record: the one that is kept.
        other: the other.
    """

    first: Path
    second: Path
    record: Record
    other: Record

    def __str__(self) -> str:
        sides = (f"{folder}: {_short(one)}" for folder, one in
                 ((self.first, self.record), (self.second, self.other)))  # fmt: skip
        return f"{_place(self.record)}: {'; '.join(sides)}"


def _short(record: Record) -> str:
    cost = record.score.cost if record.score is not None else None
    return record.verdict + (f" at {cost!r}" if cost is not None else "")


@dataclass(frozen=True)
class Merged:
    """What joining came to.

    Attributes:
        conflicts: the runs of which two folders hold differing final records.
        damaged: a sentence for each record left out because a solution of it is missing or damaged.
    """

    conflicts: list[Conflict]
    damaged: list[str]


def merge(folders: Sequence[Path], output: Path) -> Merged:
    """Join the records and plans of `folders`, and those in `output` already, into `output`.

    Of each run one record is kept: the first that is final and whole, in the order given.

    Raises:
        InputError: if a folder holds no journal, or `output` cannot be used.
        JournalError: if a record cannot be kept.
    """
    kept: dict[str, tuple[Path, Record]] = {}
    conflicts, damaged = [], []
    with journal.Journal(output) as joined:
        for folder in (output, *folders):
            for record in _last(folder):
                known = kept.get(record.cell.key)
                if known is not None and known[1].final:
                    if record.final and _differ(known[1], record):
                        conflicts.append(Conflict(known[0], folder, known[1], record))
                    continue
                try:
                    documents = [_document(folder, name) for name in _named(record)]
                except DocumentError as error:
                    damaged.append(f"{error}; the record of {_place(record)} is left out")
                    continue
                kept[record.cell.key] = (folder, record)
                if folder is not output:
                    joined.append(Judged(record, None, documents[0], documents[1]))
        campaign.note_plan(output, *(campaign.planned(folder, whole=True) for folder in folders))
    return Merged(conflicts, damaged)


def _named(record: Record) -> tuple[str | None, str | None]:
    return record.solution_sha256, None if record.raw is None else record.raw.solution_sha256


def _place(record: Record) -> str:
    return f"{record.cell.solver} {record.cell.instance} #{record.cell.repetition}"


def _last(folder: Path) -> Iterator[Record]:
    yield from {record.cell.key: record for record in journal.attempts(folder)}.values()


def _differ(one: Record, other: Record) -> bool:
    return (one.verdict, one.solution_sha256) != (other.verdict, other.solution_sha256)


def _document(folder: Path, sha256: str | None) -> bytes | None:
    if sha256 is None:
        return None
    path = journal.solution_path(folder, sha256)
    try:
        data = read_bytes(path)
    except InputError as error:
        raise DocumentError(f"{path}: {error.field}", error.rule, error.received) from None
    if digest(data) != sha256:
        raise DocumentError(f"{path}: sha256", "must match the file's name", digest(data))
    return data
