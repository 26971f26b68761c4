"""What `mincache reproduce` can run: each figure of the paper, and the table of its percentages."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from mincache.paper import experiments, figures
from mincache.paper.claims import claims_table, facts_table, rates_verdict, trends_table
from mincache.paper.findings import FindingRow, Findings
from mincache.paper.measurements import ClaimedQuantity
from mincache.paper.study_folder import StudyFolder

Study = Callable[[StudyFolder], tuple[Mapping[str, Sequence[FindingRow]], Mapping[str, dict[str, Any]]]]
"""Runs experiments; returns tables and charts by name."""


def _learning_rates(work: StudyFolder) -> Any:
    trained = experiments.train_at_rates(work)
    curves, references = experiments.curves_table(trained), experiments.rate_references(work)
    rewards = {rate: np.array([one.converged_reward for one in row]) for rate, row in trained.items()}
    tables = {
        "fig3-curves": curves,
        "fig3": experiments.converged_table(trained),
        "fig3-verdict": [rates_verdict(rewards)],
        "fig3-references": references,
    }
    return tables, {"fig3": figures.rewards(curves, references)}


def _over_users(figure: str, quantity: ClaimedQuantity, title: str, digits: str, work: StudyFolder) -> Any:
    compared, drawn = experiments.compare(work), experiments.draw(work)
    rows = experiments.over_users_table(compared, quantity)
    tables = {
        figure: rows,
        f"{figure}-claims": claims_table(compared, drawn, quantity),
        f"{figure}-trends": trends_table(compared, quantity),
    }
    return tables, {figure: figures.over_users(rows, title, digits)}


def _percentages(work: StudyFolder) -> Any:
    compared, drawn = experiments.compare(work), experiments.draw(work)
    budgets = experiments.budgets_table(work)
    tables = {
        "claims": claims_table(compared, drawn, "hit ratio", "cost"),
        "facts": facts_table(drawn),
        "dependence": experiments.dependence_table(work),
        "budgets": budgets,
        "decoders": experiments.decoders_table(work),
    }
    return tables, {"budgets": figures.budgets(budgets)}


STUDIES: Mapping[str, Study] = {
    "fig5": partial(_over_users, "fig5", "cost", "mean cost, lower is better", "d"),
    "fig4": partial(_over_users, "fig4", "hit ratio", "hit ratio", ".2f"),
    "fig3": _learning_rates,
    "table": _percentages,
}
"""The studies by name, in the order in which `all` takes them."""


def run(name: str, work: StudyFolder) -> Findings:
    """Return what a study finds, and how that came about."""
    tables, charts = STUDIES[name](work)
    return Findings(name, tables, charts, work.provenance(name), work.lines())
