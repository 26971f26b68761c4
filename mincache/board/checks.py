"""What is wrong with one entry of a board: its manifest, files, runs, records, solutions and reviews."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from mincache.board import entries
from mincache.board.contenders import contender, look_alike
from mincache.board.entries import POLICIES_FOLDER, REVIEW_FILE, REVIEWS_FOLDER, Entry, verified_cost
from mincache.board.rerun import run_of, wrong_in_review
from mincache.errors import InputError
from mincache.files.documents import digest, parse_solution
from mincache.files.tables import StrictTable
from mincache.generation.recipes import RELATIVE_TOLERANCE
from mincache.generation.suites import Suite
from mincache.judging.judge import OPTIMALITY, raw_score, score_of
from mincache.judging.records import Broken, Record
from mincache.problem.evaluation import EVALUATOR_VERSION, Evaluation, evaluate
from mincache.solving.contents import files_digest

SCORE_TOLERANCE = 1e-12
"""Relative; another machine's logarithm may differ in the last bits, a score by no more than this."""
_SLACK_S, _SLACK = 1.0, 0.05
"""Of time limits: runs are ended a little after them."""
_CLOCK_S = 0.05
"""Two clocks time a run."""
_RUN = "{} seed {} repetition {}"
_FOLDERS = {POLICIES_FOLDER, entries.SOURCE_FOLDER, REVIEWS_FOLDER}
_FACTS = ("kind", "stochastic", "information")
"""Of a solver, whatever it runs on."""


def _told(*found: tuple[object, str]) -> Iterator[str]:
    """Yield the sentences whose condition holds."""
    return (sentence for holds, sentence in found if holds)


def wrong_in_entry(entry: Entry, records: Sequence[Record], rescore: bool) -> Iterator[str]:
    """Yield what is wrong with an entry; its solutions are scored again if that is asked."""
    suite = entries.find_suite(entry.manifest.suite, boards=[entry.folder.parent.parent])
    if suite is None:
        yield f"suite {entry.manifest.suite!r} is not installed, and not on the board"
        return
    yield from _wrong_manifest(entry, records)
    yield from _wrong_files(entry)
    yield from _wrong_contents(entry, records)
    yield from _wrong_runs(entry, records, suite)
    yield from _wrong_records(entry, records, suite, rescore)
    for name, review in entry.reviews.items():
        found = list(wrong_in_review(entry, name))
        if review.records is not None:
            again = entry.review(name)
            found += _wrong_records(again, list(again.records()), suite, rescore)
        yield from (f"review {name}: {sentence}" for sentence in found)


def _wrong_manifest(entry: Entry, records: Sequence[Record]) -> Iterator[str]:
    manifest, folder, odd = entry.manifest, entry.folder.parent.name, look_alike(entry.manifest.solver)
    said, name = (manifest.suite, manifest.solver), entry.folder.name
    facts = {fact: {record.environment.get(fact) for record in records} for fact in _FACTS}
    claims = {"kind": manifest.kind or None, "stochastic": manifest.stochastic}
    return _told(
        (entries.folder_name(name) != name,
         "the folder's name must be of a to z, 0 to 9, dots and hyphens"),
        (folder != manifest.suite, f"the folder is of suite {folder!r}, the manifest of {manifest.suite!r}"),
        (any((r.cell.suite, r.cell.solver) != said for r in records),
         "a record is of another suite or solver than the manifest"),
        (len({contender(vars(r.cell)) for r in records}) > 1,
         "records are of more than one source, limit or set of parameters"),
        (any(r.cell.solver.partition("[")[0] != r.cell.solver_name for r in records),
         f"records are of another solver than {manifest.solver} says"),
        *((len(known) > 1, f"records differ in {fact}") for fact, known in facts.items()),
        *((claim is not None and facts[fact] - {None, claim}, f"{fact} {claim} is not what the records say")
          for fact, claim in claims.items()),
        (odd, f"the solver's name has characters that look like others: {odd!a}"),
        *((getattr(manifest, name), f"the manifest's {name} must be empty: reviewers say that, in "
           f"{REVIEWS_FOLDER}/") for name in ("reproduced", "flag")),
    )  # fmt: skip


def _wrong_files(entry: Entry) -> Iterator[str]:
    for path in [entry.folder, *sorted(entry.folder.rglob("*"))]:
        if path.is_symlink():
            yield f"{path.name} is a link"
    for path in sorted(entry.folder.iterdir()):
        if path.name not in (_FOLDERS if path.is_dir() else {entries.MANIFEST_FILE, *_packs(entry.folder)}):
            yield f"{path.name} does not belong to an entry"
    reviews = entry.folder / REVIEWS_FOLDER
    for path in [*sorted(reviews.glob("*")), *sorted(reviews.glob("*/*"))]:
        known = {REVIEW_FILE, *_packs(path.parent)}
        if path.name not in known if path.parent != reviews else not (path / REVIEW_FILE).is_file():
            yield f"{REVIEWS_FOLDER}: {path.name} does not belong to a review"


def _packs(folder: Path) -> set[str]:
    return {entries.RECORDS_FILE, entries.solutions_file(folder)}


def _wrong_contents(entry: Entry, records: Sequence[Record]) -> Iterator[str]:
    """Hold the policies and the source beside the records against the hashes that each record has of them."""
    folder, source = entry.folder / POLICIES_FOLDER, entry.folder / entries.SOURCE_FOLDER
    if folder.exists():
        policies = sorted(folder.glob("*.safetensors"))
        known = {*policies, *(path.with_suffix(".json") for path in policies)}
        listed = sorted(folder.iterdir() if folder.is_dir() else [folder])
        odd = [path.name for path in listed if path not in known or not path.is_file()]
        if odd:
            yield f"{POLICIES_FOLDER}: {odd[0]} is neither a policy nor the record of one's training"
        elif {record.cell.solver_files for record in records} != {files_digest(policies)}:
            yield f"{POLICIES_FOLDER}: are not the files that the records name"
    sources = {digest(path.read_bytes()) for path in source.glob("*.py")}
    if source.exists() and not {record.cell.solver_source for record in records} <= sources:
        yield f"{entries.SOURCE_FOLDER}: is not the source that the records name"


def _wrong_runs(entry: Entry, records: Sequence[Record], suite: Suite) -> Iterator[str]:
    """Hold which runs there are against the suite and against each other."""
    for run, count in Counter(run_of(record.cell) for record in records).items():
        if count > 1:
            yield f"{_RUN.format(*run)}: {count} records"
    runs, answers = defaultdict(set), defaultdict(set)
    for record in records:
        runs[record.cell.instance].add((record.cell.seed, record.cell.repetition))
        answers[record.cell.instance].add(record.solution_sha256)
    covered, said = len(runs.keys() & suite.entries.keys()), entry.manifest.instances
    said = len(suite.entries) if said is None else said
    if covered != said:
        yield f"has runs of {covered} of {len(suite.entries)} instances, the manifest says {said}"
    every = set().union(*runs.values())
    for name, listed in runs.items():
        if listed != every:
            yield f"{name}: lacks {len(every - listed)} of the {len(every)} repetitions that others have"
    for seed in {seed for seed, _ in every}:
        repetitions = {repetition for one, repetition in every if one == seed}
        if repetitions != set(range(len(repetitions))):
            yield f"seed {seed}: repetitions are not 0 to {len(repetitions) - 1}"
    drawn = len(every) > 1 and len(runs) > 1 and records[0].environment.get("stochastic")
    equal = all(len(one) == 1 and None not in one for one in answers.values())
    if drawn and equal and not all(_optimal(record, suite) for record in records):
        yield "repetitions of a stochastic solver have equal answers on every instance"


def _optimal(record: Record, suite: Suite) -> bool:
    known, cost = suite.entries.get(record.cell.instance), verified_cost(record)
    return bool(known and known.best_known and cost is not None and not below(known.best_known, cost))


def _wrong_records(entry: Entry, records: Sequence[Record], suite: Suite, rescore: bool) -> Iterator[str]:
    for record in records:
        for sentence in _wrong_in_record(record, suite):
            yield f"{_run(record)}: {sentence}"
    if rescore:
        yield from _wrong_solutions(entry, records, suite)


def _wrong_in_record(record: Record, suite: Suite) -> Iterator[str]:
    known, version = suite.entries.get(record.cell.instance), record.cell.evaluator_version
    if known is None:
        yield "the suite has no such instance"
        return
    yield from _told(
        (record.cell.instance_sha256 != known.sha256, "the instance's hash is not the suite's"),
        (version != EVALUATOR_VERSION, f"scored by evaluator {version}, this is {EVALUATOR_VERSION}"),
    )
    yield from _wrong_verdict(record)
    # What the tolerance forgives can cost less than any answer that keeps the limits.
    forgiven = record.score is not None and record.score.forgiven
    yield from _wrong_trace(record, -math.inf if forgiven or known.lower_bound is None else known.lower_bound)
    yield from _wrong_times(record)


def _wrong_verdict(record: Record) -> Iterator[str]:
    score, verdict = record.score, record.verdict
    cost = score.cost if score is not None and score.feasible else None
    needed = math.inf if cost is None else cost - OPTIMALITY * abs(cost)
    silent = verdict in ("skipped", "no solution")
    claimed = record.claim == "optimal" and cost is not None
    return _told(
        (verdict == "verified" and cost is None, "verified without a feasible score"),
        (verdict == "infeasible" and (score is None or cost is not None),
         "infeasible without an infeasible score"),
        (silent and (score is not None or record.claim != "none"), f"{verdict}, and yet a score or a claim"),
        (score is not None and record.solution_sha256 is None, "a score without a solution"),
        (claimed and (record.bound is None or record.bound < needed),
         f"claimed optimal at the bound {record.bound}"),
    )  # fmt: skip


def _wrong_trace(record: Record, lower_bound: float) -> Iterator[str]:
    seconds = [point.seconds for point in record.trace]
    spent = [point.evaluations for point in record.counted_trace]
    costs = [point.cost for point in record.trace if point.cost is not None]
    bound = max((point.bound for point in record.trace if point.bound is not None), default=-math.inf)
    proven = -math.inf if record.bound is None else record.bound
    cost, least = verified_cost(record), min(costs, default=math.inf)
    counted = min((point.cost for point in record.counted_trace), default=math.inf)
    limit = math.inf if record.cell.evaluations is None else record.cell.evaluations
    yield from _told(
        (record.evaluations > limit, f"{record.evaluations} evaluations are more than {limit}"),
        (below(counted, least), f"over its evaluations the trace reaches {counted}, over time {least}"),
        (sorted([0.0, *seconds]) != [0.0, *seconds], "the trace's times do not rise from 0"),
        (sorted([0.0, *spent, record.evaluations]) != [0.0, *spent, record.evaluations],
         f"the trace's evaluations do not rise from 0 to {record.evaluations:g}"),
        (below(proven, bound), f"the trace's bound {bound} is above the bound {record.bound}"),
        (below(least, lower_bound), f"the trace's cost {least} is below the proven bound {lower_bound}"),
    )  # fmt: skip
    if cost is None:
        return
    if below(least, cost):
        yield f"the trace reaches {least}, below the cost {cost}"
    elif costs and abs(costs[-1] - cost) > RELATIVE_TOLERANCE * abs(cost):
        yield f"the trace ends at {costs[-1]}, not at the cost {cost}"
    if below(cost, lower_bound):
        yield f"cost {cost} is below the proven bound {lower_bound}"


def _wrong_times(record: Record) -> Iterator[str]:
    solve_s, answer_s, limit_s = record.solve_s, record.answer_s, record.cell.wall_s or math.inf
    spent_s, most_s = record.cpu_s or 0.0, record.cell.cpu_s or math.inf
    if spent_s > most_s * (1.0 + _SLACK) + _SLACK_S:
        yield f"{spent_s} s of processor time are more than the limit of {most_s} s"
    if solve_s is None and verified_cost(record) is not None:
        yield "verified without a solve time"
    if solve_s is not None and answer_s is not None:
        last_s = record.trace[-1].seconds if record.trace else 0.0
        yield from _told(
            (answer_s > record.wall_s + _CLOCK_S,
             f"{answer_s} s until the answer are more than the process's {record.wall_s} s"),
            (solve_s > limit_s * (1.0 + _SLACK) + _SLACK_S,
             f"{solve_s} s in solve are more than the limit of {limit_s} s"),
            (last_s > solve_s * (1.0 + _SLACK) + _CLOCK_S,
             f"the trace goes on to {last_s} s, solve ended after {solve_s} s"),
        )  # fmt: skip
    try:
        started = datetime.fromisoformat(record.started)
    except ValueError:
        yield f"started at {record.started!r}, which is no date"
        return
    if started.tzinfo is None or started > datetime.now(UTC) + timedelta(days=1):
        yield f"started at {record.started}, which is to come or has no time zone"


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
            found: Evaluation | InputError | KeyError
            try:
                found = evaluate(instance_of(record.cell.instance), parse_solution(document))
            except (InputError, KeyError) as error:
                found = error
            yield from (f"{_run(record)}: {one}" for one in _wrong_scores(record, name, found))
    for name in sorted(expected):
        yield f"solution {name[:12]}... of {_run(expected[name][0])} is not stored"


def _wrong_scores(record: Record, name: str, found: Evaluation | Exception) -> Iterator[str]:
    """Hold what a record says of a document against what the evaluator finds of it."""
    score = record.score if name == record.solution_sha256 else None
    raw = record.raw if record.raw is not None and name == record.raw.solution_sha256 else None
    if isinstance(found, Exception):
        yield from _told(
            (score, f"the solution cannot be scored: {found}"),
            (raw, f"the raw decisions cannot be scored: {found}"),
        )
        return
    if score is not None:
        yield from _differences("", score, score_of(found))
    elif name == record.solution_sha256:
        yield "a solution without a score"
    if raw is not None:
        yield from _differences("raw ", raw, raw_score(name, found))


def _differences(what: str, recorded: StrictTable, found: StrictTable) -> Iterator[str]:
    for name, value in recorded:
        wanted = getattr(found, name)
        # Records made before it was kept say nothing of what is forgiven.
        if not _same(value, wanted) and not (name == "forgiven" and wanted):
            yield f"{what}{name} {_written(value)}; the evaluator finds {_written(wanted)}"


def _written(value: Any) -> str:
    listed = value.items() if isinstance(value, Mapping) else ()
    return ", ".join(f"{name} {one}" for name, one in listed) or ("none" if value == {} else str(value))


def below(cost: float, limit: float) -> bool:
    """Return whether a cost is below a limit by more than rounding."""
    return cost < limit - RELATIVE_TOLERANCE * abs(limit) if math.isfinite(limit) else cost < limit


def _same(recorded: Any, found: Any) -> bool:
    if isinstance(recorded, Mapping):
        return recorded.keys() == found.keys() and all(_same(one, found[n]) for n, one in recorded.items())
    if isinstance(recorded, Broken):
        return _same(dict(recorded), dict(found))
    if isinstance(recorded, float) and isinstance(found, float):
        return math.isclose(recorded, found, rel_tol=SCORE_TOLERANCE, abs_tol=SCORE_TOLERANCE)
    return bool(recorded == found)


def _run(record: Record) -> str:
    return _RUN.format(*run_of(record.cell))
