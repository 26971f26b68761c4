"""Searching for what tells two solvers apart, and telling it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from mincache.recipes import Recipe
from mincache.scenario import Scenario
from mincache.separation import Point, Space, influences, most_different, separate
from mincache.sweeps import Range, Sweep


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
    Console().print(best_table(solvers, kept), influence_table(points, space), sep="\n")
    told = f"Settings in which {solvers[0]} and {solvers[1]} differ most, by {kept[0].size:.2%} at most"
    return Sweep(cases=tuple(point.fields for point in kept)), told


def best_table(solvers: tuple[str, str], points: Sequence[Point]) -> Table:
    """Return the settings in which the solvers differ most, with their mean costs."""
    table = Table(title="Settings in which they differ most")
    for column in ("setting", *(f"cost of {solver}" for solver in solvers), "differ by"):
        table.add_column(column, justify="right")
    for field in points[0].fields:
        table.add_column(field, justify="right")
    for number, point in enumerate(points):
        costs = (f"{cost:.4f}" for cost in point.costs)
        table.add_row(str(number), *costs, f"{point.size:.2%}", *map(_text, point.fields.values()))
    return table


def influence_table(points: Sequence[Point], space: Space) -> Table:
    """Return how strongly each field goes with the difference, over all settings tried."""
    answered = sum(point.difference == point.difference for point in points)  # a nan is not itself
    table = Table(title=f"What separates them, over {len(points)} settings ({answered} answered by both)")
    table.add_column("field")
    table.add_column("searched")
    table.add_column("rank correlation with the difference", justify="right")
    for field, correlation in influences(points, space).items():
        table.add_row(field, _searched(space[field]), f"{correlation:+.2f}")
    return table


def _searched(one: Range | tuple[Any, ...]) -> str:
    return f"{one.low:g} to {one.high:g}" if isinstance(one, Range) else ", ".join(map(str, one))


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
