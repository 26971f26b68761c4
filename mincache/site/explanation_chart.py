"""The picture of an explanation: the parts of the gap stacked, a bar a slot or a solver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mincache.analysis.explanation import PARTS
from mincache.site import charts

_WIDTH, _HEIGHT, _ROW_HEIGHT = 620, 280, 30
_COLOURS = dict(zip(PARTS, ("#2a6f97", "#d9a13b", "#c2512f", "#7d5ba6", "#3a8f6b"), strict=True))


def explanation_chart(rows: Sequence[tuple[int | str, Mapping[str, float]]], what: str) -> dict[str, Any]:
    """Return the specification of a stacked bar chart; what a part saves reaches below 0.

    Args:
        rows: a bar each: the slot or the solver, and the parts of its gap in units of the cost.
        what: `slot`, for upright bars side by side, or `solver`, for bars that lie one below the other.

    Raises:
        MissingExtraError: if altair is not installed.
    """
    alt = charts.altair()
    order = [part for part in PARTS if any(parts[part] for _, parts in rows)]
    data = [{what: who, "part": part, "cost": parts[part]} for who, parts in rows for part in order]
    colour = alt.Color("part:N", title=None).legend(columns=len(PARTS))
    colour = colour.scale(domain=order, range=[_COLOURS[part] for part in order])
    bars = alt.Chart(alt.InlineData(data)).mark_bar()
    tooltip = [f"{what}:N", "part:N", alt.Tooltip("cost:Q", format=".4g")]
    along = {"sort": None, "title": "slot" if what == "slot" else None}
    title = "above the optimum, in units of the cost"
    if what == "slot":
        across = alt.X("slot:O", **along).axis(labelAngle=0, labelOverlap=True)
        drawn = bars.encode(across, alt.Y("cost:Q", title=title), colour, tooltip=tooltip)
        return charts.finished(drawn.properties(width=_WIDTH, height=_HEIGHT))
    drawn = bars.encode(alt.Y("solver:N", **along), alt.X("cost:Q", title=title), colour, tooltip=tooltip)
    return charts.finished(drawn.properties(width=_WIDTH, height=alt.Step(_ROW_HEIGHT)))
