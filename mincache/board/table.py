"""The ranking of one suite: a row a contender, sorted by gap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from mincache.bench.records import Record
from mincache.board import ranks, repairs, times
from mincache.board.contenders import Contender
from mincache.board.references import verified_cost
from mincache.board.results import Runs
from mincache.board.standing import Standing


@dataclass(frozen=True, eq=False)
class Table:
    """The ranking of one suite.

    Attributes:
        standing: the results that it ranks.
        remarks: what a reader must know beside the notes, a sentence each.
    """

    standing: Standing
    remarks: tuple[str, ...] = ()

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The contenders, sorted by gap; the ones set apart last."""
        return tuple(sorted((Row(self, who) for who in self.standing.results), key=_place))

    @property
    def ranked(self) -> list[Row]:
        """The rows that have means."""
        return [row for row in self.rows if not row.apart]

    @cached_property
    def ranks(self) -> Mapping[Contender, ranks.Rank]:
        """What the seeds leave open of the rank of each contender that has one."""
        return ranks.ranks(self.standing)

    @cached_property
    def mean_solve_s(self) -> Mapping[Contender, Mapping[str, float]]:
        """Mean solve time in s of each ranked contender, by failure policy."""
        return times.mean_solve_s(self.standing)


@dataclass(frozen=True, eq=False)
class Row:
    """One contender. Means are over the table's common instances, counts over all that was run.

    Each instance counts once: by the mean over its verified runs. `columns` has further numbers of a row.

    Attributes:
        table: where the row stands.
        who: the contender.
    """

    table: Table
    who: Contender

    @property
    def solver(self) -> str:
        """Its label."""
        return self.table.standing.labels[self.who]

    @property
    def apart(self) -> str:
        """Why it has no means; "" where it has."""
        return self.table.standing.apart.get(self.who, "")

    @property
    def unranked(self) -> str:
        """Why there are means but no rank; "" if there is one."""
        return "" if self.rank or self.apart else ranks.TOO_FEW_SEEDS

    @property
    def rank(self) -> ranks.Rank | None:
        """What the seeds leave open of gap and rank; None without means or with too few seeds."""
        return self.table.ranks.get(self.who)

    @cached_property
    def good(self) -> Runs:
        """The verified runs of the common instances; none if the row is set apart."""
        common = () if self.apart else self.table.standing.common
        return {name: self.table.standing.verified[self.who][name] for name in common}

    @cached_property
    def mean_cost(self) -> float | None:
        """Mean cost (11)."""
        return mean(self.table.standing.costs[self.who][name] for name in self.good)

    @cached_property
    def gap(self) -> float | None:
        """Mean of (cost - reference) / reference; None without a reference of every common instance."""
        return mean(self.table.standing.gaps(self.who, self.good) or ())

    @property
    def mean_solve_s(self) -> Mapping[str, float]:
        """Shifted geometric mean of the solve time in s, by failure policy; empty without one."""
        return self.table.mean_solve_s.get(self.who, {})

    @cached_property
    def raw(self) -> repairs.RawMeans:
        """What the answers were before their repair."""
        return repairs.means(self.good)

    @cached_property
    def every(self) -> list[Record]:
        """The records that count, those of declined runs included."""
        return [record for records in self.table.standing.results[self.who].values() for record in records]

    @cached_property
    def attempted(self) -> list[Record]:
        """The records of runs that the solver did not decline (`supports`)."""
        return [record for record in self.every if record.verdict != "skipped"]

    @cached_property
    def failures(self) -> dict[str, int]:
        """The attempted runs without a verified solution, by kind."""
        kinds = Counter(failure(record) for record in self.attempted if verified_cost(record) is None)
        return dict(sorted(kinds.items()))

    @property
    def covered(self) -> int:
        """Instances with a verified solution."""
        return len(self.table.standing.costs[self.who])


def failure(record: Record) -> str:
    """Return the kind of failure of a run that is neither verified nor declined.

    It is what is wrong with the answer; without an answer, why the run ended.
    """
    ended_by_itself = record.stop_reason in ("finished", "soft limit")
    return record.verdict if ended_by_itself or record.verdict != "no solution" else record.stop_reason


def mean(values: Iterable[float]) -> float | None:
    """Return the mean of values; None if there are none."""
    listed = list(values)
    return fmean(listed) if listed else None


def _place(row: Row) -> tuple[bool, bool, float, float, str]:
    missing = float("inf")
    gap = missing if row.gap is None else round(row.gap, ranks.GAP_DIGITS)
    cost = missing if row.gap is not None or row.mean_cost is None else row.mean_cost
    return bool(row.apart), row.gap is None, gap, cost, row.solver
