"""`mincache compare`."""

from __future__ import annotations

from contextlib import suppress
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli import options
from mincache.cli.completion import SUITE
from mincache.cli.terminal import answer
from mincache.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mincache.board.runs import Runs

_CHANGES_SHOWN = 5
_SIDE = options.FilePath("folder[:solver]", file_okay=False)


@click.command()
@click.argument("first", type=_SIDE)
@click.argument("second", type=_SIDE, required=False)
@click.option("--chart", type=options.PICTURE, help="Draw a point an instance: the costs of both.")
@click.option("--suite", type=SUITE, default="", show_default=False,
              help="Suite to compare on; or the folder of one that is not a standard one.")  # fmt: skip
@options.machine_output("an array, an object a comparison; of one folder an object a suite", csv=True)
def compare(first: Path, second: Path | None, chart: Path | None, suite: str) -> None:
    """Compare two campaigns, two solvers, or all solvers of one folder.

    FOLDER is a campaign or a leaderboard. Without :SOLVER, each solver that is in both folders is compared
    with itself. With one folder alone, every pair of its solvers that attempted all is compared; each also
    shows how much it lowers the cost of the virtual best solver. B against A says the same as A against B.
    """
    if chart is not None:
        from mincache.site import charts, drawing

        if second is None:
            raise InputError("--chart", "must be of two sides", "one", "give a second FOLDER too")
        drawing.require_libraries()
    one, solver = _side(first, suite)
    if second is None:
        if solver:
            rule, advice = "must be compared with a second FOLDER:SOLVER", "or leave it out for all pairs"
            raise InputError("SOLVER", rule, "one side alone", advice)
        _answer_all_pairs(one)
        return
    from mincache.board.comparison import compare_all

    other, also = _side(second, suite)
    found = compare_all(_only(one, solver), _only(other, also), same_solver=not (solver and also))
    if not found:
        raise InputError("SOLVER", "must be in both folders", "no solver in both", "write FOLDER:SOLVER")
    lines = [line for comparison in found for line in _lines(comparison)]
    flat = [_flat(one | {"pairs": len(one["pairs"])}, "p_values") for one in found]
    answer(found, *lines, rows=flat)
    if chart is not None:
        options.write_picture(charts.scatter(found), chart)


def _side(side: Path, suite: str) -> tuple[list[Runs], str]:
    """Return the runs of the folder in `FOLDER[:SOLVER]`, and the solver."""
    from mincache.cli.leaderboard import read_tables

    folder, _, solver = (str(side), "", "") if side.is_dir() else str(side).partition(":")
    return [table.runs for table in read_tables([Path(folder)], suite=suite, as_notes=True)], solver


def _only(found: list[Runs], solver: str) -> list[Runs]:
    """Return the runs of a solver on each suite that has it; refused if none has."""
    if not solver:
        return found
    kept = []
    for runs in found:
        with suppress(InputError):  # another suite may have it
            kept.append(runs.only([solver]))
    if not kept:
        labels = sorted({label for runs in found for label in runs.labels.values()})
        raise InputError("SOLVER", f"must be among {', '.join(labels)}", repr(solver))
    return kept


def _flat(document: dict[str, Any], tests: str) -> dict[str, Any]:
    """Return a comparison as a line of CSV, in which each p-value has a column."""
    from mincache.board.table import QUESTIONS

    rest = {name: value for name, value in document.items() if name != tests}
    return rest | {f"p_{name}": document[tests].get(name) for name in QUESTIONS}


def _lines(found: dict[str, Any]) -> Iterator[str]:
    from mincache.board.table import QUESTIONS
    from mincache.generation.recipes import RELATIVE_TOLERANCE

    yield f"{found['suite']}: {found['first']} (A) against {found['second']} (B)"
    yield (f"  {len(found['pairs'])} instances attempted by both, {found['only_first']} by A alone, "
           f"{found['only_second']} by B alone")  # fmt: skip
    if found["changed"]:
        yield f"  changed from A to B: {', '.join(found['changed'])}"
    if found["mean_change"] is None:
        return
    yield f"  A better on {found['wins']}, B better on {found['losses']}, equal on {found['ties']}"
    tests = [f"{QUESTIONS[name]} {p:.3g}" for name, p in found["p_values"].items()]
    if found["libraries"] and "libraries" not in found["p_values"]:
        tests.append(f"new libraries cannot tell ({found['libraries']} of them)")
    change = f"{found['mean_change']:+z.3%}"
    yield f"  B's cost against A's: {change} on geometric average; p: {'; '.join(tests)}"
    pairs = sorted(found["pairs"], key=lambda pair: -abs(log(pair["second"] / pair["first"])))
    for pair in pairs[:_CHANGES_SHOWN]:
        if abs(change := pair["second"] / pair["first"] - 1.0) > RELATIVE_TOLERANCE:
            costs = f"{pair['first']:.4f} -> {pair['second']:.4f}"
            yield f"    {pair['instance']}: {costs} ({change:+z.3%})"


def _answer_all_pairs(found: list[Runs]) -> None:
    """Print all pairs of solvers, and their shares of the virtual best."""
    from mincache.board.comparison import bests, pairs, shares
    from mincache.board.table import QUESTIONS, Table

    documents: list[dict[str, Any]] = []
    lines, rows = [], []
    for table in map(Table, found):
        name, compared, added, best = table.runs.name, pairs(table), shares(table), bests(table)
        documents.append({"suite": name, "pairs": compared, "virtual_best": added} | best)
        rows += [{"suite": name} | _flat(pair, "adjusted") for pair in compared]
        lines.append(f"{name}, {len(table.runs.instances)} instances; p by Holm for all pairs together")
        for one in compared:
            tests = ", ".join(f"{QUESTIONS[name]} {p:.2g}" for name, p in one["adjusted"].items())
            lines.append(
                f"  {one['first']} against {one['second']}: better on {one['wins']}, worse on "
                f"{one['losses']}, equal on {one['ties']}; p: {tests or 'not ranked'}"
            )
        lines += [
            f"  {share['solver']}: best alone on {share['best_alone']}; without it the virtual best would "
            f"cost {share['contribution']:.4f} more"
            for share in added
        ]
        if added:
            lines.append(
                "  mean cost {virtual_best_cost:.4f} of the virtual best, {single_best_cost:.4f} of "
                "{single_best}, the single best".format(**best)
            )
    answer(documents, *lines, rows=rows)
