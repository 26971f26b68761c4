"""The words of `mincache reproduce`: what each runs, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mincache.paper import dependence, facts, figures, open_points, over_users, provenance, rates, verdicts
from mincache.paper.findings import FindingRow, Findings
from mincache.paper.measurements import Measurements
from mincache.paper.workshop import Workshop


def fig3(shop: Workshop) -> Findings:
    """DDPG's training reward at several learning rates."""
    trained = rates.train(shop)
    curves, converged = rates.curves(trained), rates.converged(trained)
    references = _references(rates.references(shop), shop.size.ends[0])
    verdict = verdicts.rates_verdict(converged, rates.converged_rewards(trained))
    tables = {
        "fig3-curves": curves,
        "fig3": converged,
        "fig3-verdict": [verdict],
        "fig3-references": references,
    }
    return _findings("fig3", shop, tables, {"fig3": figures.rewards(curves, references)})


def _references(found: Measurements, users: int) -> list[FindingRow]:
    return [
        {"solver": role, "reward": -float(found.per_library(role, "cost", users).mean())}
        for role in found.roles
    ]


def fig4(shop: Workshop) -> Findings:
    """Hit ratio over the number of users."""
    compared, drawn = over_users.compare(shop), dependence.draw(shop)
    rows = over_users.over_users(compared, "hit ratio")
    tables = {
        "fig4": rows,
        "fig4-claims": verdicts.claims_table(compared, drawn, "hit ratio"),
        "fig4-trends": verdicts.trends_table(compared, "hit ratio"),
    }
    return _findings("fig4", shop, tables, {"fig4": figures.over_users(rows, "hit ratio", ".2f")})


def fig5(shop: Workshop) -> Findings:
    """Mean cost over the number of users."""
    compared, drawn = over_users.compare(shop), dependence.draw(shop)
    rows = over_users.over_users(compared, "cost")
    tables = {
        "fig5": rows,
        "fig5-claims": verdicts.claims_table(compared, drawn, "cost"),
        "fig5-trends": verdicts.trends_table(compared, "cost"),
    }
    return _findings(
        "fig5", shop, tables, {"fig5": figures.over_users(rows, "mean cost, lower is better", "d")}
    )


def table(shop: Workshop) -> Findings:
    """All the percentages, and what they depend on."""
    compared, drawn = over_users.compare(shop), dependence.draw(shop)
    budgets = open_points.budgets(shop)
    tables = {
        "claims": verdicts.claims_table(compared, drawn, "hit ratio", "cost"),
        "facts": facts.table(drawn),
        "dependence": dependence.table(shop),
        "budgets": budgets,
        "decoders": open_points.decoders(shop),
    }
    return _findings("table", shop, tables, {"budgets": figures.budgets(budgets)})


WORDS: Mapping[str, Callable[[Workshop], Findings]] = {
    "fig5": fig5, "fig4": fig4, "fig3": fig3, "table": table,
}  # fmt: skip
"""The words, in the order in which `all` takes them."""


def _findings(
    what: str, shop: Workshop, tables: Mapping[str, list[FindingRow]], charts: Mapping[str, dict[str, Any]]
) -> Findings:
    return Findings(what, tables, charts, provenance.record(what, shop), provenance.runs(shop))
