"""The charts of a ranking: for each kind its title, its numbers as flat rows, and how they are drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np

from mincache.board.comparison import Told
from mincache.board.runs import DECLINED, VERIFIED
from mincache.board.table import Row, Table
from mincache.errors import InputError
from mincache.generation.recipes import RELATIVE_TOLERANCE
from mincache.site import drawing
from mincache.site.drawing import ChartRows, gap_axis, lines, time_axis
from mincache.site.targets import by_evaluations, coarse, draw_logged, logged, reached, rounded, steps

MOST_SOLVERS = drawing.MOST_COLOURS
"""A chart of lines shows so many, the first of the table: there are no more colours to tell them apart by."""
MOST_ROWS = 30
"""A chart with a row a solver shows so many, a page of them."""
_MOST_TICKS = 61
_TO_BEST = "to the best known cost (%)"
_GAP = f"mean gap {_TO_BEST}"
_STEPS = {"interpolate": "step-after"}
_FAULTS = ("#c2512f", "#d9a13b", "#7d5ba6", "#3a8f6b", "#a63a50", "#5f6b73")


def solved(table: Table) -> list[Row]:
    """Return the rows that have a mean gap and solved something, in the table's order."""
    return [row for row in table.compared if row.verified]


def _gaps(table: Table) -> ChartRows:
    """Gap in % on each instance (of very many, percentiles), and the mean of each row."""
    found = []
    for row in solved(table)[:MOST_ROWS]:
        values = row.by_instance("gap")
        if len(values) > _MOST_TICKS:
            values = np.quantile(values, np.linspace(0, 1, _MOST_TICKS))
        found += [{"solver": row.solver, "gap": _percent(gap)} for gap in values.tolist()]
        found.append({"solver": row.solver, "mean": _percent(row.gap or 0.0)})
    return found


def _draw_gaps(rows: ChartRows) -> Any:
    alt, base = drawing.altair(), drawing.marks(rows).encode(y=drawing.solver_axis())
    ticks = base.mark_tick(opacity=0.85, size=13, thickness=1.5, color=drawing.BLUE)
    means = base.mark_point(shape="diamond", filled=True, size=80, color=drawing.RED, opacity=1)
    x = gap_axis("gap", f"gap {_TO_BEST}", "X")
    return alt.layer(ticks.encode(x), means.encode(alt.X("mean:Q", title="")))


def _profile(table: Table) -> ChartRows:
    """Performance profile of the costs: share of instances within each ratio of the best.

    Source: Dolan and More 2002, doi:10.1007/s101070100263.
    """
    rows = solved(table)[:MOST_SOLVERS]
    if not rows:
        return []
    costs = np.array([row.by_instance("charged_cost") for row in rows])
    excess = np.maximum(costs / costs.min(axis=0) - 1.0, 0.0)
    excess[excess <= RELATIVE_TOLERANCE] = 0.0
    return [
        {"solver": row.solver, "excess": _percent(x), "share": rounded(share)}
        for row, values in zip(rows, excess, strict=True)
        for x, share in steps(values, 0.0, float(excess.max()))
    ]


def _tradeoff(table: Table) -> ChartRows:
    """Mean gap in % and time until the answer in a fresh process of each row."""
    return [
        {"solver": row.solver, "gap": _percent(row.gap or 0.0), "seconds": rounded(seconds)}
        for row in solved(table)
        if (seconds := row.mean("charged_answer_s")) is not None
    ][:MOST_SOLVERS]


def _draw_tradeoff(rows: ChartRows) -> Any:
    alt, points = drawing.altair(), drawing.marks(rows).mark_point(filled=True, size=90, opacity=1)
    x, y = time_axis(rows, "time until the answer in a fresh process"), gap_axis("gap", _GAP)
    tooltip = ["solver:N", alt.Tooltip("gap:Q", title="gap (%)"), alt.Tooltip("seconds:Q", title="time (s)")]
    return alt.layer(points.encode(x, y, *drawing.told_apart(rows, "solver", "Shape"), tooltip=tooltip))


def _by_users(table: Table) -> ChartRows:
    """Mean gap in % of each row for each number of users; nothing if the suite is not at hand."""
    return [
        {"solver": row.solver, "users": users, "gap": _percent(gaps[row.number])}
        for users, gaps in table.runs.gaps_by(table.runs.users).items()
        for row in solved(table)[:MOST_SOLVERS]
    ]


@lru_cache(maxsize=1)
def _anytime(table: Table) -> ChartRows:
    """Share of (run, target gap) pairs that each row has reached by each time."""
    targets = np.array(table.runs.protocol.targets)
    found = {row.solver: reached(row, "trace", targets) for row in solved(table)[:MOST_SOLVERS]}
    times = np.concatenate([values[np.isfinite(values)] for values in found.values()] or [np.array([])])
    # To the time limit; without one to the longest of the runs' own, or a second.
    limit_s = table.runs.protocol.wall_s or float(np.nan_to_num(table.runs.frame["limit_s"].max())) or 1.0
    first, last = float(times.min() if len(times) else 1e-3), float(times.max(initial=limit_s))
    return [
        {"solver": name, "seconds": seconds, "share": rounded(share)}
        for name, values in found.items()
        for seconds, share in steps(coarse(values), first / 2, last)
    ]


def _outcomes(table: Table) -> ChartRows:
    rows = [] if table.runs.frame["verified"].all() else table.rows
    return [{"solver": row.solver, "outcome": k, "runs": n} for row in rows for k, n in row.outcomes.items()]


def _draw_outcomes(rows: ChartRows) -> Any:
    alt, found = drawing.altair(), {row["outcome"] for row in rows}
    colours = {VERIFIED: drawing.BLUE, DECLINED: drawing.GRAY}
    colours |= dict(zip(sorted(found - colours.keys()), cycle(_FAULTS), strict=False))
    shown = [kind for kind in colours if kind in found]
    colour = alt.Color("outcome:N", title=None).scale(domain=shown, range=[colours[kind] for kind in shown])
    x = alt.X("runs:Q", title="runs", stack="zero").axis(tickMinStep=1)
    tooltip = ["solver:N", "outcome:N", "runs:Q"]
    return alt.layer(drawing.marks(rows).mark_bar().encode(x, drawing.solver_axis(), colour, tooltip=tooltip))


def _break_even(table: Table) -> ChartRows:
    """Seconds with training against instances answered in one process, loaded once, if any is trained."""
    timed = []
    for row in solved(table):
        each, whole = row.mean("charged_solve_s"), row.mean("charged_answer_s")
        training = (row.entry.manifest.training_s if row.entry else None) or 0.0
        if each is not None and whole is not None:
            timed.append((row.solver, training, whole - each, each))
    if not any(training for _, training, *_ in timed):
        return []
    return [
        {"solver": solver, "instances": n, "seconds": rounded(training + loading + n * each)}
        for solver, training, loading, each in timed[:MOST_SOLVERS]
        for n in (10**power for power in range(7))
    ]


class ChartKind(NamedTuple):
    """A kind of chart: its title, its rows (given a table), its drawing."""

    title: str
    data: Callable[[Table], ChartRows]
    drawn: Callable[[ChartRows], Any]


KINDS: Mapping[str, ChartKind] = {
    "gap": ChartKind("Gap on each instance; the diamond is the mean", _gaps, _draw_gaps),
    "faults": ChartKind("How runs ended", _outcomes, _draw_outcomes),
    "profile": ChartKind(
        "Performance profile: share of instances within a factor of the best solver's cost", _profile,
        lambda rows: lines(rows, gap_axis("excess", "above the best solver's cost by at most (%)", "X"),
                           drawing.share_axis("share of instances"), **_STEPS)),
    "anytime": ChartKind(
        "Share of target gaps reached against time", _anytime,
        lambda rows: lines(rows, time_axis(rows, "time since solve began"),
                           drawing.share_axis("share of target gaps reached"), **_STEPS)),
    "evaluations": ChartKind(
        "Share of target gaps reached against evaluations (51, from 100 % to 0.001 %)",
        lambda table: by_evaluations(solved(table)[:MOST_SOLVERS]),
        lambda rows: lines(rows, drawing.log_axis(rows, "evaluations", "evaluations", format="~s"),
                           drawing.share_axis("share of target gaps reached"), **_STEPS)),
    "log": ChartKind("What solvers logged, a line a run",
                     lambda table: logged(solved(table)[:MOST_SOLVERS]), draw_logged),
    "time": ChartKind("Mean gap against mean time until the answer", _tradeoff, _draw_tradeoff),
    "users": ChartKind("Mean gap against the number of users", _by_users,
                       lambda rows: lines(rows, drawing.users_axis(rows, 12), gap_axis("gap", _GAP))),
    "training": ChartKind(
        "Time spent, training included, against instances answered in one process", _break_even,
        lambda rows: lines(rows, drawing.log_axis(rows, "instances", "instances solved", format="~s"),
                           time_axis(rows, "time spent, training included", "Y"))),
}  # fmt: skip
"""The kinds of chart, in the order of the site."""


class Chart(NamedTuple):
    """A chart: its title, the rows that it is drawn from, and its Vega-Lite specification."""

    title: str
    rows: ChartRows
    specification: dict[str, Any]


def chart(kind: str, table: Table) -> Chart | None:
    """Return a chart, one of `KINDS`; None if there is nothing to draw."""
    if kind not in KINDS:
        raise InputError("chart", f"must be one of {', '.join(KINDS)}", repr(kind))
    return _drawn(kind, KINDS[kind].data(table), len(solved(table)))


def _drawn(kind: str, rows: ChartRows, ranked: int = 0) -> Chart | None:
    """A chart of rows, which may be of fewer solvers than the `ranked` ones."""
    if not rows:
        return None
    solvers = len({row["solver"] for row in rows})
    height = drawing.ROW_HEIGHT * solvers if kind in ("gap", "faults") else drawing.HEIGHT
    titled = {"title": f"the first {solvers} of {ranked} solvers"} if solvers < ranked else {}
    sized = titled if kind == "log" else {"width": drawing.WIDTH, "height": height} | titled
    return Chart(KINDS[kind].title, rows, drawing.finished(KINDS[kind].drawn(rows), **sized))


def solver_charts(row: Row) -> dict[str, Chart]:
    """Return the charts of one solver by name: its gap on each instance, and the targets it reached."""
    entries = {} if row.runs.suite is None else row.runs.suite.entries
    gaps = [
        {"instance": name, "gap": _percent(gap)}
        | ({"users": entries[name].users, "library": f"library {entries[name].library}"} if entries else {})
        for name, gap in zip(row.runs.instances, row.by_instance("gap").tolist(), strict=True)
        if math.isfinite(gap)
    ]
    times = [one for one in _anytime(row.table) if one["solver"] == row.solver]
    found = {
        "gap": Chart("Gap on each instance", gaps, _draw_instances(gaps)) if gaps else None,
        "anytime": _drawn("anytime", times),
    }
    return {name: one for name, one in found.items() if one is not None}


def _draw_instances(rows: ChartRows) -> dict[str, Any]:
    rows = [{"users": 0, "library": "all", **row} for row in rows]
    several = 1 < len({row["library"] for row in rows}) <= drawing.MOST_COLOURS
    points = drawing.marks(rows).mark_point(filled=True, size=60, opacity=0.75)
    drawn = points.encode(
        drawing.users_axis(rows, 20), gap_axis("gap", f"gap {_TO_BEST}"),
        *(drawing.told_apart(rows, "library", "Shape") if several else ()), tooltip=["instance:N", "gap:Q"],
    )  # fmt: skip
    return drawing.finished(drawn, width=drawing.WIDTH, height=drawing.HEIGHT)


def scatter(comparisons: Sequence[Told]) -> dict[str, Any]:
    """Return the specification of a chart with a point an instance: one cost against the other."""
    alt, rows = drawing.altair(), []
    for one in comparisons:
        first, second = one["first"], one["second"]
        versus = first if first == second else f"A {first}, B {second}"
        rows += [{"solver": versus} | pair for pair in one["pairs"]]
    costs = [cost for row in rows for cost in (row["first"], row["second"])]
    ends = [{"first": end, "second": end} for end in (min(costs), max(costs))] if costs else []
    x = alt.X("first:Q", title="cost of A").scale(zero=False)
    y = alt.Y("second:Q", title="cost of B").scale(zero=False)
    equal = drawing.marks(ends).mark_line(color="gray").encode(x, y)
    told = drawing.told_apart(rows, "solver", "Shape")
    points = drawing.marks(rows).mark_point(size=50).encode(x, y, *told)
    return drawing.finished(alt.layer(equal, points), width=drawing.WIDTH, height=drawing.WIDTH)


def _percent(share: float) -> float:
    return rounded(100 * share)
