"""The runs of a suite as one flat table, a row a run: every number of a leaderboard is a group-by of it.

A run that failed or declined is charged: its cost is that of caching nothing, its time ten limits. No value
of a run, and no mean, depends on any other row: references are the suite's own wherever it states them.
Records are taken in one at a time, and each is forgotten: of 100,000 the flat table is a tenth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import attrgetter, itemgetter
from typing import Annotated, Any

import numpy as np
import pandas
from pydantic import Field, TypeAdapter
from pydantic_core import to_json
from typing_extensions import TypedDict  # below Python 3.12 pydantic takes no other

from mincache.board.contenders import CELL_FIELDS, Contender, chosen, contender, labels
from mincache.board.entries import Entry, find_suite
from mincache.board.protocol import Protocol, read_protocol
from mincache.errors import InputError
from mincache.files.tables import StrictTable
from mincache.generation.recipes import Reference
from mincache.generation.suites import Suite
from mincache.judging.judge import contradicts
from mincache.judging.records import Cell, Record, RecordParser, Score
from mincache.problem.evaluation import evaluate
from mincache.problem.quantity import Array
from mincache.problem.solution import Solution

VERIFIED, DECLINED = "verified", "declined"
_MEANS = ["charged_cost", "gap", "charged_gap", "hit_ratio", "low_hits", "charged_solve_s",
          "charged_answer_s"]  # fmt: skip
_KEY = ["row", "instance", "seed", "repetition"]
_COLUMNS = {
    "row": int, "instance": object, "seed": object, "repetition": int, "sha256": object,
    **dict.fromkeys(("cost", "solve_s", "answer_s", "hit_ratio", "low_hits", "limit_s", "bound",
                     "reference_s"), float),
    **dict.fromkeys(("outcome", "reason", "solution", "started", "trace", "counted", "logged", "pickled",
                     "raw", "environment"), object),
}  # fmt: skip
_who = itemgetter("suite", *(name for name in CELL_FIELDS if name != "parameters"))
_place = itemgetter("instance", "seed", "repetition", "instance_sha256")
_scored = itemgetter("cost", "hit_ratio", "low_step_hit_share")
_told = itemgetter("reason", "solution_sha256", "started", "trace", "counted_trace", "logged",
                   "pickled_modules")  # fmt: skip


def _brief(kind: type[StrictTable], *names: str, **parts: Any) -> Any:
    """The type of a dictionary with these fields of a table, and parts of others."""
    fields = {name: Annotated[kind.model_fields[name].annotation, kind.model_fields[name]] for name in names}
    made = _typed_dictionary(kind.__name__, fields | parts)
    made.__pydantic_config__ = kind.model_config | {"extra": "ignore"}
    return made


_typed_dictionary: Any = TypedDict
_CELL = _brief(Cell, "suite", "instance", "instance_sha256", "repetition", "seed", *CELL_FIELDS)
_SCORE = _brief(Score, "cost", "hit_ratio", "low_step_hit_share")
_ANY = Annotated[Any, Field(default=())]
_RUN = TypeAdapter(_brief(
    Record, "verdict", "stop_reason", "reason", "raw", "bound", "solution_sha256", "import_s", "build_s",
    "start_s", "solve_s", "pickled_modules", "started", "environment", cell=_CELL,
    score=Annotated[_SCORE | None, Field(default=None)], trace=_ANY, counted_trace=_ANY, logged=_ANY,
))  # fmt: skip


@dataclass(frozen=True, eq=False)
class Runs:
    """The runs of one suite, which need not be at hand.

    Attributes:
        protocol: the suite's, or the defaults; `protocol_sha256` is of its file, "" without one.
        contenders: who ran, S of them, sorted; `labels` is what to call each.
        entries: the published entry of each, where there is one.
        instances: every instance of the suite, I of them, sorted; of a suite not at hand those seen.
        references: what is known of each instance's optimum, by name.
        frame: a row a run, sorted by contender (`row`), `instance`, `seed` and `repetition`, the first two
            numbered. What is charged is in columns of its own.
    """

    name: str
    suite: Suite | None
    protocol: Protocol
    protocol_sha256: str
    contenders: tuple[Contender, ...]
    labels: Mapping[Contender, str]
    entries: Mapping[Contender, Entry]
    instances: tuple[str, ...]
    references: Mapping[str, Reference]
    frame: pandas.DataFrame = field(repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """S contenders and I instances."""
        return len(self.contenders), len(self.instances)

    @cached_property
    def count(self) -> Array:
        """Runs of each contender on each instance [S, I]."""
        cell = self.frame["row"] * self.shape[1] + self.frame["instance"]
        return np.bincount(cell, minlength=self.shape[0] * self.shape[1]).reshape(self.shape)

    @cached_property
    def cells(self) -> pandas.DataFrame:
        """Means over the runs of each contender (`row`) on each `instance`; nan without runs."""
        every = pandas.MultiIndex.from_product(map(range, self.shape), names=["row", "instance"])
        return self.frame.groupby(["row", "instance"])[_MEANS].mean(skipna=False).reindex(every)

    def means(self, column: str) -> Array:
        """Return the means of a column for each contender and instance [S, I]; nan without runs."""
        return np.ascontiguousarray(self.cells[column]).reshape(self.shape)

    def of(self, row: int) -> pandas.DataFrame:
        """Return the runs of a contender."""
        first, last = np.searchsorted(self.frame["row"], [row, row + 1])
        return self.frame.iloc[first:last]

    @cached_property
    def reference(self) -> Array:
        """The cost that gaps are to, of each instance [I]; nan where there is none."""
        return _reference_costs(self.references, self.instances)

    @cached_property
    def causal_gap(self) -> Array:
        """The gap of the best policy that sees the past alone on each instance [I]; nan if unknown."""
        from mincache.analysis.online_references import read_causal  # with the exact method, which few need

        known = {} if self.suite is None else read_causal(self.suite.folder)
        costs = np.array([known.get(name, np.nan) for name in self.instances])
        return (costs - self.reference) / self.reference

    def numbered(self, *fields: str) -> list[int]:
        """Return a number for each instance, the same where these fields are; [] if unknown."""
        if self.suite is None:
            return []
        entries = [self.suite.entries[name] for name in self.instances]
        keys = [[-1 if v is None else v for v in attrgetter(*fields)(entry)] for entry in entries]
        return np.unique(keys, axis=0, return_inverse=True)[1].tolist() if keys else []

    @cached_property
    def libraries(self) -> list[int]:
        """Which library each instance has, numbered from 0; [] if the suite is not at hand."""
        return self.numbered("source", "library")

    @cached_property
    def strata(self) -> list[int]:
        """A number for each instance's setting, library and number of users; [] if unknown."""
        return self.numbered("source", "setting", "library", "users")

    @cached_property
    def users(self) -> list[int]:
        """How many users each instance has; [] if the suite is not at hand."""
        return [] if self.suite is None else [self.suite.entries[name].users for name in self.instances]

    def gaps_by(self, groups: Sequence[int]) -> dict[int, Array]:
        """Return the mean gap of each contender [S] over the instances of each group."""
        gaps, of = self.means("gap"), np.array(groups)
        return {group: gaps[:, of == group].mean(axis=1) for group in sorted(set(groups))}

    @cached_property
    def by_users(self) -> dict[int, Runs]:
        """The runs with each number of users; empty if the suite is not at hand."""
        named = list(zip(self.instances, self.users, strict=False))
        return {n: self.among(name for name, users in named if users == n) for n in sorted(set(self.users))}

    def among(self, instances: Iterable[str]) -> Runs:
        """Return the runs on these instances alone, which then are all there are."""
        wanted = set(instances)
        kept = [n for n, name in enumerate(self.instances) if name in wanted]
        frame = self.frame[self.frame["instance"].isin(kept)]
        frame = frame.assign(instance=np.searchsorted(kept, frame["instance"]))
        return self._with(frame, tuple(self.instances[n] for n in kept))

    def attempted_by_all(self) -> Runs:
        """Return the runs on the instances that every contender has attempted."""
        return self.among(self.instances[n] for n in np.flatnonzero((self.count > 0).all(axis=0)))

    def only(self, wanted: Sequence[str]) -> Runs:
        """Return the contenders whose label, solver or solver name is among `wanted`; all without any."""
        return self.of_contenders(chosen(self.labels, wanted)) if wanted else self

    def of_contenders(self, wanted: Iterable[Contender]) -> Runs:
        """Return the runs of these contenders."""
        kept = [self.contenders.index(who) for who in wanted]
        return self._with(self.frame[self.frame["row"].isin(kept)], self.instances)

    def _with(self, frame: pandas.DataFrame, instances: tuple[str, ...]) -> Runs:
        kept, row = np.unique(frame["row"], return_inverse=True)
        contenders = tuple(self.contenders[n] for n in kept)
        named = {who: self.labels[who] for who in contenders}
        frame = frame.assign(row=row)
        return replace(self, contenders=contenders, labels=named, instances=instances, frame=frame)


def brief_parser() -> RecordParser:
    """Return a parser of what tables need of records, which takes half the time."""
    return RecordParser(_RUN.validator.validate_json)


def fields_of(record: Record) -> Mapping[str, Any]:
    """Return the fields of a record, as `brief_parser` does those that tables need."""
    return {**vars(record), "cell": vars(record.cell), "score": record.score and vars(record.score)}


def outcome(run: Mapping[str, Any]) -> str:
    """Return how a run ended: verified, declined, or what is wrong with the answer, or why there is none."""
    verdict, reason, score = str(run["verdict"]), str(run["stop_reason"]), run["score"]
    if verdict == VERIFIED and score is not None and score["cost"] is not None:
        return VERIFIED
    if verdict == "skipped":
        return DECLINED
    return verdict if reason in ("finished", "soft limit") or verdict != "no solution" else reason


def _flat(run: Mapping[str, Any], row: int) -> tuple[Any, ...]:
    """What the flat table has of a run, in the order of `_COLUMNS`."""
    cell, ended, environment, solve_s = run["cell"], outcome(run), run["environment"], run["solve_s"]
    cost, hits, low = _scored(run["score"]) if ended == VERIFIED else (None, 0.0, None)
    answer_s = None
    if solve_s is not None:
        answer_s = solve_s + (run["start_s"] or (run["import_s"] or 0.0) + (run["build_s"] or 0.0))
    return (
        row, *_place(cell), cost, solve_s, answer_s, hits, (low or 0.0) * hits, cell["wall_s"], run["bound"],
        environment.get("reference_s"), ended, *_told(run), None if cost is None else run["raw"], environment,
    )  # fmt: skip


class Gatherer:
    """Takes in runs one by one, and gives those of each suite."""

    def __init__(self) -> None:
        self._numbers: dict[Contender, int] = {}
        self._known: dict[tuple[Any, ...], int] = {}
        self._runs: dict[str, list[tuple[Any, ...]]] = {}
        self._entries: dict[tuple[str, Contender], Entry] = {}

    def add(self, run: Mapping[str, Any], entry: Entry | None = None) -> None:
        """Take in a run, of a published entry if it is given; the last attempt at it counts."""
        cell = run["cell"]
        said = (*_who(cell), to_json(cell["parameters"]), entry)
        row = self._known.get(said)
        if row is None:  # quick, since the same few run on everything
            who = contender(cell, entry.manifest.authors if entry else ())
            row = self._known[said] = self._numbers.setdefault(who, len(self._numbers))
            if entry is not None:
                self._entries[cell["suite"], who] = entry
        self._runs.setdefault(cell["suite"], []).append(_flat(run, row))

    def suites(self) -> list[str]:
        """Return the names of the suites so far, sorted."""
        return sorted(self._runs)

    def runs(self, own: Mapping[str, Suite | None] = {}, boards: Iterable[Any] = ()) -> list[Runs]:
        """Return the runs of each suite by name, which is one of `own`, a standard one or on a board."""
        return [
            self._of_suite(name, own[name] if name in own else find_suite(name, boards=boards))
            for name in self.suites()
        ]

    def _of_suite(self, name: str, suite: Suite | None) -> Runs:
        columns = zip(_COLUMNS.items(), zip(*self._runs[name], strict=True), strict=True)
        frame = pandas.DataFrame({key: pandas.Series(one, dtype=kind) for (key, kind), one in columns})
        ran = set(frame["instance"])
        instances = tuple(sorted(ran if suite is None else suite.entries))
        if foreign := ran.difference(instances):
            advice = "if it is another suite of this name, give its folder with --suite"
            raise InputError(f"records on {name}", "must be of its instances", repr(min(foreign)), advice)
        everybody = list(self._numbers)
        contenders = tuple(sorted((everybody[n] for n in frame["row"].unique()), key=repr))
        rows = {self._numbers[who]: n for n, who in enumerate(contenders)}
        places = {instance: n for n, instance in enumerate(instances)}
        frame["row"], frame["instance"] = frame["row"].map(rows), frame["instance"].map(places)
        frame = frame.astype({"instance": int}).sort_values(_KEY, ignore_index=True)
        frame = frame.drop_duplicates(_KEY, keep="last", ignore_index=True)
        known = references(suite, instances, frame)
        frame = frame.drop(columns="sha256")
        entries = {who: self._entries[name, who] for who in contenders if (name, who) in self._entries}
        protocol, sha256 = read_protocol(suite)
        charged, named = _charged(frame, suite, instances, known, protocol), labels(contenders)
        return Runs(name, suite, protocol, sha256, contenders, named, entries, instances, known, charged)


def gather(records: Iterable[Record], solvers: Sequence[str] = (), suite: str = "") -> list[Runs]:
    """Return the runs of each suite in `records`, sorted by name; of some solvers, if they are given."""
    gatherer = Gatherer()
    for record in records:
        gatherer.add(fields_of(record))
    own = {name: find_suite(name, suite) for name in gatherer.suites()}
    return [one.only(solvers) for one in gatherer.runs(own)]


def references(
    suite: Suite | None, instances: Sequence[str], frame: pandas.DataFrame
) -> dict[str, Reference]:
    """Return the known references by instance; runs on several editions of an instance are refused."""
    hashes = {} if suite is None else {n: suite.entries[name].sha256 for n, name in enumerate(instances)}
    for n, sha256 in frame[["instance", "sha256"]].drop_duplicates().itertuples(index=False):
        if sha256 != (wanted := hashes.setdefault(n, sha256)):
            rule = f"must be of one edition of the instance, sha256 {wanted[:12]}..."
            advice = "show these folders apart, or run the suite again"
            raise InputError(f"records of {instances[n]}", rule, f"{sha256[:12]}...", advice)
    best = frame.groupby("instance")["cost"].min().dropna()
    found = {instances[n]: Reference(cost, pinned=False) for n, cost in best.items()}
    return found if suite is None else found | suite.references


def _charged(
    frame: pandas.DataFrame, suite: Suite | None, instances: Sequence[str],
    known: Mapping[str, Reference], protocol: Protocol,
) -> pandas.DataFrame:  # fmt: skip
    """Add what failed and declined runs are charged, and the gap of each."""
    reference = _reference_costs(known, instances)[frame["instance"]]
    outcome = frame["outcome"].to_numpy(copy=True)
    for n in np.flatnonzero(frame["bound"].notna() & ~np.isnan(reference)):
        # A bound above the cost that gaps are to is refuted: that cost was reached.
        if outcome[n] in (VERIFIED, "no solution") and contradicts(frame["bound"].iat[n], reference[n]):
            outcome[n] = "contradicts a bound"
    failed = outcome != VERIFIED
    fallback, needed = np.full(len(instances), np.nan), np.unique(frame["instance"][failed])
    fallback[needed] = nothing_cached(suite, [instances[n] for n in needed])
    cost = np.where(failed, fallback[frame["instance"]], frame["cost"])
    gap = (cost - reference) / reference
    penalty_s = protocol.penalty * (frame["limit_s"] if protocol.wall_s is None else protocol.wall_s)
    return frame.assign(
        outcome=outcome, verified=~failed, charged_cost=cost, gap=gap, charged_gap=np.where(failed, gap, 0.0),
        charged_solve_s=frame["solve_s"].mask(failed, penalty_s),
        charged_answer_s=frame["answer_s"].mask(failed, penalty_s),
    )  # fmt: skip


def nothing_cached(suite: Suite | None, instances: Sequence[str]) -> Array:
    """Return the cost of caching nothing on each instance, which every solver could answer at once."""
    if suite is None:
        return np.full(len(instances), np.nan)
    read = (suite.read(name) for name in instances)
    return np.array([evaluate(one, Solution.nothing_cached(one)).cost for one in read], dtype=float)


def _reference_costs(known: Mapping[str, Reference], instances: Iterable[str]) -> Array:
    found = (known.get(name) for name in instances)
    return np.array([one.cost if one is not None and one.cost > 0 else np.nan for one in found])
