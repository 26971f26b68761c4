"""Verifying a published board: nothing in it is believed until the evaluator has found it again."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

from mincache.bench.contents import files_digest
from mincache.bench.records import Record
from mincache.board import readme
from mincache.board.contenders import contender
from mincache.board.entries import (
    MANIFEST_FILE,
    POLICIES_FOLDER,
    RECORDS_FILE,
    SOLUTIONS_FILE,
    Entry,
    read_entry,
)
from mincache.board.references import find_suite, verified_cost
from mincache.board.scores import below, wrong_in_raw, wrong_in_record, wrong_in_score
from mincache.errors import InputError
from mincache.files.documents import digest, read_bytes
from mincache.generation.suites import Suite
from mincache.problem.instance import Instance

TOGETHER = "entries together"
_ENTRY_FILES = {MANIFEST_FILE, RECORDS_FILE, SOLUTIONS_FILE, POLICIES_FOLDER}


def verify(board: str | os.PathLike[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield what was checked and what is wrong with it, a sentence each: each entry, all together, the page.

    Raises:
        InputError: if the folder holds no entry.
    """
    board = Path(board)
    folders = sorted(path for path in board.glob("*/*") if path.is_dir())
    if not folders:
        raise InputError(f"{board}", "must be a board with at least one entry", "none")
    entries: list[Entry] = []
    for folder in folders:
        yield f"{folder.parent.name}/{folder.name}", verify_entry(folder, entries.append)
    yield TOGETHER, list(_wrong_together(entries))
    yield readme.PAGE_FILE, list(_wrong_page(board, entries))


def verify_entry(folder: Path, keep: Callable[[Entry], object] = lambda entry: None) -> list[str]:
    """Return what is wrong with one entry, a sentence each; hand it to `keep` if it can be read."""
    try:
        entry = read_entry(folder)
        keep(entry)
        return list(_wrong_entry(entry))
    except InputError as error:
        return [str(error)]


def _wrong_entry(entry: Entry) -> Iterator[str]:
    suite = find_suite(entry.manifest.suite)
    if suite is None:
        yield f"suite {entry.manifest.suite!r} is not installed"
        return
    yield from _wrong_manifest(entry)
    yield from _wrong_policies(entry)
    for record in entry.records:
        for sentence in wrong_in_record(record, suite):
            yield f"{_run(record)}: {sentence}"
    yield from _wrong_solutions(entry, suite)


def _wrong_manifest(entry: Entry) -> Iterator[str]:
    manifest, records = entry.manifest, entry.records
    for path in sorted(entry.folder.iterdir()):
        if path.name not in _ENTRY_FILES:
            yield f"{path.name} does not belong to an entry"
    if entry.folder.parent.name != manifest.suite:
        yield f"the folder is of suite {entry.folder.parent.name!r}, the manifest of {manifest.suite!r}"
    if any((r.cell.suite, r.cell.solver) != (manifest.suite, manifest.solver) for r in records):
        yield "a record is of another suite or solver than the manifest"
    if len({contender(r.cell) for r in records}) > 1:
        yield "records are of more than one source, limit or set of parameters"
    for run, count in Counter(map(_run, records)).items():
        if count > 1:
            yield f"{run}: {count} records"


def _wrong_policies(entry: Entry) -> Iterator[str]:
    """Hold the policies beside the records against the hash that each record has of what it chose among."""
    folder = entry.folder / POLICIES_FOLDER
    if not folder.exists():
        return
    policies = sorted(folder.glob("*.safetensors"))
    known = {*policies, *(path.with_suffix(".json") for path in policies)}
    for path in sorted(folder.iterdir() if folder.is_dir() else [folder]):
        if path not in known or not path.is_file():
            yield f"{POLICIES_FOLDER}: {path.name} is neither a policy nor the record of one's training"
            return
    if {record.cell.solver_files for record in entry.records} != {files_digest(policies)}:
        yield f"{POLICIES_FOLDER}: are not the files that the records name"


def _wrong_solutions(entry: Entry, suite: Suite) -> Iterator[str]:
    expected: dict[str, list[Record]] = {}
    for record in entry.records:
        for name in record.documents:
            expected.setdefault(name, []).append(record)
    instance_of = cache(suite.read)
    for document in entry.solutions():
        name = digest(document)
        if name not in expected:
            yield f"solution {name[:12]}... is stored twice or belongs to no record"
        for record in expected.pop(name, ()):
            for sentence in _wrong_in_document(record, name, document, instance_of):
                yield f"{_run(record)}: {sentence}"
    for name in sorted(expected):
        yield f"solution {name[:12]}... of {_run(expected[name][0])} is not stored"


def _wrong_in_document(
    record: Record, name: str, document: bytes, instance_of: Callable[[str], Instance]
) -> Iterator[str]:
    if name == record.solution_sha256:
        yield from wrong_in_score(record, document, instance_of)
    if record.raw is not None and name == record.raw.solution_sha256:
        yield from wrong_in_raw(record.cell.instance, record.raw, document, instance_of)


def _wrong_together(entries: Sequence[Entry]) -> Iterator[str]:
    entrants = Counter((e.manifest.suite, contender(e.records[0].cell)) for e in entries if e.records)
    for (suite, who), count in entrants.items():
        if count > 1:
            yield f"{count} entries of {who.solver} on {suite}"
    best: dict[tuple[str, str], float] = {}
    records = [record for entry in entries for record in entry.records]
    for record in records:
        cost, where = verified_cost(record), (record.cell.suite, record.cell.instance)
        if cost is not None:
            best[where] = min(cost, best.get(where, cost))
    for record in (record for entry in entries if not entry.manifest.flag for record in entry.records):
        lowest = best.get((record.cell.suite, record.cell.instance))
        if verified_cost(record) is None or record.bound is None or lowest is None:
            continue
        if below(lowest, record.bound):
            run = f"{record.cell.solver}, {_run(record)}"
            yield f"{run}: bound {record.bound} is above the verified cost {lowest}"


def _wrong_page(board: Path, entries: Sequence[Entry]) -> Iterator[str]:
    rebuilt = readme.page(entries, board).encode()
    try:
        stored = read_bytes(board / readme.PAGE_FILE)
    except InputError as error:
        yield str(error)
        return
    if stored != rebuilt:
        yield f"differs from what the entries give, from byte {_first_difference(stored, rebuilt)} on"


def _first_difference(one: bytes, other: bytes) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def _run(record: Record) -> str:
    return f"{record.cell.instance} seed {record.cell.seed} repetition {record.cell.repetition}"
