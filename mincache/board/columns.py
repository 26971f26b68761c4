"""The columns of a ranking: objects that compute themselves. A new column is one more in `COLUMNS`.

Every rendering takes them from here: terminal, Markdown, LaTeX, JSON, CSV and the site.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mincache.board import formats
from mincache.board.formats import NOTHING
from mincache.board.table import NOMINAL_S, Row, Table, geometric_mean

Value = Callable[[Row], Any]


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        title: what stands above it, broken where a terminal breaks it; "" if it is in JSON and CSV alone.
        meaning: what it says, for readers.
        fields: what JSON and CSV have of a row, by name: shares of 1, times in s, None for what is not known.
            The first is what pages sort by.
        text: what it shows of a row.
        numeric: whether it is set flush right and sorted by number.
        brief: whether it stands where there is room for eight columns, as in the README.
        wide: whether a terminal leaves it out, for want of room.
        optional: whether it is left out where it would say nothing of any row.
    """

    title: str
    meaning: str
    fields: Mapping[str, Value]
    text: Value = field(default=lambda row: NOTHING)
    numeric: bool = True
    brief: bool = False
    wide: bool = False
    optional: bool = False

    @property
    def heading(self) -> str:
        """The title on one line."""
        return self.title.replace("-\n", "").replace("\n", " ")

    def value(self, row: Row) -> Any:
        """Return what pages sort a row by."""
        return next(iter(self.fields.values()))(row)


def _simple(
    name: str, title: str, meaning: str, value: Value, written: Callable[[Any], str], **options: Any
) -> Column:
    """Return a column whose text is its only value, written out."""
    return Column(title, meaning, {name: value}, lambda row: written(value(row)), **options)


def _percent2(value: float | None) -> str:
    return formats.percent(value, 2)


def _low_step_hit_share(row: Row) -> float | None:
    hits, low = row.mean(row.runs["hit_ratio"]), row.mean(row.runs["low_hits"])
    return None if low is None or not hits else low / hits


def _gap(row: Row) -> str:
    low, high = (None, None) if row.interval is None else row.interval
    text, ends = _percent2(row.gap), formats.between(_percent2(low), _percent2(high))
    return text if ends in (text, NOTHING) else f"{text} ({ends})"


def _seconds(column: str) -> Value:
    """Return the geometric mean over instances of the charged times in a column."""
    return lambda row: geometric_mean(row.by_instance(row.runs.charged_s(column)), row.table)


def _scaled(row: Row) -> float | None:
    seconds = _seconds("answer_s")(row)
    return None if seconds is None or not row.reference_s else seconds * NOMINAL_S / row.reference_s


def _training(row: Row) -> str:
    manifest = row.entry.manifest if row.entry else None
    if manifest is None or manifest.training_s is None:
        return NOTHING
    device = f" {manifest.training_device}" if manifest.training_device else ""
    return f"{formats.duration(manifest.training_s)}{device}"


def _seeds(row: Row) -> str:
    if row.kind != "learned":
        return str(row.seeds)
    return "this policy" if row.seeds == 1 else f"{row.seeds} trained"


def _manifest(name: str) -> Value:
    return lambda row: getattr(row.entry.manifest, name) or None if row.entry else None


def _ends(question: str, end: int) -> Value:
    return lambda row: None if (found := row.range(question)) is None else found[end]


def _range(question: str) -> Value:
    return lambda row: formats.between(*map(str, found)) if (found := row.range(question)) else NOTHING


def _range_fields(prefix: str, question: str) -> dict[str, Value]:
    return {f"{prefix}_low": _ends(question, 0), f"{prefix}_high": _ends(question, 1)}


def _most_broken(row: Row) -> str | None:
    return max(row.raw.rate, key=lambda name: row.raw.rate[name], default=None)


COLUMNS = (
    Column("rank", "ranks that the seeds leave open on these instances; a dash for a row that is not ranked",
           {**_range_fields("rank", "here"), "rank": lambda row: row.rank,
            "unranked": lambda row: row.unranked},
           _range("here"), brief=True),
    Column("solver", "its name and the parameters not at their defaults; = marks identical answers",
           {"solver": lambda row: row.solver, "identical": lambda row: list(row.identical)},
           lambda row: row.solver + (" =" if row.identical else ""), numeric=False, brief=True),
    _simple("kind", "kind", "exact, relaxation, heuristic, learned or baseline, as its entry says",
            lambda row: row.kind, lambda kind: kind or NOTHING, numeric=False, brief=True, wide=True),
    Column("gap", "mean of (cost - best known) / best known over all instances; in brackets what the seeds "
           "leave open, at 95 %",
           {"gap": lambda row: row.gap, "gap_low": lambda row: row.interval and row.interval[0],
            "gap_high": lambda row: row.interval and row.interval[1]}, _gap, brief=True),
    Column("rank, new\nrequests", "ranks left open for the same libraries and numbers of users with new "
           "requests; only where new libraries cannot be told of", _range_fields("request_rank", "requests"),
           _range("requests"), wide=True, optional=True),
    Column("rank, new\nlibraries", "ranks left open for new libraries, policies trained anew",
           _range_fields("draw_rank", "libraries"), _range("libraries"), wide=True, optional=True),
    Column("not told\napart", "rows that share a letter could not be told apart for new libraries, or for "
           "new requests where libraries are too few; that does not make them equal",
           {"group": lambda row: row.group, "may_be_first": lambda row: row.may_be_first},
           lambda row: (row.group or NOTHING) + (" first?" if row.may_be_first else ""), numeric=False,
           wide=True, optional=True),
    _simple("mean_cost", "mean\ncost", "mean of the cost (11) over all instances; lower is better",
            lambda row: row.mean(row.runs.cost), formats.cost),
    _simple("hit_ratio", "hit\nratio", "share of the requests whose model is cached",
            lambda row: row.mean(row.runs["hit_ratio"]), formats.percent),
    _simple("low_step_hit_share", "hits\n<= A1", "share of the hits with at most A1 denoising steps",
            _low_step_hit_share, formats.percent, wide=True),
    _simple("feasible_share", "feas-\nible", "share of the runs that gave a verified solution",
            lambda row: row.verified / row.count, formats.percent, brief=True),
    Column("fail-\nures", "runs that failed, by kind, or declined: each counts as caching nothing and as ten "
           "time limits", {"failures": lambda row: row.failures, "declined": lambda row: row.declined,
                                  "charged_gap": lambda row: row.charged_gap,
                                  "runs": lambda row: row.count, "verified": lambda row: row.verified},
           lambda row: row.failures_text or NOTHING, numeric=False, optional=True),
    _simple("mean_answer_s", "time", "time until the answer in a fresh process, loading included: shifted "
            "geometric mean over instances", _seconds("answer_s"), formats.duration, brief=True),
    _simple("mean_solve_s", "solve", "the same of the time inside solve alone", _seconds("solve_s"),
            formats.duration, wide=True),
    Column("time,\nscaled", "that time on a machine whose fixed computation takes 4 ms",
           {"scaled_answer_s": _scaled},
           lambda row: formats.duration(_scaled(row)) if row.table.unequal_machines else NOTHING,
           wide=True, optional=True),
    Column("", "", {"median_solve_s": lambda row: row.median_s("solve_s"),
                    "arithmetic_solve_s": lambda row: row.mean(row.runs.charged_s("solve_s")),
                    "arithmetic_answer_s": lambda row: row.mean(row.runs.charged_s("answer_s"))}),
    Column("training", "processor seconds of training, all policies, and the device; not in the times",
           {"training_s": _manifest("training_s"), "training_device": _manifest("training_device")},
           _training, brief=True, wide=True),
    Column("seeds", "repetitions; of a learned row training seeds, `this policy` where there is one",
           {"seeds": lambda row: row.seeds}, _seeds, brief=True),
    Column("covers", "instances attempted, of all; a row is ranked when it has attempted every one",
           {"covered": lambda row: row.covered}, lambda row: f"{row.covered}/{row.runs.shape[1]}", wide=True),
    _simple("tier", "tier", "how far its entry can be trusted", lambda row: row.tier,
            lambda tier: tier or NOTHING, numeric=False, wide=True, optional=True),
    Column("raw\nbroken", "share of the slots in which answers broke a constraint before their repair, "
           "where reported: the constraint broken most often",
           {"raw_broken": lambda row: row.raw.worst, "raw_cost": lambda row: row.raw.cost,
            "raw_rate": lambda row: dict(row.raw.rate), "raw_excess": lambda row: dict(row.raw.excess),
            "broken_most": _most_broken},
           lambda row: formats.percent(row.raw.worst), wide=True, optional=True),
    Column("", "", {"machine": lambda row: row.machine, "reference_s": lambda row: row.reference_s,
                    "version": lambda row: row.version, "date": lambda row: row.date}),
)  # fmt: skip


def numbers(row: Row) -> dict[str, Any]:
    """Return what JSON and CSV have of a row, by name."""
    return {name: value(row) for column in COLUMNS for name, value in column.fields.items()}


def visible_columns(table: Table, brief: bool = False) -> list[Column]:
    """Return the columns that a table shows; the eight brief ones alone if that is asked."""
    return [
        column
        for column in COLUMNS
        if column.title
        and (column.brief or not brief)
        and (not column.optional or any(column.text(row) != NOTHING for row in table.rows))
    ]
