"""Charts as Altair specifications; rendering one to SVG or PNG needs no browser and no network."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mincache.board.comparison import Comparison
from mincache.board.table import Row, Table
from mincache.errors import InputError, optional_library
from mincache.files.documents import write_bytes
from mincache.site import chart_data
from mincache.site.chart_data import ChartRows

_GAP_TICKS_PERCENT = [0, 0.1, 0.3, 1, 3, 10, 30, 100, 300]
_WIDTH, _HEIGHT, _ROW_HEIGHT = 560, 300, 26
_BLUE, _RED, _GRAY = "#3a8bb5", "#c2512f", "#8a949a"
_SOLVERS = (
    "#2a6f97", "#c8642b", "#3c8d5a", "#8a5ea8", "#b53a4e",
    "#6f7a82", "#a3841a", "#23939a", "#c0608f", "#6b5b4b",
)  # fmt: skip
_FAULTS = ("#c2512f", "#d9a13b", "#7d5ba6", "#3a8f6b", "#a63a50", "#5f6b73")
_POINT_SYMBOL, _LINE_SYMBOL = 90, 600
_DASHES = [[1, 0], [6, 3], [2, 2], [10, 3, 2, 3], [12, 4], [4, 2, 1, 2]]
_TO_BEST = "to the best known cost (%)"
_GAP_SCALE = {"type": "symlog", "constant": 0.5, "nice": False, "padding": 8}
_DURATION = (
    "datum.value >= 1 ? format(datum.value, '~r') + ' s' : datum.value > 9e-4 ? "
    "format(datum.value * 1e3, '~r') + ' ms' : format(datum.value * 1e6, '~r') + ' \u00b5s'"
)
"""A Vega expression: the label of a time in s."""
_AROUND_SVG = {"left": 25, "top": 5, "bottom": 5, "right": 30}
"""In pixels; a reader's font may be wider than the one that text was measured with."""
_MARGIN, _FEW_POWERS = 1.2, 300.0
"""Logarithmic axes: the factor they reach past the data, and below which span decades are too coarse."""
_CONFIG = {
    "range": {"category": list(_SOLVERS)},
    "legend": {"orient": "bottom", "columns": 2, "labelLimit": 260, "symbolLimit": 0},
    "axis": {
        "titleFontWeight": "normal",
        "titlePadding": 10,
        "labelPadding": 5,
        "labelOverlap": "greedy",
        "labelSeparation": 3,
    },
    "axisY": {"labelLimit": 240},
    "title": {"fontSize": 11, "fontWeight": "normal", "color": _GRAY, "anchor": "end"},
}


def chart(kind: str, table: Table) -> dict[str, Any] | None:
    """Return the Vega-Lite specification of a chart; None if there is nothing to draw.

    Args:
        kind: one of `KINDS`.
        table: the ranking.

    Raises:
        InputError: if there is no such kind.
        MissingExtraError: if altair is not installed.
    """
    if kind not in KINDS:
        raise InputError("chart", f"must be one of {', '.join(KINDS)}", repr(kind))
    return drawing(kind, KINDS[kind].data(table), len(chart_data.with_gap(table)))


def drawing(kind: str, rows: ChartRows, ranked: int = 0) -> dict[str, Any] | None:
    """Return the specification of a chart of rows, which may be of fewer solvers than the `ranked` ones."""
    if not rows:
        return None
    drawn = KINDS[kind].drawn(altair(), rows)
    solvers = len({row["solver"] for row in rows})
    height = _ROW_HEIGHT * solvers if kind in ("gap", "faults") else _HEIGHT
    if solvers < ranked:
        drawn = drawn.properties(title=f"the first {solvers} of {ranked} solvers")
    return finished(drawn.properties(width=_WIDTH, height=height))


def solver_charts(row: Row) -> dict[str, tuple[str, ChartRows, dict[str, Any]]]:
    """Return the charts of one solver by name: title, data and specification of each.

    Raises:
        MissingExtraError: if altair is not installed.
    """
    found, gaps = {}, chart_data.by_instance(row)
    if gaps:
        found["gap"] = ("Gap on each instance", gaps, finished(_instances(altair(), gaps)))
    times = [one for one in chart_data.anytime(row.table) if one["solver"] == row.solver]
    if times and (drawn := drawing("anytime", times)) is not None:
        found["anytime"] = (KINDS["anytime"].title, times, drawn)
    return found


def _instances(alt: Any, rows: ChartRows) -> Any:
    """Points of one solver's gap, an instance a point, by number of users where that is known."""
    if "users" not in rows[0]:
        rows = [row | {"users": 0, "library": "all"} for row in rows]
    counts = sorted({row["users"] for row in rows})
    x = (
        alt.X("users:Q", title="users N")
        .scale(zero=False, nice=False, padding=20)
        .axis(format="d", values=counts)
    )
    y = _gap_axis(alt, "gap:Q", f"gap {_TO_BEST}", "Y")
    points = alt.Chart(alt.InlineData(rows)).mark_point(filled=True, size=60, opacity=0.75)
    domain = list(dict.fromkeys(row["library"] for row in rows))[: len(_SOLVERS)]
    told = [
        alt.Color("library:N", title=None).scale(domain=domain),
        alt.Shape("library:N", title=None).scale(domain=domain),
    ]
    return points.encode(
        x,
        y,
        *(told if 1 < len({row["library"] for row in rows}) <= len(_SOLVERS) else []),
        tooltip=["instance:N", "gap:Q"],
    ).properties(width=_WIDTH, height=_HEIGHT)


def scatter(comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """Return the specification of a chart with a point an instance: one cost against the other.

    Raises:
        MissingExtraError: if altair is not installed.
    """
    alt = altair()
    rows = [
        {"solver": _versus(one), "first": pair.first, "second": pair.second, "instance": pair.instance}
        for one in comparisons
        for pair in one.pairs
    ]
    costs = [cost for one in comparisons for pair in one.pairs for cost in (pair.first, pair.second)]
    ends = [min(costs), max(costs)] if costs else []
    equal = alt.Chart(alt.InlineData([{"first": end, "second": end} for end in ends])).mark_line(color="gray")
    x = alt.X("first:Q", title="cost of A").scale(zero=False)
    y = alt.Y("second:Q", title="cost of B").scale(zero=False)
    points = alt.Chart(alt.InlineData(rows)).mark_point(size=50)
    drawn = alt.layer(equal.encode(x, y), points.encode(x, y, *_told_apart(alt, rows, "Shape")))
    return finished(drawn.properties(width=_WIDTH, height=_WIDTH))


def finished(drawn: Any) -> dict[str, Any]:
    """Return the specification of what was drawn, in the look that all charts share."""
    specification: dict[str, Any] = drawn.to_dict()
    return specification | {"config": _CONFIG}


def _versus(one: Comparison) -> str:
    return one.first if one.first == one.second else f"A {one.first}, B {one.second}"


def svg(specification: Mapping[str, Any]) -> bytes:
    """Return a chart as SVG on white.

    Raises:
        MissingExtraError: if vl-convert is not installed.
    """
    drawn = {"background": "white", "padding": _AROUND_SVG, **specification}
    return str(_converter().vegalite_to_svg(drawn)).encode()


def png(specification: Mapping[str, Any]) -> bytes:
    """Return a chart as PNG on white, at twice the usual density.

    Raises:
        MissingExtraError: if vl-convert is not installed.
    """
    return bytes(_converter().vegalite_to_png({"background": "white", **specification}, scale=2))


def write(specification: Mapping[str, Any], path: Path) -> None:
    """Write a chart to an .svg or .png file.

    Raises:
        InputError: if the name ends otherwise.
        MissingExtraError: if vl-convert is not installed.
    """
    draw = {".svg": svg, ".png": png}.get(path.suffix)
    if draw is None:
        raise InputError("chart", "must end in .svg or .png", repr(path.name))
    write_bytes(path, draw(specification))


def inline(specification: Mapping[str, Any], name: str, label: str) -> str:
    """Return a chart as an SVG element for a page, which takes the page's colours.

    Args:
        specification: of the chart.
        name: sets the ids in it apart from those of the page's other charts.
        label: what it shows, for those who do not see it.

    Raises:
        MissingExtraError: if vl-convert is not installed.
    """
    config = specification["config"] | {"background": None}
    drawn = str(_converter().vegalite_to_svg({**specification, "config": config, "padding": _AROUND_SVG}))
    drawn = re.sub(r'(id="|url\(#)', rf"\g<1>{name}-", drawn)
    drawn = re.sub(
        r' (?:aria-[a-z]+|role|style)="[^"]*"', "", drawn
    )  # the label below says it in one sentence
    text = label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{text}" ', 1)


def _gap(alt: Any, rows: ChartRows) -> Any:
    base = alt.Chart(alt.InlineData(rows)).encode(y=_solver_axis(alt))
    x = _gap_axis(alt, "gap:Q", f"gap {_TO_BEST}", "X")
    ticks = base.mark_tick(opacity=0.85, size=13, thickness=1.5, color=_BLUE).encode(x)
    marks = base.mark_point(shape="diamond", filled=True, size=80, color=_RED, opacity=1)
    return alt.layer(ticks, marks.encode(alt.X("mean:Q", title="")))


def _profile(alt: Any, rows: ChartRows) -> Any:
    x = _gap_axis(alt, "excess:Q", "above the best solver's cost by at most (%)", "X")
    return _lines(alt, rows, x, _share_axis(alt, "share of instances"), interpolate="step-after")


def _time(alt: Any, rows: ChartRows) -> Any:
    points = alt.Chart(alt.InlineData(rows)).mark_point(filled=True, size=90, opacity=1)
    x = _log_axis(alt, rows, "seconds", "time until the answer in a fresh process", labelExpr=_DURATION)
    tooltip = ["solver:N", alt.Tooltip("gap:Q", title="gap (%)"), alt.Tooltip("seconds:Q", title="time (s)")]
    encoded = points.encode(x, _mean_gap_axis(alt), *_told_apart(alt, rows, "Shape"), tooltip=tooltip)
    return alt.layer(encoded)


def _users(alt: Any, rows: ChartRows) -> Any:
    counts = sorted({row["users"] for row in rows})
    x = alt.X("users:Q", title="users N").scale(zero=False, nice=False, padding=12)
    return _lines(alt, rows, x.axis(format="d", values=counts), _mean_gap_axis(alt))


def _anytime(alt: Any, rows: ChartRows) -> Any:
    x = _log_axis(alt, rows, "seconds", "time since solve began", labelExpr=_DURATION)
    return _lines(alt, rows, x, _share_axis(alt, "share of target gaps reached"), interpolate="step-after")


def _faults(alt: Any, rows: ChartRows) -> Any:
    found = {row["outcome"] for row in rows}
    kinds = sorted(found - {"verified", "declined"})
    colours = {"verified": _BLUE, "declined": _GRAY}
    colours |= {kind: _FAULTS[n % len(_FAULTS)] for n, kind in enumerate(kinds)}
    shown = [kind for kind in colours if kind in found]
    colour = alt.Color("outcome:N", title=None).scale(domain=shown, range=[colours[kind] for kind in shown])
    x = alt.X("runs:Q", title="runs", stack="zero").axis(tickMinStep=1)
    bars = alt.Chart(alt.InlineData(rows)).mark_bar()
    return alt.layer(bars.encode(x, _solver_axis(alt), colour, tooltip=["solver:N", "outcome:N", "runs:Q"]))


def _training(alt: Any, rows: ChartRows) -> Any:
    x = _log_axis(alt, rows, "instances", "instances solved", format="~s")
    y = _log_axis(alt, rows, "seconds", "time spent, training included", "Y", labelExpr=_DURATION)
    return _lines(alt, rows, x, y)


class ChartKind(NamedTuple):
    """A kind of chart: its title, its rows (given a table), its drawing."""

    title: str
    data: Callable[[Table], ChartRows]
    drawn: Callable[[Any, ChartRows], Any]


KINDS: Mapping[str, ChartKind] = {
    "gap": ChartKind("Gap on each instance; the diamond is the mean", chart_data.gaps, _gap),
    "faults": ChartKind("How runs ended", chart_data.outcomes, _faults),
    "profile": ChartKind("Performance profile: share of instances within a factor of the best solver's cost",
                         chart_data.profile, _profile),
    "anytime": ChartKind("Share of target gaps reached against time", chart_data.anytime, _anytime),
    "time": ChartKind("Mean gap against mean time until the answer", chart_data.tradeoff, _time),
    "users": ChartKind("Mean gap against the number of users", chart_data.by_users, _users),
    "training": ChartKind("Time spent, training included, against instances answered in one process",
                          chart_data.break_even, _training),
}  # fmt: skip
"""The kinds of chart, in the order of the site."""


def _lines(alt: Any, rows: ChartRows, x: Any, y: Any, **mark: Any) -> Any:
    lines = alt.Chart(alt.InlineData(rows)).mark_line(strokeWidth=2, **mark)
    return alt.layer(lines.encode(x, y, *_told_apart(alt, rows, "StrokeDash"), tooltip=["solver:N"]))


def _told_apart(alt: Any, rows: ChartRows, channel: str) -> list[Any]:
    """Solvers by colour, and by shape or dashes for those who see no colours; one legend for both."""
    domain = list(dict.fromkeys(row["solver"] for row in rows))
    dashes = {"range": _DASHES} if channel == "StrokeDash" else {}
    size = _LINE_SYMBOL if dashes else _POINT_SYMBOL
    first = alt.Color("solver:N", title=None).scale(domain=domain)
    second = getattr(alt, channel)("solver:N", title=None).scale(domain=domain, **dashes)
    return [one.legend(symbolSize=size) for one in (first, second)]


def _solver_axis(alt: Any) -> Any:
    return alt.Y("solver:N", sort=None, title=None)


def _share_axis(alt: Any, title: str) -> Any:
    return alt.Y("share:Q", title=title).scale(domain=[0, 1]).axis(format="%")


def _mean_gap_axis(alt: Any) -> Any:
    return _gap_axis(alt, "gap:Q", f"mean gap {_TO_BEST}", "Y")


def _gap_axis(alt: Any, field: str, title: str, side: str) -> Any:
    axis = getattr(alt, side)(field, title=title).scale(**_GAP_SCALE)
    return axis.axis(values=_GAP_TICKS_PERCENT, format=".3~r")


def _log_axis(alt: Any, rows: ChartRows, field: str, title: str, side: str = "X", **labels: str) -> Any:
    values = [row[field] for row in rows if row[field] > 0]
    low, high = min(values, default=1.0) / _MARGIN, max(values, default=1.0) * _MARGIN
    axis = getattr(alt, side)(f"{field}:Q", title=title).scale(type="log", domain=[low, high], nice=False)
    return axis.axis(values=_log_ticks(low, high), **labels)


def _log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten; where there are too few of them also twice and five times each."""
    steps = (1, 2, 5) if high / low < _FEW_POWERS else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [float(f"{step}e{power}") for power in powers for step in steps]
    return [tick for tick in ticks if low <= tick <= high]


def require_libraries() -> None:
    """Check that charts can be drawn and written, before the work that they show.

    Raises:
        MissingExtraError: if a library for it is not installed.
    """
    altair(), _converter()


def altair() -> Any:
    """Return the module altair.

    Raises:
        MissingExtraError: if it is not installed.
    """
    return optional_library("altair", "board", "charts need")


def _converter() -> Any:
    return optional_library("vl_convert", "board", "charts need")
