"""The picture of what characterises a suite's instances: each resource's worth against its tightness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mincache.analysis.features import Features
from mincache.site import charts

_WIDTH, _HEIGHT = 250, 240
_MOST_GROUPS = 10
_LEGEND_COLUMNS = 4
_ROOM = 1.06
"""Factor by which an axis reaches past the greatest worth."""
_PANELS = (
    ("storage_tightness", "size of the models asked for / storage", "caching_worth", "worth of caching"),
    ("steps_tightness", "steps asked for / steps", "steps_worth", "worth of steps"),
    ("upload_share", "share of the cost that is upload", "bandwidth_worth", "worth of bandwidth shares"),
)


def feature_chart(rows: Sequence[Features], groups: Mapping[str, str]) -> dict[str, Any]:
    """Return the specification of a chart with three panels, a point an instance in each.

    Args:
        rows: the instances; those without a best cost are left out.
        groups: what instances are told apart by in colour and shape, by name of the instance.

    Raises:
        MissingExtraError: if altair is not installed.
    """
    alt = charts.altair()
    told = {row.instance: groups.get(row.instance, "") for row in rows if row.best_cost is not None}
    several = 1 < len(set(told.values())) <= _MOST_GROUPS
    data = [
        {"instance": row.instance, "group": told[row.instance]}
        | {field: getattr(row, field) for panel in _PANELS for field in (panel[0], panel[2])}
        for row in rows
        if row.instance in told
    ]
    panels = [_panel(alt, data, *panel, several) for panel in _PANELS]
    return charts.finished(alt.hconcat(*panels, spacing=30))


def _panel(
    alt: Any, data: list[dict[str, Any]], tightness: str, told: str, worth: str, titled: str, several: bool
) -> Any:
    percent = tightness == "upload_share"
    x = alt.X(f"{tightness}:Q", title=told).scale(zero=False, padding=12, nice=False)
    x = x.axis(format="~%" if percent else "~g", tickCount=5)
    most = _ROOM * max((abs(row[worth]) for row in data), default=1.0)
    y = alt.Y(f"{worth}:Q", title=f"{titled} (of the best cost)").axis(format="~%")
    y = y.scale(domain=[0.0, most], nice=False)
    points = alt.Chart(alt.InlineData(data)).mark_point(filled=True, size=55, opacity=0.75)
    encoded = points.encode(x, y, tooltip=["instance:N", f"{tightness}:Q", f"{worth}:Q"])
    if several:
        order = list(dict.fromkeys(row["group"] for row in data))
        colour = alt.Color("group:N", title=None).scale(domain=order).legend(columns=_LEGEND_COLUMNS)
        encoded = encoded.encode(colour, alt.Shape("group:N", title=None).scale(domain=order))
    return encoded.properties(width=_WIDTH, height=_HEIGHT)
