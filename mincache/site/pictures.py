"""Pictures of analyses: the parts of a gap stacked, what characterises instances, and which are alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mincache.analysis.explanation import PARTS
from mincache.analysis.features import Features
from mincache.problem.quantity import Array
from mincache.site import drawing
from mincache.site.drawing import ChartRows

_COLOURS = dict(zip(PARTS, ("#2a6f97", "#d9a13b", "#c2512f", "#7d5ba6", "#3a8f6b"), strict=True))
_PANELS = (
    ("storage_tightness", "size of the models asked for / storage", "caching_worth", "worth of caching"),
    ("steps_tightness", "steps asked for / steps", "steps_worth", "worth of steps"),
    ("upload_share", "share of the cost that is upload", "bandwidth_worth", "worth of bandwidth shares"),
)
_ROOM = 1.06
"""Factor by which an axis reaches past the greatest worth."""


def explanation_chart(rows: Sequence[tuple[int | str, Mapping[str, float]]], what: str) -> dict[str, Any]:
    """Return the specification of a bar chart of the parts of gaps, one a `slot` or one a `solver`."""
    alt = drawing.altair()
    order = [part for part in PARTS if any(parts[part] for _, parts in rows)]
    data = [{what: who, "part": part, "cost": parts[part]} for who, parts in rows for part in order]
    colour = alt.Color("part:N", title=None).legend(columns=len(PARTS))
    colour = colour.scale(domain=order, range=[_COLOURS[part] for part in order])
    tooltip = [f"{what}:N", "part:N", alt.Tooltip("cost:Q", format=".4g")]
    upright = what == "slot"
    along, across = (alt.X, alt.Y) if upright else (alt.Y, alt.X)
    one = along(f"{what}:{'O' if upright else 'N'}", sort=None, title="slot" if upright else None)
    if upright:
        one = one.axis(labelAngle=0, labelOverlap=True)
    other = across("cost:Q", title="above the optimum, in units of the cost")
    bars = drawing.marks(data).mark_bar().encode(one, other, colour, tooltip=tooltip)
    return drawing.finished(bars, width=620, height=280 if upright else alt.Step(30))


def feature_chart(rows: Sequence[Features], groups: Mapping[str, str]) -> dict[str, Any]:
    """Return the specification of a chart with three panels, a point an instance, coloured by its group."""
    data = [
        {"instance": row.instance, "group": groups.get(row.instance, "")}
        | {field: getattr(row, field) for panel in _PANELS for field in (panel[0], panel[2])}
        for row in rows
        if row.best_cost is not None
    ]
    panels = [_panel(data, *panel) for panel in _PANELS]
    return drawing.finished(drawing.altair().hconcat(*panels, spacing=30))


def _panel(data: ChartRows, tightness: str, told: str, worth: str, titled: str) -> Any:
    alt = drawing.altair()
    x = alt.X(f"{tightness}:Q", title=told).scale(zero=False, padding=12, nice=False)
    x = x.axis(format="~%" if tightness == "upload_share" else "~g", tickCount=5)
    most = _ROOM * max((abs(row[worth]) for row in data), default=1.0)
    y = alt.Y(f"{worth}:Q", title=f"{titled} (of the best cost)").axis(format="~%")
    points = drawing.marks(data).mark_point(filled=True, size=55, opacity=0.75)
    tooltip = ["instance:N", f"{tightness}:Q", f"{worth}:Q"]
    encoded = points.encode(x, y.scale(domain=[0.0, most], nice=False), tooltip=tooltip)
    order = list(dict.fromkeys(row["group"] for row in data))
    if 1 < len(order) <= drawing.MOST_COLOURS:
        colour = alt.Color("group:N", title=None).scale(domain=order).legend(columns=4)
        encoded = encoded.encode(colour, alt.Shape("group:N", title=None).scale(domain=order))
    return encoded.properties(width=250, height=240)


def plane_chart(
    plane: Array, names: Sequence[str], groups: Sequence[str], behind: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the specification of a chart of points in a plane [K, 2], groups `behind` small and coloured."""
    alt, small = drawing.altair(), behind or {}
    data = [
        {"instance": name, "group": group, "x": f"{x:.3f}", "y": f"{y:.3f}"}
        for name, group, (x, y) in zip(names, groups, plane.tolist(), strict=True)
    ]
    layers = []
    for size, back in ((14, True), (60, False)):
        shown = [row for row in data if (row["group"] in small) == back]
        if not shown:
            continue
        order = list(dict.fromkeys(row["group"] for row in shown))
        colours = {"range": [small[one] for one in order]} if order[0] in small else {}
        colour = alt.Color("group:N", title=None).scale(domain=order, **colours)
        shape = alt.Shape("group:N", title=None).scale(domain=order)
        x, y = alt.X("x:Q", title="first component"), alt.Y("y:Q", title="second component")
        points = alt.Chart(alt.InlineData(shown)).mark_point(filled=True, size=size, opacity=0.8)
        layers.append(points.encode(x, y, colour, shape, tooltip=["instance:N", "group:N"]))
    drawn = alt.layer(*layers).resolve_scale(color="independent", shape="independent")
    return drawing.finished(drawn, width=560, height=420)
