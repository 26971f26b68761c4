"""`mincache compare`."""

from __future__ import annotations

import json
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.warning import warn
from mincache.errors import InputError

if TYPE_CHECKING:
    from mincache.board.comparison import Comparison
    from mincache.board.standing import Standing

_CHANGES_SHOWN = 5


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--chart", type=click.Path(path_type=Path, dir_okay=False), default=None, metavar="FILE",
              help="Draw the costs of both, an instance a point, as .svg or .png.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array, an object a comparison.")
def compare(first: str, second: str, chart: Path | None, as_json: bool) -> None:
    """Compare two campaigns, or two solvers: each of A and B is FOLDER or FOLDER:SOLVER.

    Without a solver, those that both folders hold are compared, each with itself. A folder is a campaign or
    a board.
    """
    from mincache.board.comparison import compare_standings
    from mincache.site import charts

    (one, named), (other, also_named) = _side(first), _side(second)
    comparisons = compare_standings(one, other, same_solver=not (named and also_named))
    if not comparisons:
        raise InputError("solvers", "must be the same in both, or be named", "none", "write FOLDER:SOLVER")
    if as_json:
        click.echo(json.dumps([as_document(one) for one in comparisons], indent=2))
    else:
        for comparison in comparisons:
            _print(comparison)
    if chart is not None:
        charts.write(charts.scatter(comparisons), chart)


def as_document(found: Comparison) -> dict[str, Any]:
    """Return a comparison as the JSON object that `--json` prints; numbers not finite are null."""
    numbers = asdict(found) | {"mean_change": found.mean_change}
    return {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name, value in numbers.items()
    } | {"pairs": [pair._asdict() for pair in found.pairs]}


def _side(text: str) -> tuple[list[Standing], bool]:
    """Return the standings that `FOLDER[:SOLVER]` names, and whether it names a solver."""
    from mincache.board.entries import read_any
    from mincache.board.standing import standings

    folder, _, solver = text.partition(":")
    if Path(text).is_dir():
        folder, solver = text, ""
    return standings(read_any(Path(folder), warn), [solver] if solver else []), bool(solver)


def _print(found: Comparison) -> None:
    click.echo(f"{found.suite}: {found.first} (A) against {found.second} (B)")
    click.echo(f"  {len(found.pairs)} instances solved by both, {found.only_first} by A alone, "
               f"{found.only_second} by B alone")  # fmt: skip
    if found.changed:
        click.echo(f"  changed from A to B: {', '.join(found.changed)}")
    if found.mean_change is None:
        return
    click.echo(f"  A better on {found.wins}, B better on {found.losses}, equal on {found.ties}")
    click.echo(f"  B's cost against A's: {found.mean_change:+z.3%} on average; signed-rank test p = "
               f"{found.p_value:.3g}, adjusted {found.p_adjusted:.3g}")  # fmt: skip
    for pair in found.most_changed(_CHANGES_SHOWN):
        click.echo(f"    {pair.instance}: {pair.first:.4f} -> {pair.second:.4f} ({pair.change:+z.3%})")
