"""The numbers of a row, and the columns of a ranking for every rendering: a new one is one of `COLUMNS`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas

from mincache.board.runs import DECLINED, VERIFIED
from mincache.board.table import NOMINAL_S, Row, Table, known
from mincache.judging.records import Broken
from mincache.problem.constraints import CONSTRAINTS

NOTHING = "-"


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
    # A float of three digits is written without an exponent.
    return f"{float(f'{seconds:.3g}'):.15g} s" if seconds >= 1.0 else f"{seconds * 1e3:.3g} ms"


def failures(kinds: Mapping[str, int], declined: int = 0) -> str:
    """Return failures and declined runs, such as `3 crash, 1 declined`; "" if there are none."""
    return ", ".join(f"{n} {kind}" for kind, n in (*kinds.items(), ("declined", declined)) if n)


def between(low: str, high: str) -> str:
    """Return a range of two texts, one of them where they are equal."""
    return low if low == high else f"{low} to {high}"


@lru_cache(maxsize=256)
def numbers(row: Row) -> Mapping[str, Any]:
    """Return what JSON and CSV have of a row, by name: shares of 1, times in s, None if unknown."""
    unseen = row.table.unseen.rows.get(row.who, {}) if row.table.unseen else {}
    public, sealed = unseen.get("public_gap"), unseen.get("sealed_gap")
    hits, low = row.mean("hit_ratio"), row.mean("low_hits")
    answer_s, said = _seconds(row, "charged_answer_s"), row.entry and row.entry.manifest
    return {
        **_ends("rank", row.range("here")), "rank": row.rank, "unranked": row.unranked,
        "solver": row.solver, "identical": list(row.identical), "kind": row.kind,
        "gap": row.gap, **_ends("gap", row.interval),
        **_ends("request_rank", row.range("requests")), **_ends("draw_rank", row.range("libraries")),
        **_told_apart(row),
        "information": row.information, **_ends("level_rank", row.range_in_level()),
        "over_causal": row.mean("gap", less=row.runs.causal_gap) if row.information == "past" else None,
        "public_rank": unseen.get("public_rank"), "sealed_rank": unseen.get("sealed_rank"),
        "sealed_less_public": None if public is None or sealed is None else sealed - public,
        "sealed_less_public_low": unseen.get("low"), "sealed_less_public_high": unseen.get("high"),
        "public_gap": public, "sealed_gap": sealed, "fitted_p": unseen.get("p"),
        "fitted": unseen.get("fitted"),
        "mean_cost": row.mean("charged_cost"), "hit_ratio": hits,
        "low_step_hit_share": low / hits if hits and low is not None else None,
        "feasible_share": row.verified / len(row.frame),
        "failures": {kind: n for kind, n in row.outcomes.items() if kind not in (VERIFIED, DECLINED)},
        "declined": row.outcomes.get(DECLINED, 0),
        "charged_gap": row.mean("charged_gap") if row.verified < len(row.frame) else 0.0,
        "runs": len(row.frame), "verified": row.verified,
        "mean_answer_s": answer_s, "mean_solve_s": _seconds(row, "charged_solve_s"),
        "scaled_answer_s": known((answer_s or math.nan) * NOMINAL_S / (row.reference_s or math.nan)),
        "median_solve_s": known(row.frame["charged_solve_s"].median(skipna=False)),
        "arithmetic_solve_s": row.mean("charged_solve_s"),
        "arithmetic_answer_s": row.mean("charged_answer_s"),
        "training_s": (said and said.training_s) or None,
        "training_device": (said and said.training_device) or None,
        "seeds": row.seeds, "covered": row.covered, "tier": row.tier,
        **_before_repair(row.frame),
        "machine": row.machine, "reference_s": row.reference_s, "version": row.version, "date": row.date,
    }  # fmt: skip


def _ends(name: str, ends: tuple[float, float] | None) -> dict[str, float | None]:
    low, high = ends or (None, None)
    return {f"{name}_low": low, f"{name}_high": high}


def _told_apart(row: Row) -> dict[str, Any]:
    """Letters of the rows that it could not be told apart from, and whether it may be the true first."""
    if row.table.told_apart is None or row.unranked:
        return {"group": None, "may_be_first": None}
    question, found = row.table.told_apart
    ends = row.range(question)
    group = found.groups[row.table.ranked.index(row)] or None
    return {"group": group, "may_be_first": ends and ends[0] == 1}


def _seconds(row: Row, column: str) -> float | None:
    """The geometric mean over instances of charged times, shifted as the protocol says."""
    shift = row.runs.protocol.time_shift_s
    return known(float(np.exp(np.log(row.by_instance(column) + shift).mean()) - shift))


def _before_repair(runs: pandas.DataFrame) -> dict[str, Any]:
    """Mean cost of raw answers, and rate and mean excess of what they broke.

    Each instance counts by the mean over its runs that report raw decisions.
    """
    reported, kept = runs[runs["raw"].notna()], Broken(rate=0.0, mean_excess=0.0)
    columns = {"cost": [score.cost for score in reported["raw"]]}
    for name in CONSTRAINTS:
        broken = [score.violations.get(name, kept) for score in reported["raw"]]
        columns[name] = [one.rate for one in broken]
        columns[f"excess of {name}"] = [one.rate * one.mean_excess for one in broken]
    flat = pandas.DataFrame(columns, dtype=float).groupby(reported["instance"].to_numpy())
    means = flat.mean(skipna=False).mean(skipna=False).to_dict()
    rate = {name: means[name] for name in CONSTRAINTS if means[name] > 0.0}
    excess = {name: means[f"excess of {name}"] / rate[name] for name in rate}
    worst = max(rate, key=rate.__getitem__, default=None)
    raw_cost = known(means["cost"])
    least = None if raw_cost is None else 0.0
    return {"raw_broken": rate[worst] if worst else least, "raw_cost": raw_cost, "raw_rate": rate,
            "raw_excess": excess, "broken_most": worst}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        title: what stands above it, broken where a terminal breaks it.
        names: of the `numbers` that it shows, or of attributes of the row; pages sort by the first.
        form: writes these as text.
        brief: whether it stands in the README; one that is `wide` is left out of a terminal for want of room,
            an `optional` one where it would say nothing.
        where: for which tables it says something.
    """

    title: str
    meaning: str
    names: str
    form: Callable[..., str]
    numeric: bool = True
    brief: bool = False
    wide: bool = False
    optional: bool = False
    where: Callable[[Table], object] = lambda table: True

    @property
    def heading(self) -> str:
        """The title on one line."""
        return self.title.replace("-\n", "").replace("\n", " ")

    def values(self, row: Row) -> list[Any]:
        """Return the numbers that it shows of a row; pages sort by the first."""
        found = numbers(row)
        return [found[name] if name in found else getattr(row, name) for name in self.names.split()]

    def text(self, row: Row) -> str:
        """Return what stands in it."""
        values = self.values(row)
        nothing = all(value in (None, "") for value in values) or not self.where(row.table)
        return NOTHING if nothing else self.form(*values)


def _range(low: int, high: int) -> str:
    return between(str(low), str(high))


def _precise(share: float) -> str:
    return percent(share, 2)


def _gap(gap: float, low: float | None, high: float | None) -> str:
    text, ends = _precise(gap), between(percent(low, 2), percent(high, 2))
    return text if ends in (text, NOTHING) else f"{text} ({ends})"


def _difference(value: float, low: float, high: float, fitted: bool | None) -> str:
    mark = {True: " fitted", False: "", None: " ?"}[fitted]
    return f"{_precise(value)} ({between(_precise(low), _precise(high))}){mark}"


def _training(seconds: float | None, device: str | None) -> str:
    return NOTHING if seconds is None else duration(seconds) + (f" {device}" if device else "")


def _seeds(seeds: int, kind: str) -> str:
    return str(seeds) if kind != "learned" else "this policy" if seeds == 1 else f"{seeds} trained"


COLUMNS = (
    Column("rank", "ranks that the seeds leave open on these instances; a dash for a row that is not ranked",
           "rank_low rank_high", _range, brief=True),
    Column("solver", "its name and the parameters not at their defaults; = marks identical answers",
           "solver identical", lambda solver, same: solver + (" =" if same else ""), numeric=False,
           brief=True),
    Column("kind", "exact, relaxation, heuristic, learned or baseline, as its entry says", "kind", str,
           numeric=False, brief=True, wide=True),
    Column("gap", "mean of (cost - best known) / best known over all instances; in brackets what the seeds "
           "leave open, at 95 %", "gap gap_low gap_high", _gap, brief=True),
    Column("rank, new\nrequests", "ranks left open for the same libraries and numbers of users with new "
           "requests; only where new libraries cannot be told of", "request_rank_low request_rank_high",
           _range, wide=True, optional=True),
    Column("rank, new\nlibraries", "ranks left open for new libraries, policies trained anew",
           "draw_rank_low draw_rank_high", _range, wide=True, optional=True),
    Column("not told\napart", "rows that share a letter could not be told apart for new libraries, or for "
           "new requests where libraries are too few; that does not make them equal", "group may_be_first",
           lambda group, first: (group or NOTHING) + (" first?" if first else ""), numeric=False, wide=True,
           optional=True),
    Column("level", "what it sees before it decides on a slot's cache: past, slot, or all of the trace",
           "information", str, numeric=False, wide=True, optional=True,
           where=lambda table: table.levels != ["trace"]),
    Column("rank in\nlevel", "ranks left open on these instances among the rows of one level",
           "level_rank_low level_rank_high", _range, wide=True, optional=True,
           where=lambda table: len(table.levels) > 1),
    Column("over best\ncausal", "gap of a row that sees the past alone, less that of the best such policy",
           "over_causal", _precise, wide=True, optional=True),
    Column("public\nrank", "rank on the public suite, among the frozen entries that ran there too",
           "public_rank", str, wide=True, optional=True),
    Column("sealed\nrank", "rank of the same entries on instances that nobody had seen when they were frozen",
           "sealed_rank", str, wide=True, optional=True),
    Column("sealed less\npublic gap", "difference of the mean gaps, its interval for new libraries at 95 %; "
           "`fitted`: worse on sealed instances by more than chance; `?`: fewer than six libraries",
           "sealed_less_public sealed_less_public_low sealed_less_public_high fitted", _difference, wide=True,
           optional=True),
    Column("mean\ncost", "mean of the cost (11) over all instances; lower is better", "mean_cost", cost),
    Column("hit\nratio", "share of the requests whose model is cached", "hit_ratio", percent),
    Column("hits\n<= A1", "share of the hits with at most A1 denoising steps", "low_step_hit_share", percent,
           wide=True),
    Column("feas-\nible", "share of the runs that gave a verified solution", "feasible_share", percent,
           brief=True),
    Column("fail-\nures", "runs that failed, by kind, or declined: each counts as caching nothing and as ten "
           "time limits", "failures declined", lambda kinds, declined: failures(kinds, declined) or NOTHING,
           numeric=False, optional=True),
    Column("time", "time until the answer in a fresh process, loading included: shifted geometric mean over "
           "instances", "mean_answer_s", duration, brief=True),
    Column("solve", "the same of the time inside solve alone", "mean_solve_s", duration, wide=True),
    Column("time,\nscaled", "that time on a machine whose fixed computation takes 4 ms", "scaled_answer_s",
           duration, wide=True, optional=True, where=lambda table: table.unequal_machines),
    Column("training", "processor seconds of training, all policies, and the device; not in the times",
           "training_s training_device", _training, brief=True, wide=True),
    Column("seeds", "repetitions; of a learned row training seeds, `this policy` where there is one",
           "seeds kind", _seeds, brief=True),
    Column("covers", "instances attempted, of all; a row is ranked when it has attempted every one",
           "covered instances", "{}/{}".format, wide=True),
    Column("tier", "how far its entry can be trusted", "tier", str, numeric=False, wide=True, optional=True),
    Column("raw\nbroken", "share of the slots in which answers broke a constraint before their repair, "
           "where reported: the constraint broken most often", "raw_broken", percent, wide=True,
           optional=True),
)  # fmt: skip


def visible_columns(table: Table, brief: bool = False) -> list[Column]:
    """Return the columns that a table shows; the eight brief ones alone if that is asked."""
    found = [one for one in COLUMNS if one.brief or not brief]
    return [one for one in found if not one.optional or any(one.text(row) != NOTHING for row in table.rows)]
