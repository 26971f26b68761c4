"""The figures, as Altair draws them."""

from collections.abc import Sequence
from typing import Any

from mincache.paper.claims import CLOUD_ONLY, DDPG, HCRAS, MOST_HITS, OPTIMUM, RCARS
from mincache.paper.findings import FindingRow
from mincache.site.drawing import altair

_WIDTH, _HEIGHT = 520, 320
_MARKS = {
    DDPG: ("#c2512f", "circle"),
    HCRAS: ("#2f7fa8", "square"),
    RCARS: ("#5f5f5f", "triangle-up"),
    CLOUD_ONLY: ("#9a9a9a", "cross"),
    OPTIMUM: ("#2e8b57", "diamond"),
    MOST_HITS: ("#8a63b0", "triangle-down"),
}
_LINES = ("#2f7fa8", "#c2512f", "#2e8b57", "#8a63b0", "#5f5f5f", "#b8860b")
_DASHES = [[1, 0], [6, 2], [2, 2], [8, 3, 2, 3], [4, 4], [1, 3]]
_DECADES = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000]


def rewards(curves: Sequence[FindingRow], references: Sequence[FindingRow]) -> dict[str, Any]:
    """Return Fig. 3: the mean reward of each learning rate, the range over training seeds as a band."""
    alt = altair()
    rows = [{**row, "rate": f"{row['learning_rate']:g}"} for row in curves]
    rates = list(dict.fromkeys(row["rate"] for row in rows))
    last = max(row["episode"] for row in rows)
    x = alt.X("episode:Q", title="episode").scale(domain=[0, last], nice=False)
    y = alt.Y("reward:Q", aggregate="mean", title="mean reward of a slot, exploration included")
    title = "actor's learning rate"
    colour = alt.Color("rate:N", title=title).scale(domain=rates, range=list(_LINES[: len(rates)]))
    colour = colour.legend(symbolType="stroke", symbolOpacity=1, symbolStrokeWidth=2, symbolSize=400)
    dash = alt.StrokeDash("rate:N", title=title).scale(domain=rates, range=_DASHES[: len(rates)])
    base = alt.Chart(alt.InlineData(rows))
    low = alt.Y("reward:Q", aggregate="min")
    band = base.mark_area(opacity=0.15).encode(x, low, alt.Y2("reward:Q", aggregate="max"), colour)
    lines = base.mark_line().encode(x, y.scale(zero=False), colour, dash)
    levels = alt.Chart(alt.InlineData([{**row, "x": last} for row in references])).encode(alt.Y("reward:Q"))
    rules = levels.mark_rule(strokeDash=[2, 3], color="#444")
    names = levels.mark_text(align="right", dy=-6, dx=-2, color="#444")
    return _sized(band, rules, names.encode(alt.X("x:Q"), alt.Text("solver:N")), lines)


def over_users(rows: Sequence[FindingRow], title: str, number_format: str) -> dict[str, Any]:
    """Return Fig. 4 or 5: a value over the number of users, with its intervals as bars."""
    alt = altair()
    roles = [role for role in _MARKS if any(row["solver"] == role for row in rows)]
    places = {role: (n - (len(roles) - 1) / 2) * 0.08 for n, role in enumerate(roles)}
    shifted = [{**row, "x": row["users"] + places[row["solver"]]} for row in rows]
    users = sorted({row["users"] for row in rows})
    x = alt.X("x:Q", title="users N").scale(domain=[users[0] - 0.5, users[-1] + 0.5], nice=False)
    x = x.axis(values=users, format="d", grid=False)
    y = alt.Y("value:Q", title=title).scale(zero=False).axis(format=number_format)
    base = alt.Chart(alt.InlineData(shifted))
    colour, shape = _told_apart("solver:N", roles)
    lines = base.mark_line(strokeWidth=1.5).encode(x, y, colour)
    return _sized(lines, *_with_intervals(base, x, y, "value", 70, colour, shape))


def budgets(rows: Sequence[FindingRow]) -> dict[str, Any]:
    """Return how much better than HCRAS the optimum is, over HCRAS' budget; the paper's claims dashed."""
    alt = altair()
    users = sorted({row["users"] for row in rows})
    # A little apart, so that equal values do not hide each other.
    aside = {n: 1.0 + 0.12 * place for place, n in enumerate(users)}
    data = [{**row, "N": f"N = {row['users']}", "x": row["candidates"] * aside[row["users"]]} for row in rows]
    right = 1.5 * max(row["candidates"] for row in rows)
    x = alt.X("x:Q", title="candidates priced a slot (population x generations)")
    x = x.scale(type="log", domain=[1, right], nice=False).axis(format="~s", values=_DECADES)
    y = alt.Y("ceiling:Q", title="the optimum is better than HCRAS by").axis(format=".0%")
    colour, shape = _told_apart("N:N", [f"N = {n}" for n in users])
    claims = {row["N"]: row["claimed"] for row in data if row["claimed"] is not None}
    levels = [
        {"N": name, "claimed": claimed, "right": right, "text": f"claimed for DDPG, {name}: {claimed:.2%}"}
        for name, claimed in claims.items()
    ]
    claimed = alt.Chart(alt.InlineData(levels)).encode(alt.Y("claimed:Q"), colour)
    rules = claimed.mark_rule(strokeDash=[5, 4])
    texts = claimed.mark_text(align="right", dy=-6, dx=-2).encode(alt.X("right:Q"), alt.Text("text:N"))
    base = alt.Chart(alt.InlineData(data))
    return _sized(rules, texts, *_with_intervals(base, x, y, "ceiling", 60, colour, shape))


def _told_apart(field: str, names: Sequence[str]) -> tuple[Any, Any]:
    """Return the colours and shapes of names; those that are no roles get the first ones."""
    marks = [_MARKS.get(name, mark) for name, mark in zip(names, _MARKS.values(), strict=False)]
    alt, names = altair(), list(names)
    colour = alt.Color(field, title=None).scale(domain=names, range=[colour for colour, _ in marks])
    return colour, alt.Shape(field, title=None).scale(domain=names, range=[shape for _, shape in marks])


def _with_intervals(base: Any, x: Any, y: Any, name: str, size: int, colour: Any, shape: Any) -> list[Any]:
    """Return points, and a bar for the interval of each."""
    low, high = altair().Y(f"{name}_low:Q"), altair().Y2(f"{name}_high:Q")
    bars = base.mark_rule(strokeWidth=1.5).encode(x, low, high, colour)
    return [bars, base.mark_point(filled=True, size=size, opacity=1).encode(x, y, colour, shape)]


def _sized(*layers: Any) -> dict[str, Any]:
    chart: dict[str, Any] = altair().layer(*layers).properties(width=_WIDTH, height=_HEIGHT).to_dict()
    return chart
