"""`mincache compare`."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.options import FILE, json_option
from mincache.cli.terminal import print_json, waiting, warn
from mincache.errors import InputError

if TYPE_CHECKING:
    from mincache.board.comparison import Comparison
    from mincache.board.standing import Standing
    from mincache.board.table import Table

_CHANGES_SHOWN = 5


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="[B]", default="")
@click.option("--chart", type=FILE, metavar="FILE",
              help="Draw the costs of both, an instance a point, as .svg or .png.")  # fmt: skip
@click.option("--suite", default="", metavar="FOLDER", type=click.Path(file_okay=False),
              help="Where the suite is, if it is not a standard one.")  # fmt: skip
@json_option("a JSON array, an object a comparison; of one folder an object a suite")
def compare(first: str, second: str, chart: Path | None, suite: str, as_json: bool) -> None:
    """Compare two campaigns, two solvers, or all solvers of one folder.

    A and B are each FOLDER or FOLDER:SOLVER; a folder is a campaign or a board. Without a solver, those that
    both folders hold are compared, each with itself. Without B, every pair of solvers of A is compared on
    the instances that all have solved, and each solver tells what it adds to the virtual best of all.
    """
    from mincache.board.comparison import compare_standings, pairs
    from mincache.board.table import Table

    one, named = _side(first, suite)
    if second:
        other, also_named = _side(second, suite)
        found = compare_standings(one, other, same_solver=not (named and also_named))
        if not found:
            raise InputError(
                "solvers", "must be the same in both, or be named", "none", "write FOLDER:SOLVER"
            )
        if as_json:
            print_json([_as_document(comparison) for comparison in found])
        else:
            for comparison in found:
                _print(comparison)
    elif named:
        raise InputError(
            "B", "must be given beside the solver in A", "nothing", "leave the solver out for all"
        )
    else:
        tables = [Table(standing) for standing in one]
        found = [comparison for table in tables for comparison in pairs(table)]
        _print_all(tables, as_json)
    if chart is not None:
        from mincache.site import charts

        charts.write(charts.scatter(found), chart)


def _side(text: str, suite: str) -> tuple[list[Standing], bool]:
    """Return the standings that `FOLDER[:SOLVER]` names, and whether it names a solver."""
    from mincache.board.entries import read_any
    from mincache.board.standing import standings

    folder, _, solver = text.partition(":")
    if Path(text).is_dir():
        folder, solver = text, ""
    with waiting(f"reading {folder}"):
        records = read_any(Path(folder), warn)
        return standings(records, [solver] if solver else [], suite), bool(solver)


def _as_document(found: Comparison) -> dict[str, Any]:
    """Return a comparison as a JSON object; numbers not finite are null."""
    numbers = asdict(found) | {"mean_change": found.mean_change}
    return {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name, value in numbers.items()
    } | {"pairs": [pair._asdict() for pair in found.pairs]}


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


def _print_all(found: list[Table], as_json: bool) -> None:
    """Print every pair of solvers of each table, and what each adds to the virtual best."""
    from mincache.board.comparison import pairs, shares

    if as_json:
        print_json([
            {
                "suite": one.standing.name,
                "pairs": [_as_document(pair) for pair in pairs(one)],
                "virtual_best": [asdict(share) for share in shares(one)],
            }
            for one in found
        ])  # fmt: skip
        return
    for table in found:
        click.echo(f"{table.standing.name}, {len(table.standing.common)} common instances")
        for one in pairs(table):
            click.echo(
                f"  {one.first} against {one.second}: better on {one.wins}, worse on {one.losses}, equal on "
                f"{one.ties}; adjusted p = {one.p_adjusted:.2g}"
            )
        for share in shares(table):
            click.echo(
                f"  {share.solver}: best alone on {share.best_alone}; without it the virtual best would cost "
                f"{share.contribution:.4f} more"
            )
