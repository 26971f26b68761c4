"""The columns of a ranking, for every rendering: a new column is one more in `COLUMNS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mincache.board import formats
from mincache.board.formats import NOTHING
from mincache.board.runs import DECLINED, VERIFIED
from mincache.board.table import NOMINAL_S, Row, Table, known

Value = Callable[[Row], Any]


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        title: what stands above it, broken where a terminal breaks it; "" if it is in JSON and CSV alone.
        fields: what JSON and CSV have: shares of 1, times in s, None if unknown. Pages sort by the first.
        brief: whether it stands in the README; one that is `wide` is left out of a terminal for want of room,
            an `optional` one where it would say nothing.
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
    return Column(title, meaning, {name: value}, lambda row: written(value(row)), **options)


def _mean(column: str) -> Value:
    return lambda row: row.mean(column)


def _low_step_hit_share(row: Row) -> float | None:
    hits, low = row.mean("hit_ratio"), row.mean("low_hits")
    return low / hits if hits and low is not None else None


def _gap(row: Row) -> str:
    text, *written = (formats.percent(gap, 2) for gap in (row.gap, *(row.interval or (None, None))))
    ends = formats.between(*written)
    return text if ends in (text, NOTHING) else f"{text} ({ends})"


def _seconds(column: str) -> Value:
    """Return the geometric mean over instances of charged times, shifted as the protocol says."""

    def mean(row: Row) -> float | None:
        shift = row.runs.protocol.time_shift_s
        return known(float(np.exp(np.log(row.by_instance(column) + shift).mean()) - shift))

    return mean


def _scaled(row: Row) -> float | None:
    seconds = _seconds("charged_answer_s")(row)
    return None if seconds is None or not row.reference_s else seconds * NOMINAL_S / row.reference_s


def _training(row: Row) -> str:
    seconds, device = (_manifest(name)(row) for name in ("training_s", "training_device"))
    return NOTHING if seconds is None else formats.duration(seconds) + (f" {device}" if device else "")


def _seeds(row: Row) -> str:
    if row.kind != "learned":
        return str(row.seeds)
    return "this policy" if row.seeds == 1 else f"{row.seeds} trained"


def _manifest(name: str) -> Value:
    return lambda row: getattr(row.entry.manifest, name) or None if row.entry else None


def _failures(row: Row) -> dict[str, int]:
    return {kind: n for kind, n in row.outcomes.items() if kind not in (VERIFIED, DECLINED)}


def _group(row: Row) -> str | None:
    """Letters of the rows that it could not be told apart from; None where nothing can be told."""
    found = row.table.told_apart
    return None if found is None or row.unranked else found[1].groups[row.table.ranked.index(row)] or None


def _may_be_first(row: Row) -> bool | None:
    """Whether its range begins at 1: these rows together hold the true first."""
    ends = row.range(row.table.told_apart[0]) if row.table.told_apart else None
    return None if ends is None else ends[0] == 1


def _written_range(ends: tuple[int, int] | None) -> str:
    return formats.between(*map(str, ends)) if ends else NOTHING


def _ends(prefix: str, question: str) -> dict[str, Value]:
    return {
        f"{prefix}_low": lambda row: (row.range(question) or (None, None))[0],
        f"{prefix}_high": lambda row: (row.range(question) or (None, None))[1],
    }


def _over_causal(row: Row) -> float | None:
    """How far a row that sees the past alone is above the best such policy, of the best known cost."""
    seen = row.information == "past"
    return known(float((row.by_instance("gap") - row.runs.causal_gap).mean())) if seen else None


def _unseen(name: str) -> Value:
    return lambda row: row.table.unseen and row.table.unseen.rows.get(row.who, {}).get(name)


def _unseen_difference(row: Row) -> float | None:
    public, sealed = _unseen("public_gap")(row), _unseen("sealed_gap")(row)
    return None if public is None else sealed - public


def _unseen_text(row: Row) -> str:
    difference = _unseen_difference(row)
    if difference is None:
        return NOTHING
    ends = (formats.percent(_unseen(end)(row), 2) for end in ("low", "high"))
    mark = {True: " fitted", False: "", None: " ?"}[_unseen("fitted")(row)]
    return f"{formats.percent(difference, 2)} ({formats.between(*ends)}){mark}"


COLUMNS = (
    Column("rank", "ranks that the seeds leave open on these instances; a dash for a row that is not ranked",
           {**_ends("rank", "here"), "rank": lambda row: row.rank, "unranked": lambda row: row.unranked},
           lambda row: _written_range(row.range("here")), brief=True),
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
           "requests; only where new libraries cannot be told of", _ends("request_rank", "requests"),
           lambda row: _written_range(row.range("requests")), wide=True, optional=True),
    Column("rank, new\nlibraries", "ranks left open for new libraries, policies trained anew",
           _ends("draw_rank", "libraries"), lambda row: _written_range(row.range("libraries")), wide=True,
           optional=True),
    Column("not told\napart", "rows that share a letter could not be told apart for new libraries, or for "
           "new requests where libraries are too few; that does not make them equal",
           {"group": _group, "may_be_first": _may_be_first},
           lambda row: (_group(row) or NOTHING) + (" first?" if _may_be_first(row) else ""), numeric=False,
           wide=True, optional=True),
    Column("level", "what it sees before it decides on a slot's cache: past, slot, or all of the trace",
           {"information": lambda row: row.information},
           lambda row: row.information if row.table.levels != ["trace"] else NOTHING,
           numeric=False, wide=True, optional=True),
    Column("rank in\nlevel", "ranks left open on these instances among the rows of one level",
           {"level_rank_low": lambda row: (row.range_in_level() or (None, None))[0],
            "level_rank_high": lambda row: (row.range_in_level() or (None, None))[1]},
           lambda row: _written_range(row.range_in_level() if len(row.table.levels) > 1 else None),
           wide=True, optional=True),
    _simple("over_causal", "over best\ncausal", "gap of a row that sees the past alone, less that of the "
            "best such policy", _over_causal, lambda gap: formats.percent(gap, 2), wide=True, optional=True),
    Column("public\nrank", "rank on the public suite, among the frozen entries that ran there too",
           {"public_rank": _unseen("public_rank")}, lambda row: str(_unseen("public_rank")(row) or NOTHING),
           wide=True, optional=True),
    Column("sealed\nrank", "rank of the same entries on instances that nobody had seen when they were frozen",
           {"sealed_rank": _unseen("sealed_rank")}, lambda row: str(_unseen("sealed_rank")(row) or NOTHING),
           wide=True, optional=True),
    Column("sealed less\npublic gap", "difference of the mean gaps, its interval for new libraries at 95 %; "
           "`fitted`: worse on sealed instances by more than chance; `?`: fewer than six libraries",
           {"sealed_less_public": _unseen_difference, "sealed_less_public_low": _unseen("low"),
            "sealed_less_public_high": _unseen("high"), "public_gap": _unseen("public_gap"),
            "sealed_gap": _unseen("sealed_gap"), "fitted_p": _unseen("p"), "fitted": _unseen("fitted")},
           _unseen_text, wide=True, optional=True),
    _simple("mean_cost", "mean\ncost", "mean of the cost (11) over all instances; lower is better",
            _mean("charged_cost"), formats.cost),
    _simple("hit_ratio", "hit\nratio", "share of the requests whose model is cached",
            _mean("hit_ratio"), formats.percent),
    _simple("low_step_hit_share", "hits\n<= A1", "share of the hits with at most A1 denoising steps",
            _low_step_hit_share, formats.percent, wide=True),
    _simple("feasible_share", "feas-\nible", "share of the runs that gave a verified solution",
            lambda row: row.verified / len(row.frame), formats.percent, brief=True),
    Column("fail-\nures", "runs that failed, by kind, or declined: each counts as caching nothing and as ten "
           "time limits",
           {"failures": _failures, "declined": lambda row: row.outcomes.get(DECLINED, 0),
            "charged_gap": lambda row: row.mean("charged_gap") if row.verified < len(row.frame) else 0.0,
            "runs": lambda row: len(row.frame), "verified": lambda row: row.verified},
           lambda row: formats.failures(_failures(row), row.outcomes.get(DECLINED, 0)) or NOTHING,
           numeric=False, optional=True),
    _simple("mean_answer_s", "time", "time until the answer in a fresh process, loading included: shifted "
            "geometric mean over instances", _seconds("charged_answer_s"), formats.duration, brief=True),
    _simple("mean_solve_s", "solve", "the same of the time inside solve alone", _seconds("charged_solve_s"),
            formats.duration, wide=True),
    Column("time,\nscaled", "that time on a machine whose fixed computation takes 4 ms",
           {"scaled_answer_s": _scaled},
           lambda row: formats.duration(_scaled(row)) if row.table.unequal_machines else NOTHING,
           wide=True, optional=True),
    Column("", "", {"median_solve_s": lambda row: known(row.frame["charged_solve_s"].median(skipna=False)),
                    "arithmetic_solve_s": _mean("charged_solve_s"),
                    "arithmetic_answer_s": _mean("charged_answer_s")}),
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
            "broken_most": lambda row: max(row.raw.rate, key=row.raw.rate.__getitem__, default=None)},
           lambda row: formats.percent(row.raw.worst), wide=True, optional=True),
    Column("", "", {"machine": lambda row: row.machine, "reference_s": lambda row: row.reference_s,
                    "version": lambda row: row.version, "date": lambda row: row.date}),
)  # fmt: skip


def numbers(row: Row) -> dict[str, Any]:
    """Return what JSON and CSV have of a row, by name."""
    return {name: value(row) for column in COLUMNS for name, value in column.fields.items()}


def visible_columns(table: Table, brief: bool = False) -> list[Column]:
    """Return the columns that a table shows; the eight brief ones alone if that is asked."""
    titled = [one for one in COLUMNS if one.title and (one.brief or not brief)]
    return [one for one in titled if not one.optional or any(one.text(row) != NOTHING for row in table.rows)]
