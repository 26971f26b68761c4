"""`mincache compare`."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.completion import SUITE
from mincache.cli.options import PICTURE, FilePath, machine_output
from mincache.cli.terminal import answer, waiting, warn
from mincache.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mincache.board.comparison import Comparison
    from mincache.board.standing import Standing
    from mincache.board.table import Table

_CHANGES_SHOWN = 5
_SIDE = FilePath("folder[:solver]", file_okay=False)


@click.command()
@click.argument("first", type=_SIDE)
@click.argument("second", type=_SIDE, required=False)
@click.option("--chart", type=PICTURE, help="Draw a point an instance: the costs of both.")
@click.option("--suite", type=SUITE, default="", help="Folder of the suite, if it is not a standard one.")
@machine_output("an array, an object a comparison; of one folder an object a suite", csv=True)
def compare(first: Path, second: Path | None, chart: Path | None, suite: str, form: str | None) -> None:
    """Compare two campaigns, two solvers, or all solvers of one folder.

    FOLDER is a campaign or a leaderboard. Without :SOLVER, each solver that is in both folders is compared
    with itself. With one folder alone, every pair of its solvers is compared on the instances that all have
    solved; each solver also shows how much it lowers the cost of the virtual best solver.
    """
    from mincache.board.comparison import compare_standings, pairs
    from mincache.board.table import Table

    if chart is not None:
        from mincache.site import charts

        charts.require_libraries()
    one, named = _side(first, suite)
    if second:
        other, also_named = _side(second, suite)
        found = compare_standings(one, other, same_solver=not (named and also_named))
        if not found:
            raise InputError("SOLVER", "must be in both folders", "none that is", "write FOLDER:SOLVER")
        documents = [_as_document(comparison) for comparison in found]
        answer(
            form, documents, *(line for comparison in found for line in _lines(comparison)), rows=_flat(found)
        )
    elif named:
        rule, advice = "must be compared with a second FOLDER:SOLVER", "or leave the solver out for all pairs"
        raise InputError("SOLVER", rule, "one side alone", advice)
    else:
        tables = [Table(standing) for standing in one]
        found = [comparison for table in tables for comparison in pairs(table)]
        answer(form, *_all_pairs(tables), rows=_flat(found))
    if chart is not None:
        charts.write(charts.scatter(found), chart)


def _side(side: Path, suite: str) -> tuple[list[Standing], bool]:
    """Return the standings that `FOLDER[:SOLVER]` names, and whether it names a solver."""
    from mincache.board.entries import read_any
    from mincache.board.standing import standings

    folder, _, solver = str(side).partition(":")
    if side.is_dir():
        folder, solver = str(side), ""
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


def _flat(found: Sequence[Comparison]) -> list[dict[str, Any]]:
    """Return the comparisons as lines of CSV; their instances are counted."""
    return [_as_document(one) | {"pairs": len(one.pairs)} for one in found]


def _lines(found: Comparison) -> Iterator[str]:
    yield f"{found.suite}: {found.first} (A) against {found.second} (B)"
    yield (f"  {len(found.pairs)} instances solved by both, {found.only_first} by A alone, "
           f"{found.only_second} by B alone")  # fmt: skip
    if found.changed:
        yield f"  changed from A to B: {', '.join(found.changed)}"
    if found.mean_change is None:
        return
    yield f"  A better on {found.wins}, B better on {found.losses}, equal on {found.ties}"
    yield (f"  B's cost against A's: {found.mean_change:+z.3%} on average; signed-rank test p = "
           f"{found.p_value:.3g}, adjusted {found.p_adjusted:.3g}")  # fmt: skip
    for pair in found.most_changed(_CHANGES_SHOWN):
        yield f"    {pair.instance}: {pair.first:.4f} -> {pair.second:.4f} ({pair.change:+z.3%})"


def _all_pairs(found: Sequence[Table]) -> tuple[Any, ...]:
    """Return all pairs of solvers and their shares of the virtual best: JSON first, then lines."""
    from mincache.board.comparison import pairs, shares

    documents = []
    lines = []
    for table in found:
        compared, added = pairs(table), shares(table)
        documents.append({
            "suite": table.standing.name,
            "pairs": [_as_document(pair) for pair in compared],
            "virtual_best": [asdict(share) for share in added],
        })  # fmt: skip
        lines.append(f"{table.standing.name}, {len(table.standing.common)} common instances")
        lines += [
            f"  {one.first} against {one.second}: better on {one.wins}, worse on {one.losses}, equal on "
            f"{one.ties}; adjusted p = {one.p_adjusted:.2g}"
            for one in compared
        ]
        lines += [
            f"  {share.solver}: best alone on {share.best_alone}; without it the virtual best would cost "
            f"{share.contribution:.4f} more"
            for share in added
        ]
    return documents, *lines
