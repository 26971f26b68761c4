"""From records to the flat table of runs: one record at a time, each forgotten as soon as it is taken in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NotRequired

import numpy as np
import pandas
from pydantic import BaseModel, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic takes no other before Python 3.12

from mincache.board.contenders import Contender, Contenders, labels
from mincache.board.entries import Entry, find_suite
from mincache.board.protocol import Protocol, read_protocol
from mincache.board.runs import DECLINED, VERIFIED, Runs, nothing_cached, reference_costs
from mincache.errors import InputError
from mincache.files.documents import parse_json
from mincache.generation.recipes import Reference
from mincache.generation.suites import Suite
from mincache.judging import journal
from mincache.judging.judge import contradicts
from mincache.judging.records import Cell, Record

_KEY = ["suite", "who", "instance", "seed", "repetition"]
_NUMBERS = ["cost", "solve_s", "answer_s", "hit_ratio", "low_hits", "limit_s", "bound", "reference_s"]
_OBJECTS = ["sha256", "outcome", "reason", "solution", "started", "trace", "raw", "environment"]


def _annotations(kind: type[BaseModel], names: Iterable[str]) -> dict[str, Any]:
    """The types of fields; one that has a default may be missing, as in records made before there was one."""
    fields = {name: kind.model_fields[name] for name in names}
    return {n: f.annotation if f.is_required() else NotRequired[f.annotation] for n, f in fields.items()}


_FIELDS = ("stop_reason", "verdict", "reason", "bound", "solution_sha256", "import_s", "build_s", "start_s",
           "solve_s", "started")  # fmt: skip
_CELL = TypedDict("_CELL", _annotations(Cell, set(Cell.model_fields) - {"libraries"}))  # type: ignore[misc]


class _SCORE(TypedDict):
    cost: float | None
    hit_ratio: float
    low_step_hit_share: float | None


_RUN = TypedDict(  # type: ignore[misc]
    "_RUN",
    _annotations(Record, _FIELDS)
    | {"cell": _CELL, "score": NotRequired[_SCORE | None], "raw": NotRequired[dict[str, Any] | None],
       "trace": NotRequired[list[tuple[float, float | None, float | None]]],
       "environment": NotRequired[dict[str, Any]]},
)  # fmt: skip
RunDocument = Mapping[str, Any]
"""What tables need of a record, as JSON has it: of 100,000, whole records take twice as long to read."""


def documents(folder: Path, torn: Callable[[], object]) -> Iterator[RunDocument]:
    """Yield what tables need of every attempt in a campaign; `torn` is called for each that is damaged."""
    validate, environments = TypeAdapter(_RUN).validate_json, dict[bytes, Any]()
    for payload in journal.payloads(folder, torn):
        head, _, tail = payload.rpartition(b',"environment":')  # most of a record, and the same in many
        try:
            if tail not in environments:
                environments[tail] = parse_json(tail[:-1])
            yield validate(head + b"}") | {"environment": environments[tail]}
        except (InputError, ValidationError):
            try:
                yield {"environment": {}} | validate(payload)  # fields in another order
            except ValidationError:
                torn()


def document_of(record: Record) -> RunDocument:
    """Return what tables need of a record."""
    parts = {"cell": vars(record.cell), "score": record.score and vars(record.score)}
    return vars(record) | parts | {"raw": record.raw and record.raw.model_dump()}


def _cost(run: RunDocument) -> float | None:
    score: RunDocument | None = run.get("score")
    return score["cost"] if score is not None and run["verdict"] == VERIFIED else None


def failure(run: RunDocument) -> str:
    """Return how a run ended: verified, declined, or the kind of its failure.

    It is what is wrong with the answer; without an answer, why the run ended.
    """
    verdict, reason = str(run["verdict"]), str(run["stop_reason"])
    if _cost(run) is not None:
        return VERIFIED
    if verdict == "skipped":
        return DECLINED
    return verdict if reason in ("finished", "soft limit") or verdict != "no solution" else reason


def _values(run: RunDocument) -> tuple[Any, ...]:
    """What the flat table has of a run, in the order of `_NUMBERS` and `_OBJECTS`."""
    cost, score, get = _cost(run), run.get("score"), run.get
    hit_ratio = score["hit_ratio"] if score and cost is not None else 0.0
    low = (score["low_step_hit_share"] or 0.0) * hit_ratio if score else 0.0
    solve_s, start_s, cell, environment = get("solve_s"), get("start_s"), run["cell"], run["environment"]
    if start_s is None:  # in records made before it was kept
        start_s = (get("import_s") or 0.0) + (get("build_s") or 0.0)
    trace = np.array([point[:2] for point in get("trace", ()) if point[1] is not None]).reshape(-1, 2)
    answer_s = None if solve_s is None else solve_s + start_s
    raw = None if cost is None else get("raw")
    return (
        cost, solve_s, answer_s, hit_ratio, low, cell.get("wall_s"), get("bound"),
        environment.get("reference_s"), cell["instance_sha256"], failure(run), get("reason", ""),
        get("solution_sha256"), run["started"], trace, raw, environment,
    )  # fmt: skip


class Gatherer:
    """Takes in runs one by one, and forgets each: of 100,000 the flat table is a tenth."""

    def __init__(self) -> None:
        self._contenders = Contenders()
        self._numbers: dict[Contender, int] = {}
        self._runs: list[tuple[Any, ...]] = []
        self._entries: dict[tuple[str, Contender], Entry] = {}

    def add(self, run: RunDocument, entry: Entry | None = None) -> None:
        """Take in a run, of a published entry if it is given; the last attempt at it counts."""
        cell = run["cell"]
        who = self._contenders.of(cell, entry.manifest.authors if entry else ())
        number = self._numbers.setdefault(who, len(self._numbers))
        key = (cell["suite"], number, cell["instance"], cell.get("seed", 0), cell["repetition"])
        self._runs.append(key + _values(run))
        if entry is not None:
            self._entries[cell["suite"], who] = entry

    def suites(self) -> list[str]:
        """Return the names of the suites so far, sorted."""
        return sorted({run[0] for run in self._runs})

    def runs(self, suite: str = "", boards: Iterable[Any] = ()) -> list[Runs]:
        """Return the runs of each suite, sorted by name.

        A suite that is not a standard one is in the folder `suite`, or on one of `boards`.

        Raises:
            InputError: if records are of different editions of an instance.
        """
        columns = [*_KEY, *_NUMBERS, *_OBJECTS]
        data = dict(zip(columns, zip(*self._runs, strict=True), strict=True)) if self._runs else {}
        frame = pandas.DataFrame({
            name: pandas.Series(data.get(name, ()), dtype=float if name in _NUMBERS else object)
            for name in columns
        })  # fmt: skip
        frame = frame.astype({"who": int, "seed": int, "repetition": int})
        frame = frame.drop_duplicates(_KEY, keep="last")
        return [
            self._of_suite(str(name), find_suite(str(name), suite, boards), part.drop(columns="suite"))
            for name, part in frame.groupby("suite")
        ]

    def _of_suite(self, name: str, suite: Suite | None, frame: pandas.DataFrame) -> Runs:
        known = references(suite, frame)
        instances = tuple(sorted(suite.entries if suite is not None else set(frame["instance"])))
        everybody = list(self._numbers)
        contenders = tuple(sorted((everybody[n] for n in frame["who"].unique()), key=repr))
        rows = {self._numbers[who]: n for n, who in enumerate(contenders)}
        places = {instance: n for n, instance in enumerate(instances)}
        frame = frame[frame["instance"].isin(places)]
        frame = frame.assign(row=frame["who"].map(rows), instance=frame["instance"].map(places).astype(int))
        frame = frame.drop(columns=["who", "sha256"])
        frame = frame.sort_values(["row", "instance", "seed", "repetition"], ignore_index=True)
        entries = {who: self._entries[name, who] for who in contenders if (name, who) in self._entries}
        protocol, sha256 = read_protocol(suite)
        charged = _charged(frame, suite, instances, known, protocol)
        return Runs(
            name, suite, protocol, sha256, contenders, labels(contenders), entries, instances, known, charged
        )


def references(suite: Suite | None, frame: pandas.DataFrame) -> dict[str, Reference]:
    """Return the reference of every instance of the suite, or seen in the runs, that has one.

    Raises:
        InputError: if a run is of another edition of an instance than the suite's or another run's.
    """
    entries = {} if suite is None else suite.entries
    hashes = {name: entry.sha256 for name, entry in entries.items()}
    for name, sha256 in dict.fromkeys(zip(frame["instance"], frame["sha256"], strict=True)):
        wanted = hashes.setdefault(name, sha256)
        if sha256 != wanted:
            rule = f"must be of one edition of the instance, sha256 {wanted[:12]}..."
            advice = "show these folders apart, or run the suite again"
            raise InputError(f"records of {name}", rule, f"{sha256[:12]}...", advice)
    pinned = {} if suite is None else suite.references
    best = frame.groupby("instance")["cost"].min().dropna()
    return {str(name): Reference(cost, pinned=False) for name, cost in best.items()} | pinned


def _charged(
    frame: pandas.DataFrame, suite: Suite | None, instances: Sequence[str],
    known: Mapping[str, Reference], protocol: Protocol,
) -> pandas.DataFrame:  # fmt: skip
    """Add what failed and declined runs are charged, and the gap of each."""
    reference = reference_costs(known, instances)[frame["instance"]]
    outcome = frame["outcome"].to_numpy(copy=True)
    for n in np.flatnonzero(frame["bound"].notna() & ~np.isnan(reference)):
        # A bound above the cost that gaps are to is refuted: that cost was reached.
        if outcome[n] in (VERIFIED, "no solution") and contradicts(frame["bound"].iat[n], reference[n]):
            outcome[n] = "contradicts a bound"
    frame = frame.assign(outcome=outcome, verified=outcome == VERIFIED)
    failed = ~frame["verified"].to_numpy()
    fallback = np.full(len(instances), np.nan)
    needed = np.unique(frame["instance"][failed])
    fallback[needed] = nothing_cached(suite, [instances[n] for n in needed])
    cost = np.where(failed, fallback[frame["instance"]], frame["cost"])
    gap = (cost - reference) / reference
    penalty_s = protocol.penalty * (frame["limit_s"] if protocol.wall_s is None else protocol.wall_s)
    return frame.assign(
        charged_cost=cost, gap=gap, charged_gap=np.where(failed, gap, 0.0),
        charged_solve_s=frame["solve_s"].mask(failed, penalty_s),
        charged_answer_s=frame["answer_s"].mask(failed, penalty_s),
    )  # fmt: skip


def gather(records: Iterable[Record], solvers: Sequence[str] = (), suite: str = "") -> list[Runs]:
    """Return the runs of each suite in `records`, sorted by name; of some solvers, if they are given.

    Raises:
        InputError: if a solver is unknown, or records are of different editions of an instance.
    """
    gatherer = Gatherer()
    for record in records:
        gatherer.add(document_of(record))
    return [one.only(solvers) for one in gatherer.runs(suite)]
