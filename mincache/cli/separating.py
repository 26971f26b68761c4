"""Searching for what tells two solvers apart, and telling it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import click

from mincache.analysis.separation import Point, Space, influences, most_different, separate
from mincache.cli.terminal import Bars, TerminalTable, show
from mincache.generation.recipes import Recipe
from mincache.generation.scenario import Scenario
from mincache.generation.sweeps import Sweep


def search(
    solvers: tuple[str, str], recipe: Recipe, scenario: Scenario, space: Space, keep: int, **limits: Any
) -> tuple[Sweep, str]:
    """Search for settings in which two solvers differ; show a bar meanwhile and a table at the end.

    Args:
        solvers: the two solvers.
        recipe: how to draw the instances of a setting.
        scenario: the scenario whose fields are set.
        space: the values of each field to search.
        keep: number of settings to keep.
        limits: those of `separation.separate`.

    Returns:
        The settings kept as a sweep, and one line on their purpose.

    Raises:
        click.ClickException: if the solvers differ in no setting that was tried.
    """
    with Bars() as bars:
        count = itertools.count(1)
        points = separate(
            solvers, recipe, scenario, space, **limits,
            show=lambda point: bars.show("searching", next(count), limits["budget"]),
        )  # fmt: skip
    kept = most_different(points, keep)
    if not kept:
        raise click.ClickException(
            f"{' and '.join(solvers)} differ in none of {len(points)} settings tried; no suite was written"
        )
    show(separation_table(solvers, kept, points, space))
    told = f"Settings in which {solvers[0]} and {solvers[1]} differ most, by up to {kept[0].size:.2%}"
    return Sweep(cases=tuple(point.fields for point in kept)), told


def separation_table(
    solvers: tuple[str, str], kept: Sequence[Point], points: Sequence[Point], space: Space
) -> TerminalTable:
    """Return the settings kept, a column each, and how each field correlates with the difference.

    Args:
        solvers: the two solvers.
        kept: the settings in which they differ most.
        points: all settings tried.
        space: the values of each field that was searched.
    """
    answered = sum(not math.isnan(point.difference) for point in points)
    title = f"Where they differ most, of {len(points)} settings tried ({answered} answered by both)"
    rows = [[solver, *(f"{point.costs[k]:.4g}" for point in kept), ""] for k, solver in enumerate(solvers)]
    rows += [["they differ by", *(f"{point.size:.1%}" for point in kept), ""], []]
    correlations = influences(points, space)
    for field in sorted(space, key=lambda field: -abs(correlations.get(field, 0.0))):
        correlation = f"{correlations[field]:+.2f}" if field in correlations else "-"
        rows.append([field, *(_text(point.fields[field]) for point in kept), correlation])
    caption = "above: mean costs; rank: rank correlation of a field with the difference"
    titles = ("setting", *map(str, range(len(kept))), "rank")
    return TerminalTable(titles, "l" + "r" * (len(kept) + 1), rows, title, caption)


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
