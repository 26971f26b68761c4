"""From campaigns to the published board: entries with packed solutions, and the page of tables."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mincache.bench.judge import with_contradictions
from mincache.bench.records import Record
from mincache.board import render
from mincache.board.contenders import Contender, Contenders, chosen, labels, look_alike
from mincache.board.entries import (
    RECORDS_FILE,
    REVIEWS_FOLDER,
    SOLUTIONS_FILE,
    SOURCE_FOLDER,
    SUITE_FOLDER,
    About,
    Manifest,
    Review,
    entry_folder,
    find_suite,
    read_entry,
    write_manifest,
    write_review,
)
from mincache.board.packs import write_pack
from mincache.board.rerun import run_of
from mincache.board.table import Table
from mincache.errors import InputError, MincacheError, in_file
from mincache.files.documents import digest, read_bytes, write_bytes
from mincache.files.paths import make_folder
from mincache.files.tables import validated
from mincache.generation import suites
from mincache.solving import registry

Stored = Callable[[str], bytes]
"""Gives the document of the solution with this hash."""


def publish(
    records: Iterable[Record],
    stored: Stored,
    board: str | os.PathLike[str],
    solvers: Sequence[str] = (),
    about: Mapping[str, Any] | None = None,
    *,
    replace: bool = False,
    source: Sequence[Path] = (),
    suite: str = "",
) -> list[Path]:
    """Write an entry for each contender in `records`, and return the entries' folders.

    An entry is its suite, solver, source, parameters, limits, versions and authors; nothing is replaced
    unless that is asked, and then only what the same authors published of the solver before.

    Args:
        records: of campaigns; the last attempt at a cell counts.
        stored: gives their solutions, such as `solutions_in(campaigns)`.
        board: folder of the board.
        solvers: labels, solvers or solver names to publish; all if empty.
        about: fields of `About` for every manifest written, such as `authors`.
        replace: whether entries of the same solver and authors give way.
        source: files of solvers that no package has; a file whose hash a record names goes into the entry.
        suite: folder of the suite, if it is not a standard one; the board gets a copy.

    Raises:
        InputError: if `about` breaks a rule, a suite is neither standard nor given, an entry exists already,
            a name could be taken for another, or a solution or a source is missing or another.
    """
    said, board, written = validated(About, about or {}), Path(board), []
    for name, contenders in _by_contender(records, said.authors).items():
        _keep_suite(name, suite, board)
        for who in chosen(labels(contenders), solvers):
            folder = board / name / entry_folder(who)
            _make_way(folder, who, said.authors, replace)
            _write_entry(folder, name, who, contenders[who], stored, said, source)
            written.append(folder)
    return written


def _by_contender(
    records: Iterable[Record], authors: Sequence[str]
) -> dict[str, dict[Contender, list[Record]]]:
    """Return what counts, by suite and contender, in the order of runs."""
    who, last = Contenders(), {}
    for record in records:
        last[record.cell.suite, who.of(record.cell, authors), run_of(record.cell)] = record
    found: dict[str, dict[Contender, list[Record]]] = {}
    for (suite, one, _), record in sorted(
        zip(last, with_contradictions(list(last.values())), strict=True), key=lambda item: repr(item[0])
    ):
        found.setdefault(suite, {}).setdefault(one, []).append(record)
    for contenders in found.values():
        for listed in contenders.values():
            listed.sort(key=lambda record: run_of(record.cell))
    return found


def _keep_suite(name: str, folder: str, board: Path) -> None:
    """Copy a suite that is not a standard one onto the board."""
    found = find_suite(name, folder, [board])
    if found is None:
        advice = "give its folder with --suite"
        raise InputError("suite", "must be a standard one, or be given, to be published", repr(name), advice)
    if name in suites.standard_names() or found.folder == board / name / SUITE_FOLDER:
        return
    make_folder(board / name / SUITE_FOLDER)
    for path in [found.folder / suites.RECIPE_FILE, *sorted(found.folder.glob("*.json*"))]:
        shutil.copyfile(path, board / name / SUITE_FOLDER / path.name)


def _make_way(folder: Path, who: Contender, authors: Sequence[str], replace: bool) -> None:
    """Refuse to overwrite an entry; or remove what the same authors published of the same solver."""
    if odd := look_alike(who.solver):
        raise InputError("solver", "must have a name that cannot be taken for another", ascii(odd))
    if not replace:
        if folder.exists():
            raise InputError("entry", "must not exist yet", str(folder), "--replace writes it anew")
        return
    for manifest in sorted(folder.parent.glob("*/manifest.toml")):
        known = read_entry(manifest.parent).manifest
        if known.solver == who.solver and sorted(known.authors) == sorted(authors):
            shutil.rmtree(manifest.parent)


def solutions_in(campaigns: Sequence[str | os.PathLike[str]]) -> Stored:
    """Return what gives the solutions stored by these campaigns."""

    def stored(wanted: str) -> bytes:
        paths = [Path(folder) / "solutions" / f"{wanted}.json.gz" for folder in campaigns]
        path = next((path for path in paths if path.is_file()), paths[0])
        with in_file(path):
            return read_bytes(path)

    return stored


def write_page(board: Path, tables: Sequence[Table]) -> Path:
    """Write the page of a board, with the ranking of each suite, and return its path."""
    path = board / render.PAGE_FILE
    write_bytes(path, render.page(tables, board).encode())
    return path


def write_reproduction(
    folder: Path, name: str, by: str, date: str, note: str, records: Sequence[Record], stored: Stored
) -> Path:
    """Write a reviewer's reproduction into the folder of an entry, and return the folder of the review."""
    review = folder / REVIEWS_FOLDER / name
    make_folder(review)
    packs = _write_packs(review, records, stored)
    write_review(review, Review(finding="reproduced", by=by, date=date, note=note, **packs))
    return review


def _write_packs(folder: Path, records: Sequence[Record], stored: Stored) -> dict[str, Any]:
    """Write records in their order and solutions sorted by hash."""
    hashes = sorted({name for record in records for name in record.documents})
    solutions = [_checked(stored(wanted), wanted) for wanted in hashes]
    return {
        "records": write_pack(folder / RECORDS_FILE, map(_line, records)),
        "solutions": write_pack(folder / SOLUTIONS_FILE, solutions),
    }


def _write_entry(
    folder: Path, suite: str, who: Contender, records: Sequence[Record], stored: Stored, about: About,
    source: Sequence[Path],
) -> None:  # fmt: skip
    """Write one entry, the manifest last."""
    sources = _sources(who, source)
    make_folder(folder)
    for path in sources:
        make_folder(folder / SOURCE_FOLDER)
        shutil.copyfile(path, folder / SOURCE_FOLDER / path.name)
    packs = _write_packs(folder, records, stored)
    covered = len({record.cell.instance for record in records})
    manifest = Manifest(
        suite=suite, solver=who.solver, instances=covered, **packs, **_kind(who), **dict(about)
    )
    write_manifest(folder, manifest)


def _sources(who: Contender, given: Sequence[Path]) -> list[Path]:
    """Return the files given, of which one must be the solver's; none of a solver that a package has."""
    file, colon, _ = who.name.rpartition(":")
    if not colon:
        return []
    places = [*given, Path(file)]
    found = next(
        (path for path in places if path.is_file() and digest(path.read_bytes()) == who.source), None
    )
    if found is None:
        rule = f"must hold {file} as it was when the runs were made, sha256 {who.source[:12]}..."
        raise InputError(
            "source", rule, ", ".join(map(str, given)) or "none", f"give it with --source {file}"
        )
    return list(dict.fromkeys([found, *(path for path in given if path.name != found.name)]))


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
