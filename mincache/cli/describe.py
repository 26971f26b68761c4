"""Tables that show an instance, a suite or a solver to a person."""

from __future__ import annotations

from collections import Counter

import numpy as np
from rich.table import Table

from mincache.generation.suites import Suite
from mincache.problem.instance import PARTS, Instance
from mincache.problem.quantity import Array, Quantity, quantities


def suite_table(suite: Suite) -> Table:
    """Return the instances of a suite with what is known of their optima."""
    table = Table(title=f"{suite.name}: {suite.content.purpose}")
    table.add_column("instance", no_wrap=True)
    for column in ("best known", "lower bound", "sha256"):
        table.add_column(column, justify="right", no_wrap=True)
    sweep = suite.content.recipe.sweep
    settings = [] if sweep is None else sweep.settings()
    if settings:
        table.add_column("setting")
    for entry in suite.entries.values():
        known = ("" if value is None else f"{value:.6f}" for value in (entry.best_known, entry.lower_bound))
        setting = settings[entry.setting or 0].items() if settings else ()
        values = ", ".join(f"{field} {value}" for field, value in setting)
        table.add_row(entry.name, *known, entry.sha256[:12], *([values] if settings else []))
    return table


def instance_tables(instance: Instance) -> list[Table]:
    """Return the numbers of an instance (arrays as minimum, mean and maximum) and its requests by model."""
    size = f"T={instance.slot_count}, N={instance.user_count}, M={instance.model_count}"
    numbers = Table(title=f"{instance.name} ({size}, alpha={instance.preference_weight:g})")
    for column in ("field", "symbol", "unit", "value or min / mean / max"):
        numbers.add_column(column)
    for section, kind in PARTS.items():
        for name, meaning in quantities(kind).items():
            values = getattr(getattr(instance, section), name)
            numbers.add_row(
                f"{section}.{name}{meaning.brackets()}",
                meaning.symbol,
                meaning.unit,
                _spread(values, meaning),
            )
    counts = Counter(instance.trace.requested_model.ravel().tolist())
    requests = Table(title="requests by model")
    for column in ("model", "size GB", "requests", "share"):
        requests.add_column(column, justify="right")
    for model in range(instance.model_count):
        share = counts[model] / instance.trace.requested_model.size
        requests.add_row(
            str(model), f"{instance.models.size_gb[model]:g}", str(counts[model]), f"{share:.1%}"
        )
    return [numbers, requests]


def _spread(values: float | Array, meaning: Quantity) -> str:
    if not meaning.shape:
        return f"{values:.6g}"
    return f"{np.min(values):.4g} / {np.mean(values):.4g} / {np.max(values):.4g}"
