"""What is wrong with one entry of a board: its manifest, files, runs, records, solutions and reviews."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache

from mincache.bench.contents import files_digest
from mincache.bench.records import Record
from mincache.board.contenders import contender, look_alike
from mincache.board.entries import (
    MANIFEST_FILE,
    POLICIES_FOLDER,
    RECORDS_FILE,
    REVIEW_FILE,
    REVIEWS_FOLDER,
    SOLUTIONS_FILE,
    SOURCE_FOLDER,
    Entry,
    find_suite,
    verified_cost,
)
from mincache.board.rerun import run_of, wrong_in_review
from mincache.board.scores import below, wrong_in_raw, wrong_in_record, wrong_in_score
from mincache.files.documents import digest
from mincache.generation.suites import Suite
from mincache.problem.instance import Instance

_ENTRY_FILES = {MANIFEST_FILE, RECORDS_FILE, SOLUTIONS_FILE, POLICIES_FOLDER, SOURCE_FOLDER, REVIEWS_FOLDER}
_REVIEW_FILES = {REVIEW_FILE, RECORDS_FILE, SOLUTIONS_FILE}


def wrong_in_entry(entry: Entry, records: Sequence[Record], rescore: bool) -> Iterator[str]:
    """Yield what is wrong with an entry, a sentence each; its solutions are scored again if that is asked."""
    suite = find_suite(entry.manifest.suite, boards=[entry.folder.parent.parent])
    if suite is None:
        yield f"suite {entry.manifest.suite!r} is not installed, and not on the board"
        return
    yield from _wrong_manifest(entry, records)
    yield from _wrong_files(entry, records)
    yield from _wrong_runs(entry, records, suite)
    yield from _wrong_records(entry, records, suite, rescore)
    for name in entry.reviews:
        for sentence in _wrong_review(entry, name, suite, rescore):
            yield f"review {name}: {sentence}"


def _wrong_records(entry: Entry, records: Sequence[Record], suite: Suite, rescore: bool) -> Iterator[str]:
    for record in records:
        for sentence in wrong_in_record(record, suite):
            yield f"{_run(record)}: {sentence}"
    if rescore:
        yield from _wrong_solutions(entry, records, suite)


def _wrong_manifest(entry: Entry, records: Sequence[Record]) -> Iterator[str]:
    manifest = entry.manifest
    if entry.folder.parent.name != manifest.suite:
        yield f"the folder is of suite {entry.folder.parent.name!r}, the manifest of {manifest.suite!r}"
    if any((r.cell.suite, r.cell.solver) != (manifest.suite, manifest.solver) for r in records):
        yield "a record is of another suite or solver than the manifest"
    if len({contender(r.cell) for r in records}) > 1:
        yield "records are of more than one source, limit or set of parameters"
    if odd := look_alike(manifest.solver):
        yield f"the solver's name has characters that look like others: {odd!a}"
    for name in ("reproduced", "flag"):
        if getattr(manifest, name):
            yield f"the manifest's {name} must be empty: reviewers say that, in {REVIEWS_FOLDER}/"


def _wrong_files(entry: Entry, records: Sequence[Record]) -> Iterator[str]:
    """Hold the files of an entry against what belongs there and against the hashes in its records."""
    for path in [entry.folder, *sorted(entry.folder.rglob("*"))]:
        if path.is_symlink():
            yield f"{path.name} is a link"
    for path in sorted(entry.folder.iterdir()):
        if path.name not in _ENTRY_FILES:
            yield f"{path.name} does not belong to an entry"
    reviews = entry.folder / REVIEWS_FOLDER
    for path in sorted(reviews.glob("*")) + sorted(reviews.glob("*/*")):
        inside = path.parent != reviews
        if (path.name not in _REVIEW_FILES) if inside else not (path / REVIEW_FILE).is_file():
            yield f"{REVIEWS_FOLDER}: {path.name} does not belong to a review"
    yield from _wrong_policies(entry, records)
    source = entry.folder / SOURCE_FOLDER
    sources = {digest(path.read_bytes()) for path in source.glob("*.py")}
    if source.exists() and not {record.cell.solver_source for record in records} <= sources:
        yield f"{SOURCE_FOLDER}: is not the source that the records name"


def _wrong_policies(entry: Entry, records: Sequence[Record]) -> Iterator[str]:
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
    if {record.cell.solver_files for record in records} != {files_digest(policies)}:
        yield f"{POLICIES_FOLDER}: are not the files that the records name"


def _wrong_runs(entry: Entry, records: Sequence[Record], suite: Suite) -> Iterator[str]:
    """Hold which runs there are against the suite and against each other."""
    for run, count in Counter(map(_run, records)).items():
        if count > 1:
            yield f"{run}: {count} records"
    by_instance: dict[str, set[tuple[int, int]]] = {}
    for record in records:
        by_instance.setdefault(record.cell.instance, set()).add((record.cell.seed, record.cell.repetition))
    covered, said = len(by_instance.keys() & suite.entries.keys()), entry.manifest.instances
    if covered != (len(suite.entries) if said is None else said):
        yield f"has runs of {covered} of {len(suite.entries)} instances, the manifest says {said or 'all'}"
    every = set().union(*by_instance.values())
    for name, runs in by_instance.items():
        if runs != every:
            yield f"{name}: lacks {len(every - runs)} of the {len(every)} repetitions that others have"
    for seed in {seed for seed, _ in every}:
        repetitions = {repetition for one, repetition in every if one == seed}
        if repetitions != set(range(len(repetitions))):
            yield f"seed {seed}: repetitions are not 0 to {len(repetitions) - 1}"
    yield from _equal_draws(records, suite, len(every))


def _equal_draws(records: Sequence[Record], suite: Suite, repetitions: int) -> Iterator[str]:
    """Equal answers of all repetitions on every instance, where not all are optimal, were not drawn."""
    if repetitions < 2 or not records or not records[0].environment.get("stochastic"):
        return
    answers: dict[str, set[str | None]] = {}
    for record in records:
        answers.setdefault(record.cell.instance, set()).add(record.solution_sha256)
    entries = [suite.entries.get(record.cell.instance) for record in records]
    optimal = all(
        entry is not None
        and entry.best_known is not None
        and cost is not None
        and not below(entry.best_known, cost)
        for entry, cost in zip(entries, map(verified_cost, records), strict=True)
    )
    if (
        len(answers) > 1
        and not optimal
        and all(len(one) == 1 and None not in one for one in answers.values())
    ):
        yield "repetitions of a stochastic solver have equal answers on every instance"


def _wrong_review(entry: Entry, name: str, suite: Suite, rescore: bool) -> Iterator[str]:
    yield from wrong_in_review(entry, name)
    if entry.reviews[name].records is not None:
        again = entry.review(name)
        yield from _wrong_records(again, list(again.records()), suite, rescore)


def _wrong_solutions(entry: Entry, records: Sequence[Record], suite: Suite) -> Iterator[str]:
    expected: dict[str, list[Record]] = {}
    for record in records:
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


def _run(record: Record) -> str:
    instance, seed, repetition = run_of(record.cell)
    return f"{instance} seed {seed} repetition {repetition}"
