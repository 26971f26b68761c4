"""`mincache compare`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from math import log
from pathlib import Path
from typing import Any

import click

from mincache.board import comparison, history, runs, table
from mincache.cli import leaderboard, options
from mincache.cli.completion import SUITE
from mincache.cli.terminal import answer, warn
from mincache.errors import InputError
from mincache.files import repository
from mincache.generation import recipes
from mincache.site import charts

_CHANGES_SHOWN = 5
_PAIR = "  {first} against {second}: better on {wins}, worse on {losses}, equal on {ties}; p: "
_SHARE = (
    "  {solver}: best alone on {best_alone}; without it the virtual best would cost {contribution:.4f} more"
)
_BESTS = ("  mean cost {virtual_best_cost:.4f} of the virtual best, {single_best_cost:.4f} of {single_best}, "
          "the single best")  # fmt: skip
_SIDE = options.FilePath("folder[:solver]", file_okay=False)


@click.command()
@click.argument("folders", nargs=-1, required=True, type=_SIDE)
@click.option("--chart", type=options.PICTURE, help="Draw a point an instance: the costs of both.")
@click.option("--suite", type=SUITE, default="", show_default=False,
              help="Suite to compare on; or the folder of one that is not a standard one.")  # fmt: skip
@click.option("--since", default="", show_default=False, metavar="COMMIT",
              help="Show solvers at the commits of this repository from there on.")  # fmt: skip
@options.solver_option("With --since: show this solver alone")
@options.machine_output("an array, an object a comparison; of one folder an object a suite; with --since "
                        "an object a solver", csv=True)  # fmt: skip
def compare(
    folders: tuple[Path, ...], chart: Path | None, suite: str, since: str, solvers: tuple[str, ...]
) -> None:
    """Compare two campaigns, two solvers, all solvers of one folder, or a solver at several commits.

    FOLDER is a campaign or a leaderboard. Without :SOLVER, each solver that is in both folders is compared
    with itself. With one folder alone, every pair of its solvers that attempted all is compared; each also
    shows how much it lowers the cost of the virtual best solver. B against A says the same as A against B.

    --since takes any number of folders. Records hold the commit of the solver's own repository; run this
    command inside it.
    """
    _check(folders, chart, since, solvers)
    if since:
        _answer_history(folders, since, solvers, suite)
        return
    one, solver = _side(folders[0], suite)
    if len(folders) == 1:
        _answer_all_pairs(one)
        return
    other, also = _side(folders[1], suite)
    found = comparison.compare_all(one, other, same_solver=not (solver and also))
    if not found:
        raise InputError("SOLVER", "must be in both folders", "no solver in both", "write FOLDER:SOLVER")
    lines = [line for pair in found for line in _lines(pair)]
    flat = [_flat(one | {"pairs": len(one["pairs"])}, "p_values") for one in found]
    answer(found, *lines, rows=flat)
    if chart is not None:
        options.write_picture(charts.scatter(found), chart)


def _check(folders: tuple[Path, ...], chart: Path | None, since: str, solvers: tuple[str, ...]) -> None:
    if len(folders) > 2 and not since:
        raise InputError("FOLDER", "must be one or two without --since", f"{len(folders)} of them")
    if solvers and not since:
        raise InputError("--solver", "must be with --since", "no --since", "write FOLDER:SOLVER")
    if len(folders) == 1 and not since and _parts(folders[0])[1]:
        rule, advice = "must be compared with a second FOLDER:SOLVER", "or leave it out for all pairs"
        raise InputError("SOLVER", rule, "one side alone", advice)
    if chart is not None and (len(folders) != 2 or since):
        received = "--since" if since else "one"
        raise InputError("--chart", "must be of two sides", received, "give two FOLDERs alone")


def _answer_history(folders: tuple[Path, ...], since: str, solvers: tuple[str, ...], suite: str) -> None:
    """Print each solver at the commits from `since` on."""
    commits = repository.history(since)
    campaigns, named_there = zip(*map(_parts, folders), strict=True)
    gatherer = history.HistoryGatherer(commits, (*solvers, *filter(None, named_there)))
    tables = leaderboard.read_tables(campaigns, suite=suite, as_notes=True, gatherer=gatherer)
    warn(*(f"left out: {count} runs {what}" for what, count in gatherer.passed_over.items()))
    found = [step for one in tables for step in history.series(one, commits)]
    lines: list[str] = []
    for one in found:
        lines.append(f"{one['suite']}: {one['solver']} since {since}")
        lines += map(_step_line, one["steps"])
        if len(one["steps"]) == 1:
            lines.append("  runs at one commit alone: no change can be told")
    rows = [
        {"suite": one["suite"], "solver": one["solver"]} | _flat(step, "adjusted")
        for one in found
        for step in one["steps"]
    ]
    answer(found, *lines, rows=rows)


def _step_line(step: dict[str, Any]) -> str:
    cost = "unknown" if step["mean_cost"] is None else f"{step['mean_cost']:.4f}"
    gap = "unknown" if step["mean_gap"] is None else f"{step['mean_gap']:z.3%}"
    line = f"  {step['commit'][:10]}{' + changes' if step['dirty'] else '':10} cost {cost}, gap {gap}"
    line += f" on {step['instances']} instances" + (f", {step['failed']} failed" if step["failed"] else "")
    change = "" if step["change"] is None else f"{step['change']:+z.3%}, "
    return line + (f"; {change}{step['told']}" if step["told"] else "") + f"; {step['subject']}"


def _parts(side: Path) -> tuple[Path, str]:
    folder, _, solver = (str(side), "", "") if side.is_dir() else str(side).partition(":")
    return Path(folder), solver


def _side(side: Path, suite: str) -> tuple[list[runs.Runs], str]:
    """Return the runs of `FOLDER[:SOLVER]` on each suite that has the solver, and the solver."""
    folder, solver = _parts(side)
    found = [one.runs for one in leaderboard.read_tables([folder], suite=suite, as_notes=True)]
    labels = {label for one in found for label in one.labels.values()}
    if not solver:
        return found, solver
    kept = []
    for one in found:
        with suppress(InputError):  # another suite may have it
            kept.append(one.only([solver]))
    if not kept:
        raise InputError("SOLVER", f"must be among {', '.join(sorted(labels))}", repr(solver))
    return kept, solver


def _flat(document: dict[str, Any], tests: str) -> dict[str, Any]:
    """Return a comparison as a line of CSV, in which each p-value has a column."""
    rest = {name: value for name, value in document.items() if name != tests}
    return rest | {f"p_{name}": document[tests].get(name) for name in table.QUESTIONS}


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield f"{found['suite']}: {found['first']} (A) against {found['second']} (B)"
    yield (f"  {len(found['pairs'])} instances attempted by both, {found['only_first']} by A alone, "
           f"{found['only_second']} by B alone")  # fmt: skip
    if found["changed"]:
        yield f"  changed from A to B: {', '.join(found['changed'])}"
    if found["mean_change"] is None:
        return
    yield f"  A better on {found['wins']}, B better on {found['losses']}, equal on {found['ties']}"
    tests = [f"{table.QUESTIONS[name]} {p:.3g}" for name, p in found["p_values"].items()]
    if found["libraries"] and "libraries" not in found["p_values"]:
        tests.append(f"new libraries cannot tell ({found['libraries']} of them)")
    change = f"{found['mean_change']:+z.3%}"
    yield f"  B's cost against A's: {change} on geometric average; p: {'; '.join(tests)}"
    pairs = sorted(found["pairs"], key=lambda pair: -abs(log(pair["second"] / pair["first"])))
    for pair in pairs[:_CHANGES_SHOWN]:
        if abs(change := pair["second"] / pair["first"] - 1.0) > recipes.RELATIVE_TOLERANCE:
            costs = f"{pair['first']:.4f} -> {pair['second']:.4f}"
            yield f"    {pair['instance']}: {costs} ({change:+z.3%})"


def _answer_all_pairs(found: list[runs.Runs]) -> None:
    """Print all pairs of solvers, and their shares of the virtual best."""
    documents, lines, rows = [], list[str](), []
    for ranked in map(table.Table, found):
        name, compared, added = ranked.runs.name, comparison.pairs(ranked), comparison.shares(ranked)
        best = comparison.bests(ranked)
        documents.append({"suite": name, "pairs": compared, "virtual_best": added} | best)
        rows += [{"suite": name} | _flat(pair, "adjusted") for pair in compared]
        lines.append(f"{name}, {len(ranked.runs.instances)} instances; p by Holm for all pairs together")
        for one in compared:
            tests = ", ".join(f"{table.QUESTIONS[name]} {p:.2g}" for name, p in one["adjusted"].items())
            lines.append(_PAIR.format(**one) + (tests or "not ranked"))
        lines += (_SHARE.format(**share) for share in added)
        if added:
            lines.append(_BESTS.format(**best))
    answer(documents, *lines, rows=rows)
