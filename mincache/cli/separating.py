"""Searching for what tells two solvers apart, and telling it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from mincache.analysis.separation import Point, Space, influences, most_different, separate
from mincache.generation.recipes import Recipe
from mincache.generation.scenario import Scenario
from mincache.generation.sweeps import Sweep


def search(
    solvers: tuple[str, str], recipe: Recipe, scenario: Scenario, space: Space, keep: int, **limits: Any
) -> tuple[Sweep, str]:
    """Search for settings that tell solvers apart, show a bar meanwhile and tables at the end.

    Args:
        solvers: the two.
        recipe: how to draw the instances of a setting.
        scenario: what from.
        space: what to search.
        keep: how many settings to keep.
        limits: those of `separation.separate`.

    Returns:
        The settings kept as a sweep, and one line on what they are for.

    Raises:
        click.ClickException: if the solvers differ in no setting that was tried.
    """
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("searching", total=limits["budget"])
        points = separate(solvers, recipe, scenario, space, **limits, show=lambda point: bar.advance(task))
    kept = most_different(points, keep)
    if not kept:
        raise click.ClickException(f"{' and '.join(solvers)} differ in none of {len(points)} settings tried")
    Console().print(separation_table(solvers, kept, points, space))
    told = f"Settings in which {solvers[0]} and {solvers[1]} differ most, by {kept[0].size:.2%} at most"
    return Sweep(cases=tuple(point.fields for point in kept)), told


def separation_table(
    solvers: tuple[str, str], kept: Sequence[Point], points: Sequence[Point], space: Space
) -> Table:
    """Return the settings kept, a column each: costs, and each field with how strongly it goes with them.

    Args:
        solvers: the two.
        kept: the settings in which they differ most.
        points: all that were tried.
        space: what was searched.
    """
    answered = sum(not math.isnan(point.difference) for point in points)
    title = f"Where they differ most, of {len(points)} settings tried ({answered} answered by both)"
    table = Table(title=title, box=box.SIMPLE)
    table.add_column("setting", no_wrap=True)
    for column in (*map(str, range(len(kept))), "rank"):
        table.add_column(column, justify="right", no_wrap=True)
    for k, solver in enumerate(solvers):
        table.add_row(solver, *(f"{point.costs[k]:.4g}" for point in kept))
    table.add_row("they differ by", *(f"{point.size:.1%}" for point in kept), end_section=True)
    correlations = influences(points, space)
    for field in sorted(space, key=lambda field: -abs(correlations.get(field, 0.0))):
        correlation = f"{correlations[field]:+.2f}" if field in correlations else "-"
        table.add_row(field, *(_text(point.fields[field]) for point in kept), correlation)
    table.caption = "above: mean costs; rank: correlation of a field's ranks with those of the difference"
    return table


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
