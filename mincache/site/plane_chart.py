"""The picture of instances in the plane of their features: which lie near to one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mincache.problem.quantity import Array
from mincache.site import charts

_WIDTH, _HEIGHT = 560, 420


def plane_chart(
    plane: Array, names: Sequence[str], groups: Sequence[str], behind: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the specification of a chart with a point an instance.

    Args:
        plane: where each lies, [K, 2], along the two principal components.
        names: the instances.
        groups: what each belongs to, told by colour and shape.
        behind: colours of groups that are drawn small and behind all others, by group.

    Raises:
        MissingExtraError: if altair is not installed.
    """
    alt = charts.altair()
    small = behind or {}
    data = [
        {"instance": name, "group": group, "x": f"{x:.3f}", "y": f"{y:.3f}"}
        for name, group, (x, y) in zip(names, groups, plane.tolist(), strict=True)
    ]
    layers = []
    for size, shown in (
        (14, [row for row in data if row["group"] in small]),
        (60, [row for row in data if row["group"] not in small]),
    ):
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
    return charts.finished(drawn.properties(width=_WIDTH, height=_HEIGHT))
