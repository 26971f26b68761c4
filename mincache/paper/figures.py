"""The figures, as Altair draws them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mincache.errors import MissingExtraError
from mincache.paper.claims import CLOUD_ONLY, DDPG, HCRAS, MOST_HITS, OPTIMUM, RCARS
from mincache.paper.results import Row

_WIDTH, _HEIGHT = 520, 320
_ROLES = (DDPG, HCRAS, RCARS, CLOUD_ONLY, OPTIMUM, MOST_HITS)
_COLOURS = ("#c2512f", "#2f7fa8", "#5f5f5f", "#9a9a9a", "#2e8b57", "#8a63b0")
_SHAPES = ("circle", "square", "triangle-up", "cross", "diamond", "triangle-down")


def rewards(curves: Sequence[Row], references: Sequence[Row]) -> dict[str, Any]:
    """Return Fig. 3: the mean reward of each learning rate, the range over training seeds as a band.

    Args:
        curves: rows with learning_rate, seed, episode, reward.
        references: rows with solver and reward, drawn as dashed lines.
    """
    alt = _altair()
    rows = [{**row, "rate": f"{row['learning_rate']:g}"} for row in curves]
    base = alt.Chart(alt.InlineData(rows)).encode(
        alt.X("episode:Q", title="episode"),
        alt.Color("rate:N", title="learning rate of the actor", sort=None),
    )
    y = alt.Y("reward:Q", aggregate="mean", title="mean reward of a slot, exploration included").scale(
        zero=False
    )
    low = alt.Y("reward:Q", aggregate="min", title="")
    band = base.mark_area(opacity=0.18).encode(low, alt.Y2("reward:Q", aggregate="max"))
    lines = base.mark_line().encode(
        y, alt.StrokeDash("rate:N", title="learning rate of the actor", sort=None)
    )
    return _sized(alt.layer(band, lines, *_rules(alt, references, max(row["episode"] for row in curves))))


def _rules(alt: Any, references: Sequence[Row], right: float) -> list[Any]:
    base = alt.Chart(alt.InlineData([{**row, "x": right} for row in references]))
    rules = base.mark_rule(strokeDash=[2, 3], color="#444").encode(alt.Y("reward:Q"))
    texts = base.mark_text(align="right", dy=-5, color="#444").encode(
        alt.X("x:Q"), alt.Y("reward:Q"), alt.Text("solver:N")
    )
    return [rules, texts]


def over_users(rows: Sequence[Row], title: str, number_format: str) -> dict[str, Any]:
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
    bars = base.mark_rule(strokeWidth=1.5).encode(x, alt.Y("low:Q"), alt.Y2("high:Q"), colour)
    points = base.mark_point(filled=True, size=70, opacity=1).encode(x, y, colour, shape)
    return _sized(alt.layer(lines, bars, points))


def budgets(rows: Sequence[Row]) -> dict[str, Any]:
    """Return how much better than HCRAS the optimum is, over HCRAS' budget; the paper's claims dashed."""
    alt = _altair()
    data = [{**row, "N": f"N = {row['users']}"} for row in rows]
    x = alt.X("candidates:Q", title="candidates priced a slot (population x generations)")
    x = x.scale(type="log").axis(format="~s", values=[1, 3, 10, 30, 100, 300, 1000, 3000, 10000, 30000])
    y = alt.Y("ceiling:Q", title="optimum better than HCRAS by").axis(format=".0%")
    colour = alt.Color("N:N", title=None).scale(range=list(_COLOURS[:2]))
    base = alt.Chart(alt.InlineData(data))
    rules = base.mark_rule(strokeDash=[5, 4]).encode(alt.Y("mean(claimed):Q"), colour)
    texts = (
        base.transform_calculate(at="2")
        .mark_text(align="left", dy=-6)
        .encode(alt.X("at:Q"), alt.Y("claimed:Q", aggregate="mean"), colour, alt.Text("label:N"))
    )
    bars = base.mark_rule(strokeWidth=1.5).encode(x, alt.Y("ceiling_low:Q"), alt.Y2("ceiling_high:Q"), colour)
    points = base.mark_point(filled=True, size=55, opacity=1).encode(
        x, y, colour, alt.Shape("N:N", title=None)
    )
    del texts
    return _sized(alt.layer(rules, bars, points))


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
