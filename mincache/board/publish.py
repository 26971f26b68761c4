"""From campaigns to the published board: entries with packed solutions, and the page of tables."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mincache.bench.records import Record
from mincache.board import readme
from mincache.board.contenders import Contender, labels
from mincache.board.entries import (
    RECORDS_FILE,
    SOLUTIONS_FILE,
    About,
    Manifest,
    folder_name,
    read_entries,
    write_manifest,
)
from mincache.board.packs import write_pack
from mincache.board.references import find_suite
from mincache.board.results import Runs, by_suite, chosen
from mincache.errors import InputError, MincacheError, in_file
from mincache.files.documents import digest, read_bytes, write_bytes
from mincache.files.paths import make_folder
from mincache.files.tables import validated
from mincache.solving import registry

Stored = Callable[[str], bytes]
"""Gives the document of the solution with this hash."""


def publish(
    records: Iterable[Record],
    stored: Stored,
    board: str | os.PathLike[str],
    solvers: Sequence[str] = (),
    about: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Write an entry for each contender in `records`, and return the entries' folders.

    An entry of the same suite and contender is replaced whole.

    Args:
        records: of campaigns; the last attempt at a cell counts.
        stored: gives their solutions, such as `solutions_in(campaigns)`.
        board: folder of the board.
        solvers: labels, solvers or solver names to publish; all if empty.
        about: fields of `About` for every manifest written, such as `authors`.

    Raises:
        InputError: if `about` breaks a rule, a suite is not a standard one, or a record's solution is missing
            or another.
    """
    said, written = validated(About, about or {}), []
    for suite, results in by_suite(records).items():
        if find_suite(suite) is None:
            raise InputError("suite", "must be a standard one to be published", repr(suite))
        named = labels(results)
        for who, runs in chosen(results, solvers, named).items():
            folder = Path(board) / suite / folder_name(named[who])
            _write_entry(folder, suite, who, runs, stored, said)
            written.append(folder)
    return written


def solutions_in(campaigns: Sequence[str | os.PathLike[str]]) -> Stored:
    """Return what gives the solutions stored by these campaigns."""

    def stored(wanted: str) -> bytes:
        paths = [Path(folder) / "solutions" / f"{wanted}.json.gz" for folder in campaigns]
        path = next((path for path in paths if path.is_file()), paths[0])
        with in_file(path):
            return read_bytes(path)

    return stored


def write_page(board: str | os.PathLike[str]) -> None:
    """Rewrite the page of a board from its entries."""
    write_bytes(Path(board) / readme.PAGE_FILE, readme.page(read_entries(board), Path(board)).encode())


def _write_entry(folder: Path, suite: str, who: Contender, runs: Runs, stored: Stored, about: About) -> None:
    """Write one entry: records in order, solutions sorted by hash, the manifest last."""
    records = [record for name in runs for record in runs[name]]
    hashes = sorted({name for record in records for name in record.documents})
    solutions = [_checked(stored(wanted), wanted) for wanted in hashes]
    make_folder(folder)
    manifest = Manifest(
        suite=suite,
        solver=who.solver,
        records=write_pack(folder / RECORDS_FILE, map(_line, records)),
        solutions=write_pack(folder / SOLUTIONS_FILE, solutions),
        **_kind(who),
        **dict(about),
    )
    write_manifest(folder, manifest)


def _line(record: Record) -> bytes:
    # What a failed run printed may name people and paths; it stays in the campaign.
    return record.model_copy(update={"output": ""}).model_dump_json().encode() + b"\n"


def _checked(document: bytes, wanted: str) -> bytes:
    found = digest(document)
    if found != wanted:
        raise InputError(f"solution {wanted[:12]}...", "must have this SHA-256", f"{found[:12]}...")
    return document


def _kind(who: Contender) -> dict[str, Any]:
    """What the class of an installed solver says of itself; no file that a record names is executed."""
    if who.name not in registry.names():
        return {}
    try:
        kind = registry.load(who.name)
    except MincacheError:
        return {}
    return {"kind": kind.kind, "stochastic": kind.stochastic}
