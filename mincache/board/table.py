"""The ranking of one suite: a row a contender, sorted by gap; those that are not ranked below."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from mincache.bench.records import RawScore
from mincache.board import formats, ranks
from mincache.board.contenders import Contender
from mincache.board.entries import Entry, Tier
from mincache.board.repairs import RawMeans, raw_means
from mincache.board.runs import DECLINED, VERIFIED, Runs
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
    """The ranking of one suite.

    Attributes:
        runs: what it ranks.
        remarks: what a reader must know beside the notes, a sentence each.
        filtered: whether it shows a part of the suite; such a part was chosen after looking, so no ranges.
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
    def questions(self) -> Mapping[str, ranks.RankRanges]:
        """What can be said of the ranked rows, by question; a question that cannot be told is left out."""
        asked = {} if self.filtered or not self.ranked else {"here": self._here()}
        libraries, strata = self.runs.libraries(), self.runs.strata()
        if not asked or not libraries:
            return asked
        count = len(set(libraries))
        if count >= ranks.FEWEST_LIBRARIES:
            asked["libraries"] = self._asked(
                partial(ranks.for_new_libraries, libraries=libraries), count, _trained
            )
        elif all(strata.count(one) > 1 for one in strata):
            compared = partial(ranks.for_new_requests, strata=strata)
            asked["requests"] = self._asked(compared, len(set(strata)), _trained)
        return asked

    def _here(self) -> ranks.RankRanges:
        return self._asked(ranks.on_these_instances, self.runs.shape[1], _seeded)

    def _asked(
        self, compared: Callable[[ranks.Sample, ranks.Sample], ranks.Difference], units: int,
        uncertain: Callable[[Row], bool],
    ) -> ranks.RankRanges:  # fmt: skip
        samples = [row.sample(uncertain(row)) for row in self.ranked]
        pairs = {(a, b): compared(samples[a], samples[b]) for a, b in ranks.all_pairs(len(samples))}
        return ranks.ranking(pairs, len(samples), units, self.runs.protocol.level)

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
    """One contender. Means are over all instances of the suite; `columns` has further numbers of a row.

    Attributes:
        table: where the row stands.
        number: which contender of the table's runs.
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
    def where(self) -> Array:
        """Where in the flat table its runs are."""
        return self.runs.of(self.number)

    @cached_property
    def kind(self) -> str:
        """Its kind; "" if nobody says."""
        return self.runs.kind(self.number)

    def by_instance(self, values: Array) -> Array:
        """Return the mean over its runs of values [R], for each instance [I]; nan where it has none."""
        found = np.bincount(
            self.runs.instance[self.where], weights=values[self.where], minlength=self.runs.shape[1]
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(found / self.runs.count[self.number])

    def mean(self, values: Array) -> float | None:
        """Return the mean over all instances of `by_instance`; None if one has no run or no number."""
        return _known(float(self.by_instance(values).mean()))

    @cached_property
    def gap(self) -> float | None:
        """Mean gap."""
        return self.mean(self.runs.gap)

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """What the seeds leave open of the gap."""
        if self.gap is None or self.table.filtered:
            return None
        return ranks.interval(self.sample(_seeded(self)), self.runs.protocol.level)

    def sample(self, uncertain: bool) -> ranks.Sample:
        """Return its gaps, for tests."""
        return ranks.Sample(
            self.runs.matrix(self.number, self.runs.gap), uncertain, self.runs.streams(self.number)
        )

    @cached_property
    def seeds(self) -> int:
        """Number of repetitions: of the instance that has most."""
        return int(self.runs.count[self.number].max())

    @cached_property
    def covered(self) -> int:
        """Instances attempted."""
        return int((self.runs.count[self.number] > 0).sum())

    @cached_property
    def tier(self) -> Tier | str:
        """How far its entry can be trusted; "" if it is not published."""
        if self.entry is None:
            return ""
        solved = self.where[self.runs.verified[self.where]]
        stored = [solution is not None for solution in self.runs["solution"][solved]]
        return self.entry.tier(bool(stored) and all(stored))

    @cached_property
    def unranked(self) -> str:
        """Why it is not ranked; "" if it is."""
        runs, protocol, whole = self.runs, self.runs.protocol, self.runs.shape[1]
        fewest = int(runs.count[self.number].min(initial=self.seeds))
        if self.tier in ("flagged", "self-reported"):
            return str(self.tier)
        if self.covered < whole:
            return f"attempted {self.covered} of {whole} instances"
        if runs.stochastic(self.number) and self.kind != "learned" and fewest < protocol.seeds:
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
        own = round(self.gap, ranks.GAP_DIGITS)
        return 1 + sum(round(row.gap or 0.0, ranks.GAP_DIGITS) < own for row in self.table.ranked)

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
        if self.unranked:
            return ()
        own = self.by_instance(self.runs.gap)
        return tuple(
            row.solver
            for row in self.table.ranked
            if row.number != self.number
            and np.allclose(row.by_instance(row.runs.gap), own, rtol=0, atol=ranks.EQUAL)
        )

    @cached_property
    def outcomes(self) -> Mapping[str, int]:
        """How its runs ended: how many are verified, declined, or failed of each kind."""
        return dict(sorted(Counter(self.runs["outcome"][self.where].tolist()).items()))

    @property
    def count(self) -> int:
        """Number of its runs."""
        return len(self.where)

    @property
    def verified(self) -> int:
        """How many gave a verified solution."""
        return self.outcomes.get(VERIFIED, 0)

    @property
    def declined(self) -> int:
        """How many its solver declined."""
        return self.outcomes.get(DECLINED, 0)

    @property
    def failures(self) -> dict[str, int]:
        """How many failed, by kind."""
        return {kind: n for kind, n in self.outcomes.items() if kind not in (VERIFIED, DECLINED)}

    @property
    def failures_text(self) -> str:
        """Failures and declined runs, such as `3 crash, 1 wall`; "" if there are none."""
        return formats.failures(self.failures | ({DECLINED: self.declined} if self.declined else {}))

    @property
    def charged_gap(self) -> float | None:
        """The part of the mean gap that comes from runs that failed or declined."""
        return (
            self.mean(np.where(self.runs.verified, 0.0, self.runs.gap)) if self.verified < self.count else 0.0
        )

    def median_s(self, column: str) -> float | None:
        """Return the median of charged times over all its runs."""
        return _known(float(np.median(self.runs.charged_s(column)[self.where])))

    @cached_property
    def raw(self) -> RawMeans:
        """What its answers were before their repair."""
        reported: dict[int, list[RawScore]] = {}
        for n in self.where:
            if (score := self.runs["raw"][n]) is not None:
                reported.setdefault(int(self.runs.instance[n]), []).append(score)
        return raw_means(list(reported.values()))

    @cached_property
    def reference_s(self) -> float | None:
        """Median time of the fixed computation on the machines that it ran on."""
        return _known(float(np.median(self.runs["reference_s"][self.where])))

    @property
    def machine(self) -> str:
        """The processor it ran on, and how many cores."""
        facts = self.runs.facts(self.number)
        cores = facts.get("cores")
        return f"{facts.get('cpu', 'unknown')}" + (f", {cores} cores" if cores else "")

    @property
    def version(self) -> str:
        """The version of mincache that ran it."""
        found: Any = self.runs.facts(self.number).get("versions", {})
        return str(found.get("mincache", "unknown"))

    @property
    def date(self) -> str:
        """The day of its last run."""
        return str(max(self.runs["started"][self.where]))[:10]


def geometric_mean(values: Array, table: Table) -> float | None:
    """Return the geometric mean of values, shifted as the protocol says; None if one is missing."""
    shift = table.runs.protocol.time_shift_s
    return _known(float(np.exp(np.log(values + shift).mean()) - shift))


def _seeded(row: Row) -> bool:
    """Whether seeds are uncertain on these instances: a trained row is its published policies."""
    return row.kind != "learned" and row.runs.stochastic(row.number)


def _trained(row: Row) -> bool:
    return row.kind == "learned"


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _place(row: Row) -> tuple[bool, bool, float, str]:
    gap = math.inf if row.gap is None else round(row.gap, ranks.GAP_DIGITS)
    return bool(row.unranked), row.gap is None, gap, row.solver
