"""What all charts share: their look, axes and legends, and how a specification becomes SVG or PNG."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mincache.errors import InputError, optional_library
from mincache.files.documents import write_bytes

ChartRows = Sequence[Mapping[str, Any]]
WIDTH, HEIGHT, ROW_HEIGHT = 560, 300, 26
BLUE, RED, GRAY = "#3a8bb5", "#c2512f", "#8a949a"
_SOLVERS = [
    "#2a6f97", "#c8642b", "#3c8d5a", "#8a5ea8", "#b53a4e",
    "#6f7a82", "#a3841a", "#23939a", "#c0608f", "#6b5b4b",
]  # fmt: skip
MOST_COLOURS = len(_SOLVERS)
_DASHES = [[1, 0], [6, 3], [2, 2], [10, 3, 2, 3], [12, 4], [4, 2, 1, 2], [1, 4]]
_GAP_TICKS_PERCENT = [0, 0.1, 0.3, 1, 3, 10, 30, 100, 300]
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
    "range": {"category": _SOLVERS},
    "legend": {"orient": "bottom", "columns": 2, "labelLimit": 260, "symbolLimit": 0},
    "axis": {
        "titleFontWeight": "normal", "titlePadding": 10, "labelPadding": 5, "labelOverlap": "greedy",
        "labelSeparation": 3,
    },
    "axisY": {"labelLimit": 240},
    "title": {"fontSize": 11, "fontWeight": "normal", "color": GRAY, "anchor": "end"},
}  # fmt: skip


altair = partial(optional_library, "altair", "plots", "charts need")
"""Return the module altair."""
_converter = partial(optional_library, "vl_convert", "board", "charts need")


def marks(rows: ChartRows) -> Any:
    """Return a chart of rows, without a mark yet."""
    return altair().Chart({"values": rows})  # as a dict it is not validated, which takes long


def lines(rows: ChartRows, x: Any, y: Any, **mark: Any) -> Any:
    """Return a line a solver."""
    told = told_apart(rows, "solver", "StrokeDash")
    drawn = marks(rows).mark_line(strokeWidth=2, **mark)
    return altair().layer(drawn.encode(x, y, *told, tooltip=["solver:N"]))


def told_apart(rows: ChartRows, field: str, channel: str) -> list[Any]:
    """Return encodings by colour, and by shape or dashes for who sees no colours; one legend for both."""
    alt, domain = altair(), list(dict.fromkeys(row[field] for row in rows))
    dashes, size = ({"range": _DASHES}, 600) if channel == "StrokeDash" else ({}, 90)
    first = alt.Color(f"{field}:N", title=None).scale(domain=domain)
    second = getattr(alt, channel)(f"{field}:N", title=None).scale(domain=domain, **dashes)
    return [one.legend(symbolSize=size) for one in (first, second)]


def solver_axis() -> Any:
    """Return an axis with a solver a row, in the order given."""
    return altair().Y("solver:N", sort=None, title=None)


def share_axis(title: str) -> Any:
    """Return an upright axis from 0 to 100 %."""
    return altair().Y("share:Q", title=title).scale(domain=[0, 1]).axis(format="%")


def gap_axis(field: str, title: str, side: str = "Y") -> Any:
    """Return an axis of gaps in %, which shows small and large ones alike."""
    axis = getattr(altair(), side)(f"{field}:Q", title=title).scale(**_GAP_SCALE)
    return axis.axis(values=_GAP_TICKS_PERCENT, format=".3~r")


def users_axis(rows: ChartRows, padding: int) -> Any:
    """Return an axis of numbers of users, labelled where there are some."""
    axis = altair().X("users:Q", title="users N").scale(zero=False, nice=False, padding=padding)
    return axis.axis(format="d", values=sorted({row["users"] for row in rows}))


def time_axis(rows: ChartRows, title: str, side: str = "X") -> Any:
    """Return a logarithmic axis of times in s."""
    return log_axis(rows, "seconds", title, side, labelExpr=_DURATION)


def log_axis(rows: ChartRows, field: str, title: str, side: str = "X", **labels: str) -> Any:
    """Return a logarithmic axis: powers of ten; where these are too few also twice and five times each."""
    values = [row[field] for row in rows if row[field] > 0]
    low, high = min(values, default=1.0) / _MARGIN, max(values, default=1.0) * _MARGIN
    steps = (1, 2, 5) if high / low < _FEW_POWERS else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [float(f"{step}e{power}") for power in powers for step in steps]
    axis = getattr(altair(), side)(f"{field}:Q", title=title)
    axis = axis.scale(type="log", domain=[low, high], nice=False)
    return axis.axis(values=[tick for tick in ticks if low <= tick <= high], **labels)


def finished(drawn: Any, **properties: Any) -> dict[str, Any]:
    """Return the specification of what was drawn, in the look that all charts share."""
    specification: dict[str, Any] = drawn.properties(**properties).to_dict()
    return specification | {"config": _CONFIG}


def inline(specification: Mapping[str, Any], name: str, label: str) -> str:
    """Return a chart as an SVG element for a page, ids beginning with its name, a label for the blind."""
    config = specification["config"] | {"background": None}
    drawn = _without_labels({**specification, "config": config})
    drawn = _within_tags(r'(id="|url\(#)', rf"\g<1>{name}-", drawn)
    text = label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{text}" ', 1)


def svg(specification: Mapping[str, Any]) -> bytes:
    """Return a chart as SVG on white."""
    return _without_labels({"background": "white", **specification}).encode()


def _without_labels(specification: Mapping[str, Any]) -> str:
    """Return a chart as SVG without labels of its marks: half of it, where one sentence says more."""
    drawn = str(_converter().vegalite_to_svg({"padding": _AROUND_SVG, **specification}))
    return _within_tags(r' (?:aria-[a-z]+|role|style)="[^"]*"', "", drawn)


def _within_tags(pattern: str, replacement: str, drawn: str) -> str:
    """Return an SVG with a pattern replaced in its tags alone: what it shows is users' text."""
    return re.sub(r"<[^>]*>", lambda tag: re.sub(pattern, replacement, tag[0]), drawn)


def png(specification: Mapping[str, Any]) -> bytes:
    """Return a chart as PNG on white, at twice the usual density."""
    return bytes(_converter().vegalite_to_png({"background": "white", **specification}, scale=2))


def write(specification: Mapping[str, Any], path: Path) -> None:
    """Write a chart to an .svg or .png file."""
    if path.suffix not in (".svg", ".png"):
        raise InputError("chart", "must end in .svg or .png", repr(path.name))
    write_bytes(path, (svg if path.suffix == ".svg" else png)(specification))


def require_libraries() -> None:
    """Check that charts can be drawn and written, before the work that they show."""
    _converter(), altair()  # in this order: what writes charts comes with what draws them
