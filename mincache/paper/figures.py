"""The figures, as Altair draws them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mincache.errors import MissingExtraError
from mincache.paper.claims import CLOUD_ONLY, DDPG, HCRAS, MOST_HITS, OPTIMUM, RCARS
from mincache.paper.findings import FindingRow

_WIDTH, _HEIGHT = 520, 320
_ROLES = (DDPG, HCRAS, RCARS, CLOUD_ONLY, OPTIMUM, MOST_HITS)
_COLOURS = ("#c2512f", "#2f7fa8", "#5f5f5f", "#9a9a9a", "#2e8b57", "#8a63b0")
_LINES = ("#2f7fa8", "#c2512f", "#2e8b57", "#8a63b0", "#5f5f5f", "#b8860b")
_DASHES = [[1, 0], [6, 2], [2, 2], [8, 3, 2, 3], [4, 4], [1, 3]]
_DECADES = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000]
_SHAPES = ("circle", "square", "triangle-up", "cross", "diamond", "triangle-down")


def rewards(curves: Sequence[FindingRow], references: Sequence[FindingRow]) -> dict[str, Any]:
    """Return Fig. 3: the mean reward of each learning rate, the range over training seeds as a band.

    Args:
        curves: rows with learning_rate, seed, episode, reward.
        references: rows with solver and reward, drawn as dashed lines.
    """
    alt = _altair()
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
    return _sized(alt.layer(band, *_rules(alt, references, last), lines))


def _rules(alt: Any, references: Sequence[FindingRow], right: float) -> list[Any]:
    rows = [{**row, "x": right} for row in references]
    base = alt.Chart(alt.InlineData(rows)).encode(alt.Y("reward:Q"))
    texts = base.mark_text(align="right", dy=-6, dx=-2, color="#444")
    return [
        base.mark_rule(strokeDash=[2, 3], color="#444"),
        texts.encode(alt.X("x:Q"), alt.Text("solver:N")),
    ]


def over_users(rows: Sequence[FindingRow], title: str, number_format: str) -> dict[str, Any]:
    """Return Fig. 4 or 5: a value over the number of users, with its intervals as bars."""
    alt = _altair()
    roles = [role for role in _ROLES if any(row["solver"] == role for row in rows)]
    places = {role: (n - (len(roles) - 1) / 2) * 0.08 for n, role in enumerate(roles)}
    shifted = [{**row, "x": row["users"] + places[row["solver"]]} for row in rows]
    users = sorted({row["users"] for row in rows})
    x = alt.X("x:Q", title="users N").scale(domain=[users[0] - 0.5, users[-1] + 0.5], nice=False)
    x = x.axis(values=users, format="d", grid=False)
    y = alt.Y("value:Q", title=title).scale(zero=False).axis(format=number_format)
    domain = {"domain": roles}
    colour = alt.Color("solver:N", title=None).scale(range=_chosen(_COLOURS, roles), **domain)
    shape = alt.Shape("solver:N", title=None).scale(range=_chosen(_SHAPES, roles), **domain)
    base = alt.Chart(alt.InlineData(shifted))
    lines = base.mark_line(strokeWidth=1.5).encode(x, y, colour)
    bars = base.mark_rule(strokeWidth=1.5).encode(x, alt.Y("value_low:Q"), alt.Y2("value_high:Q"), colour)
    points = base.mark_point(filled=True, size=70, opacity=1).encode(x, y, colour, shape)
    return _sized(alt.layer(lines, bars, points))


def budgets(rows: Sequence[FindingRow]) -> dict[str, Any]:
    """Return how much better than HCRAS the optimum is, over HCRAS' budget; the paper's claims dashed."""
    alt = _altair()
    users = sorted({row["users"] for row in rows})
    # A little apart, so that equal values do not hide each other.
    aside = {n: 1.0 + 0.12 * place for place, n in enumerate(users)}
    data = [{**row, "N": f"N = {row['users']}", "x": row["candidates"] * aside[row["users"]]} for row in rows]
    names = [f"N = {n}" for n in users]
    most = max(row["candidates"] for row in rows)
    x = alt.X("x:Q", title="candidates priced a slot (population x generations)")
    x = x.scale(type="log", domain=[1, 1.5 * most], nice=False).axis(format="~s", values=_DECADES)
    y = alt.Y("ceiling:Q", title="the optimum is better than HCRAS by").axis(format=".0%")
    colour = alt.Color("N:N", title=None).scale(domain=names, range=list(_COLOURS[: len(names)]))
    shape = alt.Shape("N:N", title=None).scale(domain=names, range=list(_SHAPES[: len(names)]))
    base = alt.Chart(alt.InlineData(data))
    bars = base.mark_rule(strokeWidth=1.5).encode(x, alt.Y("ceiling_low:Q"), alt.Y2("ceiling_high:Q"), colour)
    points = base.mark_point(filled=True, size=60, opacity=1).encode(x, y, colour, shape)
    return _sized(alt.layer(*_claimed(alt, data, colour, 1.5 * most), bars, points))


def _claimed(alt: Any, data: Sequence[FindingRow], colour: Any, right: float) -> list[Any]:
    """Return the lines of what the paper claims DDPG to be better than HCRAS by."""
    claims = {row["N"]: row["claimed"] for row in data if row["claimed"] is not None}
    rows = [
        {"N": name, "claimed": claimed, "right": right, "text": f"claimed for DDPG, {name}: {claimed:.2%}"}
        for name, claimed in claims.items()
    ]
    base = alt.Chart(alt.InlineData(rows)).encode(alt.Y("claimed:Q"), colour)
    texts = base.mark_text(align="right", dy=-6, dx=-2).encode(alt.X("right:Q"), alt.Text("text:N"))
    return [base.mark_rule(strokeDash=[5, 4]), texts]


def _chosen(values: Sequence[str], roles: Sequence[str]) -> list[str]:
    return [values[_ROLES.index(role)] for role in roles]


def _sized(chart: Any) -> dict[str, Any]:
    specification: dict[str, Any] = chart.properties(width=_WIDTH, height=_HEIGHT).to_dict()
    return specification


def _altair() -> Any:
    try:
        import altair
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"figures need {error.name}, which is not installed: pip install 'mincache[board]'"
        ) from None
    return altair
