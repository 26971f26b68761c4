"""The columns of the ranking: every rendering takes its cells from here, so that their numbers agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from mincache.board.table import Row, Table

NOTHING = "-"


class Column(NamedTuple):
    """One column.

    Attributes:
        title: what stands above it, broken where a terminal breaks it.
        meaning: what it says, for readers of the site.
        cell: its text for a row.
        value: the number behind it, to sort by; None for a column of text.
        wide: whether a terminal leaves it out, for want of room.
        optional: whether it is left out where it would say nothing of any row.
    """

    title: str
    meaning: str
    cell: Callable[[Row, Table], str]
    value: Callable[[Row, Table], float | None] | None = None
    wide: bool = False
    optional: bool = False

    @property
    def numeric(self) -> bool:
        """Whether the column holds numbers, and is set flush right."""
        return self.value is not None

    @property
    def heading(self) -> str:
        """The title on one line."""
        return self.title.replace("-\n", "").replace("\n", " ")


def cost(value: float | None) -> str:
    """Return a cost with 3 decimals."""
    return NOTHING if value is None else f"{value:.3f}"


def percent(value: float | None, decimals: int = 1) -> str:
    """Return a fraction as a percentage; what rounds to zero carries no sign."""
    return NOTHING if value is None else f"{value:z.{decimals}%}"


def duration(seconds: float | None) -> str:
    """Return a time with 3 significant digits, in ms below a second."""
    if seconds is None:
        return NOTHING
    return f"{seconds:.3g} s" if seconds >= 1.0 else f"{seconds * 1e3:.3g} ms"


def failures(kinds: Mapping[str, int]) -> str:
    """Return the failures, such as `3 crash, 1 wall`; "" if there are none."""
    return ", ".join(f"{count} {kind}" for kind, count in kinds.items())


def between(low: str, high: str) -> str:
    """Return a range of two texts, one of them where they are equal."""
    return low if low == high else f"{low} to {high}"


def _rank(row: Row) -> str:
    return NOTHING if row.rank_low is None else between(str(row.rank_low), str(row.rank_high))


def _interval(row: Row) -> str:
    return row.unranked or between(percent(row.gap_low, 2), percent(row.gap_high, 2))


def _most_broken(row: Row) -> str:
    return max(row.raw_rate, key=lambda name: row.raw_rate[name], default="")


def _raw_rate(row: Row) -> float | None:
    """The largest rate; 0 where raw answers break nothing, None where there are none."""
    return max(row.raw_rate.values(), default=None if row.raw_cost is None else 0.0)


def _mean_solve_s(row: Row, table: Table) -> float | None:
    return row.mean_solve_s.get(table.protocol.failure_policy)


COLUMNS = (
    Column(
        "rank",
        "the best and the worst rank that the seeds leave open; a dash where there are too few seeds",
        lambda row, _: _rank(row), lambda row, _: row.rank_low, wide=True,
    ),
    Column(
        "solver",
        "its name, and the parameters that differ from their defaults",
        lambda row, _: row.solver,
    ),
    Column(
        "mean\ncost",
        "mean of the cost (11) over the common instances, each counting once; lower is better",
        lambda row, _: cost(row.mean_cost), lambda row, _: row.mean_cost,
    ),
    Column(
        "gap",
        "mean of (cost - best known) / best known",
        lambda row, _: percent(row.gap, 2), lambda row, _: row.gap,
    ),
    Column(
        "gap, by seeds",
        "interval of the mean gap when the seeds of each instance are drawn again",
        lambda row, _: _interval(row), lambda row, _: row.gap_low, wide=True,
    ),
    Column(
        "hit\nratio",
        "share of the requests whose model is cached",
        lambda row, _: percent(row.hit_ratio), lambda row, _: row.hit_ratio,
    ),
    Column(
        "hits\n<= A1",
        "share of the hits with at most A1 denoising steps, which change nothing",
        lambda row, _: percent(row.low_step_hit_share), lambda row, _: row.low_step_hit_share,
    ),
    Column(
        "feas-\nible",
        "share of the runs that ended with a feasible solution, declined ones left out",
        lambda row, _: percent(row.feasible_share), lambda row, _: row.feasible_share,
    ),
    Column(
        "fail-\nures",
        "runs without a verified solution, by kind",
        lambda row, _: failures(row.failures) or NOTHING,
    ),
    Column(
        "median\nsolve",
        "median time inside solve, over the verified runs",
        lambda row, _: duration(row.median_solve_s), lambda row, _: row.median_solve_s,
    ),
    Column(
        "mean solve",
        "shifted geometric mean of that time, failed runs counting as the protocol says",
        lambda row, table: duration(_mean_solve_s(row, table)), _mean_solve_s, wide=True,
    ),
    Column("seeds", "number of repetitions", lambda row, _: str(row.seeds), lambda row, _: row.seeds),
    Column(
        "covers",
        "instances with a verified solution, of all",
        lambda row, table: f"{row.covered}/{table.instances}", lambda row, _: row.covered,
    ),
    Column(
        "raw\nbroken",
        "share of the slots in which the answers broke a constraint before their repair, where the solver "
        "reports that: the constraint broken most often",
        lambda row, _: percent(_raw_rate(row)), lambda row, _: _raw_rate(row), optional=True,
    ),
    Column(
        "broken most",
        "that constraint",
        lambda row, _: _most_broken(row) or NOTHING, wide=True, optional=True,
    ),
)  # fmt: skip


def visible_columns(table: Table) -> list[Column]:
    """Return the columns that a table has."""
    return [column for column in COLUMNS if not column.optional or _says(column, table)]


def _says(column: Column, table: Table) -> bool:
    return any(column.cell(row, table) != NOTHING for row in table.rows)
