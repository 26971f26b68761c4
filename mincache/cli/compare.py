"""`mincache compare`."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.options import FILE, json_option
from mincache.cli.terminal import print_json, warn
from mincache.errors import InputError

if TYPE_CHECKING:
    from mincache.board.comparison import Comparison
    from mincache.board.runs import Runs
    from mincache.board.table import Table

_CHANGES_SHOWN = 5


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="[B]", default="")
@click.option("--chart", type=FILE, metavar="FILE",
              help="Draw the costs of both, an instance a point, as .svg or .png.")  # fmt: skip
@click.option("--suite", default="", metavar="SUITE",
              help="The suite wanted; or the folder of one that is not a standard one.")  # fmt: skip
@json_option("a JSON array, an object a comparison; of one folder an object a suite")
def compare(first: str, second: str, chart: Path | None, suite: str, as_json: bool) -> None:
    """Compare two campaigns, two solvers, or all solvers of one folder.

    A and B are each FOLDER or FOLDER:SOLVER; a folder is a campaign or a board. Without a solver, those that
    both folders hold are compared, each with itself. Without B, every pair of solvers of A that attempted
    all is compared, and each tells what it adds to the virtual best. B against A says
    the same as A against B.
    """
    from mincache.board.comparison import compare_all
    from mincache.board.table import Table

    one, solver = _side(first, suite)
    if second:
        other, also = _side(second, suite)
        found = compare_all(_only(one, solver), _only(other, also), same_solver=not (solver and also))
        if not found:
            raise InputError(
                "solvers", "must be the same in both, or be named", "none", "write FOLDER:SOLVER"
            )
        if as_json:
            print_json([_as_document(comparison) for comparison in found])
        else:
            for comparison in found:
                _print(comparison)
    elif solver:
        raise InputError(
            "B", "must be given beside the solver in A", "nothing", "leave the solver out for all"
        )
    else:
        found = []
        _print_all([Table(runs) for runs in one], as_json)
    if chart is not None:
        from mincache.site import charts

        if not found:
            raise InputError("chart", "must be of two sides", "one", "give B too")
        charts.write(charts.scatter(found), chart)


def _side(text: str, suite: str) -> tuple[list[Runs], str]:
    """Return the runs of the folder in `FOLDER[:SOLVER]`, and the solver."""
    from mincache.cli.leaderboard import read_tables

    folder, _, solver = text.partition(":")
    if Path(text).is_dir():
        folder, solver = text, ""
    return [table.runs for table in read_tables([Path(folder)], (), suite, tell=warn)], solver


def _only(found: list[Runs], solver: str) -> list[Runs]:
    """Return the runs of a solver on each suite that has it; refused if none has."""
    if not solver:
        return found
    known = {
        name for runs in found for who in runs.contenders for name in (runs.labels[who], who.solver, who.name)
    }
    if solver not in known:
        labels = sorted({runs.labels[who] for runs in found for who in runs.contenders})
        raise InputError("solvers", f"must be among {', '.join(labels)}", repr(solver))
    return [
        runs.only([solver])
        for runs in found
        if any(solver in (runs.labels[who], who.solver, who.name) for who in runs.contenders)
    ]


def _as_document(found: Comparison) -> dict[str, Any]:
    """Return a comparison as a JSON object; numbers not finite are null."""
    numbers = asdict(found)
    return {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name, value in numbers.items()
    } | {"pairs": [pair._asdict() for pair in found.pairs]}


def _print(found: Comparison) -> None:
    from mincache.board.table import QUESTIONS

    click.echo(f"{found.suite}: {found.first} (A) against {found.second} (B)")
    click.echo(f"  {len(found.pairs)} instances attempted by both, {found.only_first} by A alone, "
               f"{found.only_second} by B alone")  # fmt: skip
    if found.changed:
        click.echo(f"  changed from A to B: {', '.join(found.changed)}")
    if found.mean_change is None:
        return
    click.echo(f"  A better on {found.wins}, B better on {found.losses}, equal on {found.ties}")
    tests = [f"{QUESTIONS[name]} {p:.3g}" for name, p in found.p_values.items()]
    if found.libraries and "libraries" not in found.p_values:
        tests.append(f"new libraries cannot tell ({found.libraries} of them)")
    click.echo(
        f"  B's cost against A's: {found.mean_change:+z.3%} on geometric average; p: {'; '.join(tests)}"
    )
    for pair in found.most_changed(_CHANGES_SHOWN):
        click.echo(f"    {pair.instance}: {pair.first:.4f} -> {pair.second:.4f} ({pair.change:+z.3%})")


def _print_all(found: list[Table], as_json: bool) -> None:
    """Print every pair of solvers of each table, and what each adds to the virtual best."""
    from mincache.board.comparison import pairs, shares
    from mincache.board.table import QUESTIONS

    if as_json:
        print_json([
            {
                "suite": one.runs.name,
                "pairs": [pair._asdict() for pair in pairs(one)],
                "virtual_best": [asdict(share) for share in shares(one)],
            }
            for one in found
        ])  # fmt: skip
        return
    for table in found:
        click.echo(
            f"{table.runs.name}, {len(table.runs.instances)} instances; p by Holm for all pairs together"
        )
        for one in pairs(table):
            tests = ", ".join(f"{QUESTIONS[name]} {p:.2g}" for name, p in one.adjusted.items())
            click.echo(
                f"  {one.first} against {one.second}: better on {one.wins}, worse on {one.losses}, equal on "
                f"{one.ties}; p: {tests or 'not ranked'}"
            )
        for share in shares(table):
            click.echo(
                f"  {share.solver}: best alone on {share.best_alone}; without it the virtual best would cost "
                f"{share.contribution:.4f} more"
            )
