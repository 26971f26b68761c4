"""The ranking of one suite: a row a contender, sorted by gap; those that are not ranked below."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from mincache.board import ranks
from mincache.board.contenders import Contender
from mincache.board.runs import VERIFIED, Runs
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
        found = (Row(self, number) for number in range(len(self.runs.contenders)))
        return tuple(sorted(found, key=lambda row: (bool(row.unranked), row.rounded_gap, row.solver)))

    @cached_property
    def ranked(self) -> list[Row]:
        """The rows that are ranked: all others enter no statistic of theirs."""
        return [row for row in self.rows if not row.unranked]

    @cached_property
    def compared(self) -> list[Row]:
        """The rows that have a mean gap, ranked or not."""
        return [row for row in self.rows if row.gap is not None]

    def means(self, column: str) -> Array:
        """Return the means of a column of the compared rows [C, I]."""
        return np.array([row.by_instance(column) for row in self.compared])

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


class Row:
    """One contender, by its number in the table's runs; `columns.numbers` has further numbers of a row.

    Attributes:
        frame: its runs; `runs` are the table's.
        solver: what it is called.
        information: what it sees before it decides: `trace`, `slot` or `past`.
        streams: seed and repetition of its runs, each pair once; `seeds` is how many an instance has at most.
        stochastic: whether its answer depends on the seed: it says so, or was run more than once.
        random: the same, but for a learned row, whose repetitions are trainings, only if it says so.
        instances: how many there are; `covered` is how many of them it has attempted.
        outcomes: how many of its runs are verified, declined, or failed of each kind.
        verified: how many gave a verified solution.
        tier: how far its entry can be trusted; "" if it is not published.
        gap: the mean over all instances of the suite; None if one has no run.
        rounded_gap: by which it is placed; infinity without one.
        unranked: why it is not ranked; "" if it is.
        machine: the processor of its first run; `version` is that of mincache, `date` the last run's day.
        reference_s: median time of a fixed computation where it ran.
    """

    def __init__(self, table: Table, number: int) -> None:
        self.table, self.number, self.runs, runs = table, number, table.runs, table.runs
        self.who, self.frame = runs.contenders[number], runs.of(number)
        self.entry, self.solver, frame = runs.entries.get(self.who), runs.labels[self.who], self.frame
        facts, count = frame["environment"].iat[0], runs.count[number]
        self.kind = (self.entry.manifest.kind if self.entry else "") or str(facts.get("kind", ""))
        self.information = str(facts.get("information", "trace"))
        drawn = frame[["seed", "repetition"]].drop_duplicates().sort_values(["seed", "repetition"])
        self.streams: list[tuple[int, int]] = list(drawn.itertuples(index=False, name=None))
        self.stochastic = facts.get("stochastic") is True or len(self.streams) > 1
        self.random = facts.get("stochastic") is True if self.kind == "learned" else self.stochastic
        self.seeds, self.instances, self.covered = int(count.max()), len(count), int((count > 0).sum())
        self.outcomes: dict[str, int] = frame["outcome"].value_counts().sort_index().to_dict()
        self.verified = self.outcomes.get(VERIFIED, 0)
        stored = self.verified > 0 and bool(frame["solution"][frame["verified"]].notna().all())
        self.tier = self.entry.tier(stored) if self.entry else ""
        self.gap = self.mean("gap")
        self.rounded_gap = math.inf if self.gap is None else round(self.gap, ranks.GAP_DIGITS)
        self.unranked = self._unranked(min(count, default=0))
        cores = facts.get("cores")
        self.machine = f"{facts.get('cpu', 'unknown')}" + (f", {cores} cores" if cores else "")
        self.version = str(facts.get("versions", {}).get("mincache", "unknown"))
        self.date = str(max(frame["started"]))[:10]
        self.reference_s = known(float(frame["reference_s"].median(skipna=False)))

    def _unranked(self, seeds: int) -> str:
        """Why it is not ranked; with the protocol's seeds, if other ones could change its answer."""
        protocol = self.runs.protocol
        departures = ", ".join(protocol.departures(self.who))
        reasons = (
            (self.tier in ("flagged", "self-reported"), self.tier),
            (not seeds, f"attempted {self.covered} of {self.instances} instances"),
            (self.random and seeds < protocol.seeds, f"{seeds} of {protocol.seeds} seeds"),
            (departures, f"departs from the protocol: {departures}"),
            (not self.verified, "no verified solution"),
            (self.gap is None, "no gap: the suite or a best known cost is not at hand"),
        )  # fmt: skip
        return next((reason for holds, reason in reasons if holds), "")

    def by_instance(self, column: str) -> Array:
        """Return the mean of a column over its runs of each instance [I]; nan where it has none."""
        return np.asarray(self.runs.means(column)[self.number])

    def mean(self, column: str, less: Array | float = 0.0) -> float | None:
        """Return the mean over all instances of `by_instance` less something; None if one has no number."""
        return known(float((self.by_instance(column) - less).mean()))

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
        instance = self.frame["instance"].to_numpy()
        values = np.full((self.runs.shape[1], self.seeds), np.nan)
        chosen = np.log(self.frame["charged_cost"]) if log_costs else self.frame["gap"]
        values[instance, np.arange(len(instance)) - np.searchsorted(instance, instance)] = chosen
        uncertain = self.random if question == "here" else self.kind == "learned"
        return ranks.Sample(values, uncertain, self.streams)

    @property
    def rank(self) -> int | None:
        """Its place by the mean gap; equal ones share the better."""
        if self.unranked:
            return None
        return 1 + sum(row.rounded_gap < self.rounded_gap for row in self.table.ranked)

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


def known(value: float) -> float | None:
    """Return a number that is finite; else None."""
    return float(value) if math.isfinite(value) else None
