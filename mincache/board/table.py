"""The ranking of one suite: a row a contender, sorted by gap; those that are not ranked below."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas

from mincache.board import ranks
from mincache.board.contenders import Contender
from mincache.board.entries import Entry
from mincache.board.runs import DECLINED, VERIFIED, Runs
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


@dataclass(frozen=True, eq=False)
class Table:
    """The ranking of one suite, and what a reader must know beside its notes, a sentence each.

    One that is `filtered` shows a part of the suite, which was chosen after looking, and so has no ranges.
    """

    runs: Runs
    remarks: tuple[str, ...] = ()
    filtered: bool = False

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The ranked rows, sorted by gap, then the others."""
        return tuple(sorted((Row(self, n) for n in range(len(self.runs.contenders))), key=_place))

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
            pairs = {(a, b): compare(samples[a], samples[b]) for a, b in ranks.all_pairs(len(samples))}
            units = units or len(self.runs.instances)
            asked[name] = ranks.ranking(pairs, len(samples), units, self.runs.protocol.level)
        return asked

    @cached_property
    def unequal_machines(self) -> dict[str, float]:
        """How much longer than usual a fixed computation took, by label of the rows where that matters."""
        known = {row.solver: row.reference_s for row in self.rows if row.reference_s}
        usual = float(np.median(list(known.values()))) if known else 0.0
        factors = {name: seconds / usual for name, seconds in known.items()}
        return {name: f for name, f in factors.items() if f > UNEQUAL or f < 1.0 / UNEQUAL}

    @property
    def told_apart(self) -> tuple[str, ranks.RankRanges] | None:
        """The question that letters answer, and its answer: the widest that can be told."""
        return next(((q, self.questions[q]) for q in ("libraries", "requests") if q in self.questions), None)


@dataclass(frozen=True, eq=False)
class Row:
    """One contender, by its number in the table's runs; `columns` has further numbers of a row.

    Means are over all instances of the suite.
    """

    table: Table
    number: int

    @property
    def runs(self) -> Runs:
        """The table's runs."""
        return self.table.runs

    @property
    def who(self) -> Contender:
        """The contender."""
        return self.runs.contenders[self.number]

    @property
    def solver(self) -> str:
        """Its label."""
        return self.runs.labels[self.who]

    @property
    def entry(self) -> Entry | None:
        """Its published entry, if there is one."""
        return self.runs.entries.get(self.who)

    @cached_property
    def frame(self) -> pandas.DataFrame:
        """Its runs."""
        return self.runs.of(self.number)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The environment of its first run: versions, machine, `stochastic`, `kind`."""
        found: dict[str, Any] = self.frame["environment"].iat[0]
        return found

    @cached_property
    def kind(self) -> str:
        """Its kind, such as `exact`; "" if nobody says."""
        return (self.entry.manifest.kind if self.entry else "") or str(self.facts.get("kind", ""))

    @cached_property
    def streams(self) -> list[tuple[int, int]]:
        """Seed and repetition of its runs, each pair once."""
        return sorted(set(zip(self.frame["seed"].tolist(), self.frame["repetition"].tolist(), strict=True)))

    @cached_property
    def stochastic(self) -> bool:
        """Whether its answer depends on the seed: it says so, or was run more than once."""
        return self.facts.get("stochastic") is True or len(self.streams) > 1

    def by_instance(self, column: str) -> Array:
        """Return the mean of a column over its runs of each instance [I]; nan where it has none."""
        return np.asarray(self.runs.means(column)[self.number])

    def mean(self, column: str) -> float | None:
        """Return the mean over all instances of `by_instance`; None if one has no run or no number."""
        return known(float(self.by_instance(column).mean()))

    @cached_property
    def gap(self) -> float | None:
        """Mean gap."""
        return self.mean("gap")

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

    @cached_property
    def seeds(self) -> int:
        """Number of repetitions: of the instance that has most."""
        return int(self.runs.count[self.number].max())

    @cached_property
    def covered(self) -> int:
        """Instances attempted."""
        return int((self.runs.count[self.number] > 0).sum())

    @cached_property
    def tier(self) -> str:
        """How far its entry can be trusted; "" if it is not published."""
        if self.entry is None:
            return ""
        stored = self.frame["solution"][self.frame["verified"]].notna()
        return self.entry.tier(len(stored) > 0 and bool(stored.all()))

    @cached_property
    def unranked(self) -> str:
        """Why it is not ranked; "" if it is."""
        protocol, whole = self.runs.protocol, self.runs.shape[1]
        fewest = int(self.runs.count[self.number].min(initial=self.seeds))
        if self.tier in ("flagged", "self-reported"):
            return self.tier
        if self.covered < whole:
            return f"attempted {self.covered} of {whole} instances"
        if self.stochastic and self.kind != "learned" and fewest < protocol.seeds:
            return f"{fewest} of {protocol.seeds} seeds"
        if departures := protocol.departures(self.who):
            return f"departs from the protocol: {', '.join(departures)}"
        if not self.verified:
            return "no verified solution"
        return "" if self.gap is not None else "no gap: the suite or a best known cost is not at hand"

    @property
    def rank(self) -> int | None:
        """Its place by the mean gap; equal ones share the better."""
        if self.unranked or self.gap is None:
            return None
        return 1 + sum(rounded_gap(row) < rounded_gap(self) for row in self.table.ranked)

    def range(self, question: str) -> tuple[int, int] | None:
        """Return the ranks left open; None if the row is not ranked or the question cannot be told."""
        found = self.table.questions.get(question)
        return None if found is None or self.unranked else found.ranges[self.table.ranked.index(self)]

    @cached_property
    def group(self) -> str | None:
        """Letters of the rows that it could not be told apart from; None where nothing can be told."""
        found = self.table.told_apart
        if found is None or self.unranked:
            return None
        return found[1].groups[self.table.ranked.index(self)] or None

    @property
    def may_be_first(self) -> bool | None:
        """Whether its range begins at 1: these rows together hold the true first."""
        found = self.table.told_apart
        ends = None if found is None else self.range(found[0])
        return None if ends is None else ends[0] == 1

    @cached_property
    def identical(self) -> tuple[str, ...]:
        """Labels of the ranked rows with the same cost on every instance."""
        own, others = self.by_instance("gap"), [] if self.unranked else self.table.ranked
        return tuple(
            row.solver
            for row in others
            if row is not self and np.allclose(row.by_instance("gap"), own, rtol=0, atol=ranks.EQUAL)
        )

    @cached_property
    def outcomes(self) -> Mapping[str, int]:
        """How its runs ended: how many are verified, declined, or failed of each kind."""
        return dict(sorted(Counter(self.frame["outcome"]).items()))

    @property
    def verified(self) -> int:
        """How many gave a verified solution."""
        return self.outcomes.get(VERIFIED, 0)

    @property
    def failures(self) -> dict[str, int]:
        """How many failed, by kind."""
        return {kind: n for kind, n in self.outcomes.items() if kind not in (VERIFIED, DECLINED)}

    @cached_property
    def raw(self) -> RawMeans:
        """What its answers were before their repair."""
        return raw_means(self.frame)

    @cached_property
    def reference_s(self) -> float | None:
        """Median time of the fixed computation on the machines that it ran on."""
        return known(float(self.frame["reference_s"].median(skipna=False)))

    @property
    def machine(self) -> str:
        """The processor it ran on, and how many cores."""
        cores = self.facts.get("cores")
        return f"{self.facts.get('cpu', 'unknown')}" + (f", {cores} cores" if cores else "")

    @property
    def version(self) -> str:
        """The version of mincache that ran it."""
        found: Any = self.facts.get("versions", {})
        return str(found.get("mincache", "unknown"))

    @property
    def date(self) -> str:
        """The day of its last run."""
        return str(max(self.frame["started"]))[:10]


class RawMeans(NamedTuple):
    """What answers were before their repair, each instance counting once.

    Mean cost (None if no run reports any, or one's is not finite), the share of the slots that break each
    constraint that is ever broken, and the mean over those slots of by how much.
    """

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
    flat = pandas.DataFrame(list(map(_broken, reported["raw"])))
    means = flat.groupby(reported["instance"].to_numpy()).mean(skipna=False).mean(skipna=False)
    rate = {name: float(means[name]) for name in CONSTRAINTS if means[name] > 0.0}
    excess = {name: float(means[f"excess of {name}"]) / rate[name] for name in rate}
    return RawMeans(known(float(means["cost"])), rate, excess)


def _broken(score: Mapping[str, Any]) -> dict[str, float]:
    """Cost, rates, and the excesses over all slots, those that keep a constraint counting 0."""
    found = {"cost": math.nan if score["cost"] is None else score["cost"]}
    for name in CONSTRAINTS:
        broken = score["violations"].get(name)
        found[name] = broken["rate"] if broken else 0.0
        found[f"excess of {name}"] = broken["rate"] * broken["mean_excess"] if broken else 0.0
    return found


def known(value: float) -> float | None:
    """Return a number that is finite; else None."""
    return float(value) if math.isfinite(value) else None


def rounded_gap(row: Row) -> float:
    """Return the gap by which a row is placed; infinity without one."""
    return math.inf if row.gap is None else round(row.gap, ranks.GAP_DIGITS)


def _place(row: Row) -> tuple[bool, float, str]:
    return bool(row.unranked), rounded_gap(row), row.solver
