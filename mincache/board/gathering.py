"""From records to the flat table of runs: one record at a time, each forgotten as soon as it is taken in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mincache.bench.judge import contradicts
from mincache.bench.records import Record
from mincache.board.contenders import Contender, Contenders, labels
from mincache.board.entries import Entry
from mincache.board.protocol import read_protocol
from mincache.board.references import find_suite, references, verified_cost
from mincache.board.runs import DECLINED, VERIFIED, Runs
from mincache.generation.suites import Suite

_NAN = float("nan")
_NUMBERS = (
    "seed", "repetition", "cost", "solve_s", "answer_s", "hit_ratio", "low_hits", "limit_s", "bound",
    "reference_s",
)  # fmt: skip
_OBJECTS = ("outcome", "reason", "solution", "started", "trace", "raw", "environment")


def failure(record: Record) -> str:
    """Return how a run ended: verified, declined, or the kind of its failure.

    It is what is wrong with the answer; without an answer, why the run ended.
    """
    if verified_cost(record) is not None:
        return VERIFIED
    if record.verdict == "skipped":
        return DECLINED
    ended_by_itself = record.stop_reason in ("finished", "soft limit")
    return record.verdict if ended_by_itself or record.verdict != "no solution" else record.stop_reason


def _number(value: float | None) -> float:
    return _NAN if value is None else value


def _values(record: Record) -> dict[str, Any]:
    """What the flat table has of a run."""
    cost, score, cell = verified_cost(record), record.score, record.cell
    hit_ratio = 0.0 if cost is None or score is None else score.hit_ratio
    low = 0.0 if score is None else (score.low_step_hit_share or 0.0) * hit_ratio
    loading_s = (record.import_s or 0.0) + (record.build_s or 0.0)
    return {
        "seed": cell.seed,
        "repetition": cell.repetition,
        "cost": _number(cost),
        "solve_s": _number(record.solve_s),
        "answer_s": _number(record.solve_s) + loading_s,
        "hit_ratio": hit_ratio,
        "low_hits": low,
        "limit_s": _number(cell.wall_s),
        "bound": _number(record.bound),
        "reference_s": _number(record.environment.get("reference_s")),
        "outcome": failure(record),
        "reason": record.reason,
        "solution": record.solution_sha256,
        "started": record.started,
        "trace": np.array([(p.seconds, p.cost) for p in record.trace if p.cost is not None]).reshape(-1, 2),
        "raw": record.raw if cost is not None else None,
        "environment": record.environment,
    }


class Gatherer:
    """Takes in records one by one, and forgets each: of 100,000 the flat table is a tenth."""

    def __init__(self) -> None:
        self._who = Contenders()
        self._place: dict[tuple[Any, ...], int] = {}
        self._cells: list[tuple[str, Contender, str, str]] = []
        self._data: dict[str, list[Any]] = {name: [] for name in (*_NUMBERS, *_OBJECTS)}
        self._entries: dict[tuple[str, Contender], Entry] = {}

    def add(self, record: Record, entry: Entry | None = None) -> None:
        """Take in a record, of a published entry if it is given; the last attempt at a run counts."""
        cell = record.cell
        who = self._who.of(cell, entry.manifest.authors if entry else ())
        key = (cell.suite, who, cell.instance, cell.seed, cell.repetition)
        place = self._place.setdefault(key, len(self._cells))
        if place == len(self._cells):
            self._cells.append((cell.suite, who, cell.instance, cell.instance_sha256))
            for name, value in _values(record).items():
                self._data[name].append(value)
        else:
            self._cells[place] = (cell.suite, who, cell.instance, cell.instance_sha256)
            for name, value in _values(record).items():
                self._data[name][place] = value
        if entry is not None:
            self._entries[cell.suite, who] = entry

    def suites(self) -> list[str]:
        """Return the names of the suites so far, sorted."""
        return sorted({name for name, *_ in self._cells})

    def runs(self, suite: str = "", boards: Iterable[Any] = ()) -> list[Runs]:
        """Return the runs of each suite, sorted by name.

        Args:
            suite: folder of the suite, if it is not a standard one.
            boards: folders of boards, which may hold a suite of their own.

        Raises:
            InputError: if records are of different editions of an instance.
        """
        places: dict[str, list[int]] = {}
        for place, (name, *_) in enumerate(self._cells):
            places.setdefault(name, []).append(place)
        return [self._suite(name, find_suite(name, suite, boards), places[name]) for name in sorted(places)]

    def _suite(self, name: str, suite: Suite | None, places: list[int]) -> Runs:
        cells = [self._cells[place] for place in places]
        costs = [self._data["cost"][place] for place in places]
        known = references(
            suite, [(n, sha256, cost) for (_, _, n, sha256), cost in zip(cells, costs, strict=True)]
        )
        instances = tuple(sorted(suite.entries if suite is not None else {n for _, _, n, _ in cells}))
        contenders = tuple(sorted({who for _, who, *_ in cells}, key=repr))
        numbers = {who: n for n, who in enumerate(contenders)}, {n: k for k, n in enumerate(instances)}
        here = [
            (numbers[0][who], numbers[1][n], self._data["seed"][p], self._data["repetition"][p], p)
            for (_, who, n, _), p in zip(cells, places, strict=True)
            if n in numbers[1]
        ]
        here.sort()
        order = [p for *_, p in here]
        data = {c: np.array([self._data[c][p] for p in order], dtype=float) for c in _NUMBERS}
        for column in _OBJECTS:
            data[column] = np.empty(len(order), dtype=object)
            data[column][:] = [self._data[column][p] for p in order]
        row, instance = (np.array([one[n] for one in here], dtype=int) for n in (0, 1))
        entries = {who: self._entries[name, who] for who in contenders if (name, who) in self._entries}
        found = Runs(
            name, suite, *read_protocol(suite), contenders, labels(contenders), entries, instances, known,
            row, instance, data,
        )  # fmt: skip
        return _refuted(found)


def _refuted(runs: Runs) -> Runs:
    """Mark the runs whose bound is above the cost that gaps are to: that cost was reached."""
    outcome = runs["outcome"].copy()
    for n in np.flatnonzero(~np.isnan(runs["bound"])):
        cost = runs.references.get(runs.instances[runs.instance[n]])
        refutable = outcome[n] == VERIFIED or outcome[n] == "no solution"
        if cost is not None and refutable and contradicts(runs["bound"][n], cost.cost):
            outcome[n] = "contradicts a bound"
    return replace(runs, data={**runs.data, "outcome": outcome})


def gather(records: Iterable[Record], solvers: Sequence[str] = (), suite: str = "") -> list[Runs]:
    """Return the runs of each suite in `records`, sorted by name.

    Args:
        records: of any number of campaigns; the last attempt at a cell counts.
        solvers: labels, solvers or solver names to keep; all if empty.
        suite: folder of the suite, if it is not a standard one.

    Raises:
        InputError: if a solver is unknown, or records are of different editions of an instance.
    """
    gatherer = Gatherer()
    for record in records:
        gatherer.add(record)
    return [one.only(solvers) for one in gatherer.runs(suite)]
