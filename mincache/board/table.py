"""The ranking of one suite: a row a contender, sorted by gap; those that are not ranked below."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas

from mincache.board import ranks
from mincache.board.contenders import Contender
from mincache.board.entries import Entry
from mincache.board.runs import VERIFIED, Runs
from mincache.judging.records import Broken
from mincache.problem.constraints import CONSTRAINTS
from mincache.problem.quantity import Array

UNEQUAL = 1.5
"""Machines whose fixed computation differs by more than this factor are told of."""
NOMINAL_S = 0.004
"""Scaled times are those of a machine whose fixed computation takes this long."""
QUESTIONS: Mapping[str, str] = {
    "here": "these instances", "requests": "same libraries, new requests", "libraries": "new libraries",
}  # fmt: skip
"""What a rank may be asked for."""


class Unseen(NamedTuple):
    """What became of entries on a sealed suite and its public twin, or why that cannot be told.

    `rows` are of who ran on both; see `fitting.public_and_sealed`.
    """

    public: str
    sealed: str
    rows: Mapping[Contender, Mapping[str, Any]] = {}
    why_not: str = ""


@dataclass(frozen=True, eq=False)
class Table:
    """The ranking of one suite; one `filtered` shows a part chosen after looking, and so has no ranges."""

    runs: Runs
    remarks: tuple[str, ...] = ()
    filtered: bool = False
    unseen: Unseen | None = None

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The ranked rows, sorted by gap, then the others."""
        found = (_row(self, number) for number in range(len(self.runs.contenders)))
        return tuple(sorted(found, key=lambda row: (bool(row.unranked), rounded_gap(row), row.solver)))

    @cached_property
    def ranked(self) -> list[Row]:
        """The rows that are ranked: all others enter no statistic of theirs."""
        return [row for row in self.rows if not row.unranked]

    @cached_property
    def compared(self) -> list[Row]:
        """The rows that have a mean gap, ranked or not."""
        return [row for row in self.rows if row.gap is not None]

    @cached_property
    def questions(self) -> Mapping[str, ranks.RankRanges]:
        """What can be said of the ranked rows, by question; a question that cannot be told is left out."""
        if self.filtered or not self.ranked:
            return {}
        asked = {}
        for name, (compare, units) in ranks.tests(self.runs.libraries, self.runs.strata).items():
            samples = [row.sample(name) for row in self.ranked]
            pairs = {(a, b): compare(samples[a], samples[b]) for a, b in combinations(range(len(samples)), 2)}
            units = units or len(self.runs.instances)
            asked[name] = ranks.ranking(pairs, len(samples), units, self.runs.protocol.level)
        return asked

    @cached_property
    def levels(self) -> list[str]:
        """What its rows see before they decide, each once."""
        return sorted({row.information for row in self.rows})

    @property
    def told_apart(self) -> tuple[str, ranks.RankRanges] | None:
        """The question that letters answer, and its answer: the widest that can be told."""
        return next(((q, self.questions[q]) for q in ("libraries", "requests") if q in self.questions), None)

    @cached_property
    def unequal_machines(self) -> dict[str, float]:
        """How much longer than usual a fixed computation took, by label of the rows where that matters."""
        seconds = {row.solver: row.reference_s for row in self.rows if row.reference_s}
        factors = {name: one / float(np.median(list(seconds.values()))) for name, one in seconds.items()}
        return {name: f for name, f in factors.items() if f > UNEQUAL or f < 1.0 / UNEQUAL}


@dataclass(frozen=True, eq=False)
class Row:
    """One contender, by its number in the table's runs; `columns` has further numbers of a row.

    Attributes:
        streams: seed and repetition of its runs, each pair once; `seeds` is how many an instance has at most.
        stochastic: whether its answer depends on the seed: it says so, or was run more than once.
        covered: how many instances it has attempted.
        information: what it sees before it decides: `trace`, `slot` or `past`.
        outcomes: how many of its runs are verified, declined, or failed of each kind.
        tier: how far its entry can be trusted; "" if it is not published.
        gap: the mean over all instances of the suite; None if one has no run.
        unranked: why it is not ranked; "" if it is.
        machine: the processor of its first run; `version` is that of mincache, `date` the last run's day.
        reference_s: median time of a fixed computation where it ran.
    """

    table: Table = field(repr=False)
    number: int
    who: Contender
    entry: Entry | None
    frame: pandas.DataFrame = field(repr=False)
    solver: str
    kind: str
    information: str
    streams: list[tuple[int, int]]
    seeds: int
    stochastic: bool
    covered: int
    outcomes: Mapping[str, int]
    tier: str
    gap: float | None
    unranked: str
    machine: str
    version: str
    date: str
    reference_s: float | None

    @property
    def runs(self) -> Runs:
        """The table's runs."""
        return self.table.runs

    @property
    def verified(self) -> int:
        """How many runs gave a verified solution."""
        return self.outcomes.get(VERIFIED, 0)

    def by_instance(self, column: str) -> Array:
        """Return the mean of a column over its runs of each instance [I]; nan where it has none."""
        return np.asarray(self.runs.means(column)[self.number])

    def mean(self, column: str) -> float | None:
        """Return the mean over all instances of `by_instance`; None if one has no run or no number."""
        return known(float(self.by_instance(column).mean()))

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """What the seeds leave open of the gap."""
        if self.gap is None or self.table.filtered:
            return None
        return ranks.interval(self.sample("here"), self.runs.protocol.level)

    def sample(self, question: str, log_costs: bool = False) -> ranks.Sample:
        """Return its gaps, or the logarithms of its costs, for tests.

        On these instances seeds are uncertain, and a trained row is its published policies; for new draws a
        trained row is uncertain.
        """
        trained = self.kind == "learned"
        instance = self.frame["instance"].to_numpy()
        values = np.full((self.runs.shape[1], self.seeds), np.nan)
        chosen = np.log(self.frame["charged_cost"]) if log_costs else self.frame["gap"]
        values[instance, np.arange(len(instance)) - np.searchsorted(instance, instance)] = chosen
        uncertain = self.stochastic and not trained if question == "here" else trained
        return ranks.Sample(values, uncertain, self.streams)

    @property
    def rank(self) -> int | None:
        """Its place by the mean gap; equal ones share the better."""
        if self.unranked:
            return None
        return 1 + sum(rounded_gap(row) < rounded_gap(self) for row in self.table.ranked)

    def range(self, question: str) -> tuple[int, int] | None:
        """Return the ranks left open; None if the row is not ranked or the question cannot be told."""
        found = self.table.questions.get(question)
        return None if found is None or self.unranked else found.ranges[self.table.ranked.index(self)]

    def range_in_level(self) -> tuple[int, int] | None:
        """Return the ranks left open on these instances among the rows that see as much."""
        found, ranked = self.table.questions.get("here"), self.table.ranked
        if found is None or self.unranked:
            return None
        peers = [n for n, row in enumerate(ranked) if row.information == self.information]
        own = ranked.index(self)
        return 1 + int(found.better[peers, own].sum()), len(peers) - int(found.better[own, peers].sum())

    @cached_property
    def identical(self) -> tuple[str, ...]:
        """Labels of the ranked rows with the same cost on every instance."""
        own, others = self.by_instance("gap"), [] if self.unranked else self.table.ranked
        equal = (np.allclose(row.by_instance("gap"), own, rtol=0, atol=ranks.EQUAL) for row in others)
        return tuple(row.solver for row, same in zip(others, equal, strict=True) if same and row is not self)

    @cached_property
    def raw(self) -> RawMeans:
        """What its answers were before their repair."""
        return raw_means(self.frame)


def _row(table: Table, number: int) -> Row:
    runs = table.runs
    who, frame, count = runs.contenders[number], runs.of(number), runs.count[number]
    entry, facts = runs.entries.get(who), frame["environment"].iat[0]
    kind = (entry.manifest.kind if entry else "") or str(facts.get("kind", ""))
    information = str(facts.get("information", "trace"))
    drawn = frame[["seed", "repetition"]].drop_duplicates().sort_values(["seed", "repetition"])
    streams = list(drawn.itertuples(index=False, name=None))
    stochastic = facts.get("stochastic") is True or len(streams) > 1
    stored = frame["solution"][frame["verified"]].notna()
    tier = entry.tier(len(stored) > 0 and bool(stored.all())) if entry else ""
    gap = known(float(runs.means("gap")[number].mean()))
    cores = facts.get("cores")
    return Row(
        table, number, who, entry, frame, runs.labels[who], kind, information, streams, int(count.max()),
        stochastic=stochastic,
        covered=int((count > 0).sum()),
        outcomes=frame["outcome"].value_counts().sort_index().to_dict(),
        tier=tier,
        gap=gap,
        unranked=_unranked(runs, number, tier, stochastic and kind != "learned", gap),
        machine=f"{facts.get('cpu', 'unknown')}" + (f", {cores} cores" if cores else ""),
        version=str(facts.get("versions", {}).get("mincache", "unknown")),
        date=str(max(frame["started"]))[:10],
        reference_s=known(float(frame["reference_s"].median(skipna=False))),
    )  # fmt: skip


def _unranked(runs: Runs, number: int, tier: str, random: bool, gap: float | None) -> str:
    """Why a row is not ranked; one that is `random` needs the protocol's seeds."""
    count, protocol = runs.count[number], runs.protocol
    fewest = min(count, default=0)
    departures = ", ".join(protocol.departures(runs.contenders[number]))
    reasons = (
        (tier in ("flagged", "self-reported"), tier),
        (not count.all(), f"attempted {(count > 0).sum()} of {len(count)} instances"),
        (random and fewest < protocol.seeds, f"{fewest} of {protocol.seeds} seeds"),
        (departures, f"departs from the protocol: {departures}"),
        (not runs.of(number)["verified"].any(), "no verified solution"),
        (gap is None, "no gap: the suite or a best known cost is not at hand"),
    )  # fmt: skip
    return next((reason for holds, reason in reasons if holds), "")


class RawMeans(NamedTuple):
    """Of answers before their repair: mean cost, and the rate and the mean excess of what they broke."""

    cost: float | None = None
    rate: Mapping[str, float] = {}
    excess: Mapping[str, float] = {}

    @property
    def worst(self) -> float | None:
        """The largest rate; 0 where raw answers break nothing, None where there are none."""
        return max(self.rate.values(), default=None if self.cost is None else 0.0)


def raw_means(runs: pandas.DataFrame) -> RawMeans:
    """Return the means over instances, each counting by the mean over its runs that report raw decisions."""
    reported = runs[runs["raw"].notna()]
    if reported.empty:
        return RawMeans()
    kept, scores = Broken(rate=0.0, mean_excess=0.0), list(reported["raw"])
    columns = {"cost": [score.cost for score in scores]}
    for name in CONSTRAINTS:
        broken = [score.violations.get(name, kept) for score in scores]
        columns[name] = [one.rate for one in broken]
        columns[f"excess of {name}"] = [one.rate * one.mean_excess for one in broken]
    flat = pandas.DataFrame(columns, dtype=float).groupby(reported["instance"].to_numpy())
    means = flat.mean(skipna=False).mean(skipna=False)
    rate = {name: float(means[name]) for name in CONSTRAINTS if means[name] > 0.0}
    excess = {name: float(means[f"excess of {name}"]) / rate[name] for name in rate}
    return RawMeans(known(float(means["cost"])), rate, excess)


def known(value: float) -> float | None:
    """Return a number that is finite; else None."""
    return float(value) if math.isfinite(value) else None


def rounded_gap(row: Row) -> float:
    """Return the gap by which a row is placed; infinity without one."""
    return math.inf if row.gap is None else round(row.gap, ranks.GAP_DIGITS)
