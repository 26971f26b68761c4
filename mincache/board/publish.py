"""From campaigns to the published board: entries with packed solutions."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mincache.board import entries
from mincache.board.contenders import Contender, chosen, contender, labels, look_alike
from mincache.board.entries import About, Entry, Manifest, Review
from mincache.board.packs import write_pack
from mincache.board.rerun import run_of
from mincache.errors import InputError, MincacheError, in_file
from mincache.files.documents import digest, parse_json, read_bytes
from mincache.files.paths import folder_aside, make_folder, real_path
from mincache.files.tables import validated
from mincache.generation import suites
from mincache.generation.suite_checks import SOLUTIONS
from mincache.judging.journal import solution_path
from mincache.judging.judge import with_contradictions
from mincache.judging.records import Record
from mincache.learning.policies import read_card
from mincache.solving import registry
from mincache.solving.contents import files_digest, modules_beside

Stored = Callable[[str], bytes]
"""Gives the document of the solution with this hash."""


def publish(
    records: Iterable[Record], stored: Stored, board: str | os.PathLike[str], solvers: Sequence[str] = (),
    about: Mapping[str, Any] | None = None, *, replace: bool = False, source: Sequence[Path] = (),
    policies: Sequence[Path] = (), suite: str = "", warn: Callable[[str], object] = lambda sentence: None,
) -> list[Path]:  # fmt: skip
    """Write an entry for each contender in `records`, and return the entries' folders.

    An entry is its suite, solver, source, parameters, limits, versions and authors; nothing is replaced
    unless that is asked, and then only what the same authors published of the solver before.

    Args:
        records: of campaigns; the last attempt at a cell counts.
        stored: gives their solutions.
        board: folder of the board.
        solvers: labels, solvers or solver names to publish; all if empty.
        about: fields of `About` for every manifest written, such as `authors`.
        replace: whether entries of the same solver and authors give way. Reviews stay with an entry whose
            records are the same to the byte; the others go with the records that they are of.
        source: files of solvers that no package has; a file whose hash a record names goes into the entry.
        policies: folders of policies; those that a solver's runs chose among go into its entry.
        suite: folder of the suite, if it is not a standard one; the board gets a copy.
        warn: is told of reviews that go, a sentence an entry.

    Raises:
        InputError: if an entry exists already, or a suite, a solution or a source is missing or another;
            or if the policies of a folder are not those of any run.
    """
    said, board, written = validated(About, about or {}), Path(board), list[tuple[Path, Manifest]]()
    by_suite = _by_contender(records, said.authors)
    kept = _policies(
        policies, (record for found in by_suite.values() for runs in found.values() for record in runs)
    )
    with folder_aside(board) as aside:
        for name, contenders in by_suite.items():
            kept_suite = _keep_suite(name, suite, board, aside / name)
            shared = _share(kept_suite, board / name, aside / name)
            for who in chosen(labels(contenders), solvers):
                folder = board / name / entries.folder_name(who.solver, who.sha256)
                _refuse(folder, who, replace)
                new, runs = aside / name / folder.name, contenders[who]
                written.append((folder, _write_entry(new, who, runs, stored, said, source, shared)))
                _copy(kept.get(runs[0].cell.solver_files, []), new / entries.POLICIES_FOLDER)
        old = [entry for name in by_suite for entry in _before(board / name, written)] if replace else []
        for entry in (one for one in old if one.reviews):
            same = next((place for place, made in written if made.records == entry.manifest.records), None)
            if same is None:
                told = "; ".join(map(str, entry.reviews.values()))
                warn(f"{entry.name}: the reviews are of other records and go with these: {told}")
                continue
            kept_reviews = aside / same.parent.name / same.name / entries.REVIEWS_FOLDER
            shutil.copytree(entry.folder / entries.REVIEWS_FOLDER, kept_reviews, dirs_exist_ok=True)
        for entry in old:
            shutil.rmtree(entry.folder)
        for folder, made in written:
            make_folder(folder.parent)
            own_suite = aside / folder.parent.name / entries.SUITE_FOLDER
            if own_suite.exists():
                own_suite.rename(folder.parent / entries.SUITE_FOLDER)
            shared = aside / folder.parent.name / entries.SHARED_FILE
            if made.solutions.shared is not None and shared.exists():
                shared.rename(folder.parent / entries.SHARED_FILE)
            (aside / folder.parent.name / folder.name).rename(folder)
    return [folder for folder, _ in written]


def _by_contender(
    records: Iterable[Record], authors: Sequence[str]
) -> dict[str, dict[Contender, list[Record]]]:
    """What counts, by suite and contender, in the order of runs."""
    last = {}
    for record in records:
        last[record.cell.suite, contender(vars(record.cell), authors), run_of(record.cell)] = record
    found: dict[str, dict[Contender, list[Record]]] = {}
    counting = zip(last, with_contradictions(list(last.values())), strict=True)
    order = sorted(counting, key=lambda item: (repr(item[0][:2]), item[0][2]))
    for (suite, one, _), record in order:
        found.setdefault(suite, {}).setdefault(one, []).append(record)
    return found


def _keep_suite(name: str, folder: str, board: Path, aside: Path) -> suites.Suite:
    """Find a suite, and copy one that is not a standard one nor on the board aside."""
    found, copy = entries.find_suite(name, folder, [board]), board / name / entries.SUITE_FOLDER
    if found is None:
        rule, advice = "must be a standard one, or be given, to be published", "give its folder with --suite"
        raise InputError("suite", rule, repr(name), advice)
    if name in suites.standard_names() and found.entries != suites.find(name).entries:
        raise InputError("suite", f"must have another name than the standard {name}", str(found.folder))
    if name in suites.standard_names() or real_path(found.folder) == real_path(copy):
        return found
    files = [*sorted(found.folder.glob("*.toml")), *sorted(found.folder.glob("*.json*"))]
    if copy.exists():
        if any(read_bytes(path) != read_bytes(copy / path.name) for path in files):
            rule = "must be the one that the leaderboard has, since its rows are on that"
            advice = f"leave --suite out, or delete {copy}"
            raise InputError(f"suite {name}", rule, f"another in {found.folder}", advice)
        return found
    _copy(files, aside / entries.SUITE_FOLDER)
    return found


def _share(suite: suites.Suite, place: Path, aside: Path) -> Path:
    """Return the file of solutions that entries share; if there is none, the suite's best, written aside."""
    shared, best = place / entries.SHARED_FILE, [SOLUTIONS.path(suite, name) for name in suite.entries]
    if not shared.exists() and all(path.is_file() for path in best):
        make_folder(aside)
        shared = aside / entries.SHARED_FILE
        write_pack(shared, map(read_bytes, best))
    return shared


def _refuse(folder: Path, who: Contender, replace: bool) -> None:
    """Refuse a name that could be taken for another, and to overwrite an entry."""
    if odd := look_alike(who.solver):
        raise InputError("solver", "must have a name that cannot be taken for another", ascii(odd))
    if not replace and folder.exists():
        raise InputError("entry", "must not exist yet", str(folder), "--replace writes it anew")


def _before(suite: Path, written: Sequence[tuple[Path, Manifest]]) -> list[Entry]:
    """What the authors of these entries published of their solvers before on a suite."""
    named = {(made.solver, *sorted(made.authors)) for folder, made in written if folder.parent == suite}
    found = (entries.read_entry(path.parent) for path in sorted(suite.glob(f"*/{entries.MANIFEST_FILE}")))
    return [one for one in found if (one.manifest.solver, *sorted(one.manifest.authors)) in named]


def _write_entry(
    folder: Path, who: Contender, records: Sequence[Record], stored: Stored, about: About,
    source: Sequence[Path], shared: Path,
) -> Manifest:  # fmt: skip
    sources = _sources(who, source)
    make_folder(folder)
    for name, path in sources.items():
        make_folder(folder / entries.SOURCE_FOLDER)
        shutil.copyfile(path, folder / entries.SOURCE_FOLDER / name)
    instances = len({record.cell.instance for record in records})
    said = {"suite": records[0].cell.suite, "solver": who.solver, "instances": instances, **_kind(who)}
    manifest = Manifest(**said, **_write_packs(folder, records, stored, shared), **dict(about))
    entries.write_table(folder / entries.MANIFEST_FILE, manifest)
    return manifest


def _sources(who: Contender, given: Sequence[Path]) -> dict[str, Path]:
    """The solver's file, what it imports beside it, and the files given; none of a packaged solver."""
    file, colon, _ = who.name.rpartition(":")
    if not colon:
        return {}
    places = [path for path in (*given, Path(file)) if path.is_file()]
    own = [path for path in places if digest(path.read_bytes()) == who.source]
    if not own:
        rule = f"must hold {file} as it was when the runs were made, sha256 {who.source[:12]}..."
        received = ", ".join(map(str, given)) or "none"
        raise InputError("source", rule, received, f"give it with --source {file}")
    files = (*(path for path in given if path not in own), *modules_beside(own[0]))
    return {path.name: path for path in files} | {Path(file).name: own[0]}


def _policies(places: Iterable[Path], records: Iterable[Record]) -> dict[str, list[Path]]:
    """Policies of these places and the records of their training, by the digest that runs name."""
    named, found = {record.cell.solver_files for record in records}, dict[str, list[Path]]()
    for place in places:
        every = sorted(place.glob("*.safetensors")) if place.is_dir() else [place]
        groups = {"": every}  # a folder may hold policies of several solvers
        for path in every:
            card = read_card(path)
            groups.setdefault(f"{card.solver}{card.parameters}", []).append(path)
        fitting = {key: one for one in groups.values() if (key := files_digest(one)) in named and one}
        if not fitting:
            rule = "must hold the policies that runs of a published solver chose among, as they were then"
            received = f"{len(every)} policies that no run names, in {place}"
            raise InputError("policies", rule, received, "give what `policy=` or `policies=` named")
        for key, chosen_files in fitting.items():
            trainings = [path.with_suffix(".json") for path in chosen_files]
            for path in (kept := [path for path in trainings if path.is_file()]):
                with in_file(path):
                    parse_json(read_bytes(path))
            found[key] = [*chosen_files, *kept]
    return found


def _copy(paths: Iterable[Path], folder: Path) -> None:
    for path in paths:
        make_folder(folder)
        shutil.copyfile(path, folder / path.name)


def _kind(who: Contender) -> dict[str, Any]:
    """What the class of an installed solver says of itself; no file that a record names is executed."""
    try:
        kind = registry.load(who.name) if who.name in registry.names() else None
    except MincacheError:
        return {}
    return {} if kind is None else {"kind": kind.kind, "stochastic": kind.stochastic}


def _write_packs(
    folder: Path, records: Sequence[Record], stored: Stored, shared: Path | None = None
) -> dict[str, Any]:
    documents = {name: stored(name) for name in sorted({n for record in records for n in record.documents})}
    for wanted, document in documents.items():
        if (found := digest(document)) != wanted:
            raise InputError(f"solution {wanted[:12]}...", "must have this SHA-256", f"{found[:12]}...")
    # What a failed run printed may name people and paths; it stays in the campaign.
    silent = (record.model_copy(update={"output": ""}) for record in records)
    lines = [record.model_dump_json().encode() + b"\n" for record in silent]
    return {
        "records": write_pack(folder / entries.RECORDS_FILE, lines),
        "solutions": write_pack(folder / entries.SOLUTIONS_FILE, documents.values(), shared),
    }


def solutions_in(campaigns: Sequence[Path]) -> Stored:
    """Return what gives the solutions stored by these campaigns."""

    def stored(wanted: str) -> bytes:
        paths = [solution_path(folder, wanted) for folder in campaigns]
        path = next((path for path in paths if path.is_file()), paths[0])
        with in_file(path):
            return read_bytes(path)

    return stored


def write_reproduction(
    folder: Path, name: str, by: str, date: str, note: str, records: Sequence[Record], stored: Stored
) -> Path:
    """Write a reviewer's reproduction into the folder of an entry, and return the folder of the review."""
    place = folder / entries.REVIEWS_FOLDER / name
    with folder_aside(place.parent) as aside:
        packs = _write_packs(aside, records, stored)
        review = Review(finding="reproduced", by=by, date=date, note=note, **packs)
        entries.write_table(aside / entries.REVIEW_FILE, review)
        shutil.copytree(aside, place)
    return place
