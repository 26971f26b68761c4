"""What tables say of a row: its numbers by name, for programs, and its columns, for people.

A new number is a line in `NUMBERS`, a new column one in `COLUMNS`: every rendering takes them from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import fmean, median
from typing import Any, NamedTuple

from mincache.bench.records import Score
from mincache.board import formats
from mincache.board.formats import NOTHING
from mincache.board.results import repetition
from mincache.board.table import Row, Table, mean


def _mean_score(row: Row, number: Callable[[Score], float]) -> float | None:
    scores = ([r.score for r in records if r.score is not None] for records in row.good.values())
    return mean(fmean(map(number, listed)) for listed in scores)


def _hit_ratio(row: Row) -> float | None:
    return _mean_score(row, lambda score: score.hit_ratio)


def _low_step_hit_share(row: Row) -> float | None:
    whole, low = (
        _hit_ratio(row),
        _mean_score(row, lambda score: (score.low_step_hit_share or 0) * score.hit_ratio),
    )
    return None if low is None or not whole else low / whole


def _median_solve_s(row: Row) -> float | None:
    solve_s = [r.solve_s for records in row.good.values() for r in records if r.solve_s is not None]
    return median(solve_s) if solve_s else None


def _feasible_share(row: Row) -> float | None:
    return mean(float(r.score is not None and r.score.feasible) for r in row.attempted)


NUMBERS: Mapping[str, Callable[[Row], Any]] = {
    "solver": lambda row: row.solver,
    "apart": lambda row: row.apart,
    "mean_cost": lambda row: row.mean_cost,
    "gap": lambda row: row.gap,
    "gap_low": lambda row: row.rank.gap[0] if row.rank else None,
    "gap_high": lambda row: row.rank.gap[1] if row.rank else None,
    "rank_low": lambda row: row.rank.ranks[0] if row.rank else None,
    "rank_high": lambda row: row.rank.ranks[1] if row.rank else None,
    "unranked": lambda row: row.unranked,
    "hit_ratio": _hit_ratio,
    "low_step_hit_share": _low_step_hit_share,
    "median_solve_s": _median_solve_s,
    "mean_solve_s": lambda row: dict(row.mean_solve_s),
    "feasible_share": _feasible_share,
    "runs": lambda row: len(row.attempted),
    "verified": lambda row: len(row.attempted) - sum(row.failures.values()),
    "failures": lambda row: row.failures,
    "declined": lambda row: len(row.every) - len(row.attempted),
    "seeds": lambda row: len(set(map(repetition, row.every))),
    "covered": lambda row: row.covered,
    "raw_cost": lambda row: row.raw.cost,
    "raw_rate": lambda row: dict(row.raw.rate),
    "raw_excess": lambda row: dict(row.raw.excess),
}
"""What JSON and CSV have of a row, by name: shares of 1, times in s, None for what is not known.

Runs are counted without declined ones. `mean_solve_s` is by failure policy; `raw_rate` is the share of the
slots that answers broke before their repair, and `raw_excess` by how much, by constraint.
"""


def numbers(row: Row) -> dict[str, Any]:
    """Return all `NUMBERS` of a row by name."""
    return {name: number(row) for name, number in NUMBERS.items()}


class Column(NamedTuple):
    """One column.

    Attributes:
        title: what stands above it, broken where a terminal breaks it.
        meaning: what it says, for readers of the site.
        value: what it shows of a row: a number to sort by, or text.
        written: the text of a value.
        text: the text of a row, where its value alone does not give that.
        numeric: whether it holds numbers, and is set flush right.
        wide: whether a terminal leaves it out, for want of room.
        optional: whether it is left out where it would say nothing of any row.
    """

    title: str
    meaning: str
    value: Callable[[Row], Any]
    written: Callable[[Any], str] = str
    text: Callable[[Row], str] | None = None
    numeric: bool = True
    wide: bool = False
    optional: bool = False

    @property
    def heading(self) -> str:
        """The title on one line."""
        return self.title.replace("-\n", "").replace("\n", " ")

    def cell(self, row: Row) -> str:
        """Return the text of a row."""
        return self.text(row) if self.text is not None else self.written(self.value(row))


def _percent2(value: float | None) -> str:
    return formats.percent(value, 2)


def _ranks(row: Row) -> str:
    return formats.between(*map(str, row.rank.ranks)) if row.rank else NOTHING


def _interval(row: Row) -> str:
    return formats.between(*map(_percent2, row.rank.gap)) if row.rank else row.unranked or NOTHING


def _mean_solve_s(row: Row) -> float | None:
    return row.mean_solve_s.get(row.table.standing.protocol.failure_policy)


def _raw_rate(row: Row) -> float | None:
    """The largest rate; 0 where raw answers break nothing, None where there are none."""
    return max(row.raw.rate.values(), default=None if row.raw.cost is None else 0.0)


def _most_broken(row: Row) -> str:
    return max(row.raw.rate, key=lambda name: row.raw.rate[name], default=NOTHING)


COLUMNS = (
    Column("rank",
           "the best and the worst rank that the seeds leave open; a dash where there are too few seeds",
           NUMBERS["rank_low"], text=_ranks, wide=True),
    Column("solver", "its name, and the parameters that differ from their defaults",
           NUMBERS["solver"], numeric=False),
    Column("mean\ncost",
           "mean of the cost (11) over the common instances, each counting once; lower is better",
           NUMBERS["mean_cost"], formats.cost),
    Column("gap", "mean of (cost - best known) / best known", NUMBERS["gap"], _percent2),
    Column("gap, by seeds", "interval of the mean gap when the seeds of each instance are drawn again",
           NUMBERS["gap_low"], text=_interval, wide=True),
    Column("hit\nratio", "share of the requests whose model is cached", _hit_ratio, formats.percent),
    Column("hits\n<= A1", "share of the hits with at most A1 denoising steps, which change nothing",
           _low_step_hit_share, formats.percent),
    Column("feas-\nible", "share of the runs that ended with a feasible solution, declined ones left out",
           _feasible_share, formats.percent),
    Column("fail-\nures", "runs without a verified solution, by kind",
           NUMBERS["failures"], lambda kinds: formats.failures(kinds) or NOTHING, numeric=False),
    Column("median\nsolve", "median time inside solve, over the verified runs",
           _median_solve_s, formats.duration),
    Column("mean solve", "shifted geometric mean of that time, failed runs counting as the protocol says",
           _mean_solve_s, formats.duration, wide=True),
    Column("seeds", "number of repetitions", NUMBERS["seeds"]),
    Column("covers", "instances with a verified solution, of all", NUMBERS["covered"],
           text=lambda row: f"{row.covered}/{len(row.table.standing.instances)}"),
    Column("raw\nbroken",
           "share of the slots in which the answers broke a constraint before their repair, where the solver "
           "reports that: the constraint broken most often",
           _raw_rate, formats.percent, optional=True),
    Column("broken most", "that constraint", _most_broken, numeric=False, wide=True, optional=True),
)  # fmt: skip


def visible_columns(table: Table) -> list[Column]:
    """Return the columns that a table has."""
    return [
        column
        for column in COLUMNS
        if not column.optional or any(column.cell(row) != NOTHING for row in table.rows)
    ]
