"""`mincache instances select`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import mincache
from mincache.cli import options
from mincache.cli.completion import SUITE
from mincache.cli.terminal import answer, tracked

_QUICK = ("popular-first", "density-greedy", "local-search")
_MEASURED = options.FilePath("file", ".csv", dir_okay=False)


@click.command()
@click.argument("candidates", nargs=-1, required=True, type=SUITE)
@click.option("-n", "--count", type=options.COUNT, required=True, help="Instances to choose.")
@options.folder_output("Folder for the suite.")
@click.option("--clusters", type=options.COUNT,
              help="Clusters to divide the candidates into.  [default: 2 n]")  # fmt: skip
@click.option("--at-most", multiple=True, metavar="LIMIT",
              help="How many of a kind there may be, such as density-greedy<0.01=5; repeatable.")  # fmt: skip
@click.option("--at-least", multiple=True, metavar="LIMIT",
              help="How many of a kind there must be, such as gini>0.5=4; repeatable.")  # fmt: skip
@click.option("--seed", type=options.SEED, required=True, help="Decides among candidates that are alike.")
@click.option("--measured", type=_MEASURED, required=True,
              help="What is measured of the candidates; rows that it lacks are added.")  # fmt: skip
@options.solver_option("Quick solver whose gap characterises an instance", default=_QUICK)
@click.option("--time-limit", type=options.SECONDS, default=10.0, help="Time of each search.")
@click.option("--workers", type=options.COUNT, default=1, help="Processes that measure.")
@options.SUITE_NAME
@options.PURPOSE
@options.KEPT
@click.option("--picture", type=options.PICTURE, help="Draw the suite among its candidates.")
@options.machine_output("an object")
def select(
    candidates: tuple[str, ...], count: int, output: Path, clusters: int | None, at_most: tuple[str, ...],
    at_least: tuple[str, ...], seed: int, measured: Path, solvers: tuple[str, ...], time_limit: float,
    workers: int, name: str | None, purpose: str, kept: Any, picture: Path | None,
) -> None:  # fmt: skip
    """Choose n instances among those of the suites CANDIDATES, and make a suite of them.

    Features of all candidates are divided into clusters. Of each cluster, at most one instance is chosen, one
    near its middle. A LIMIT names a column of the measured file, < or >, a value, and a count.
    """
    from mincache.analysis import selection
    from mincache.generation import suites
    from mincache.generation.suite_writing import check_free, write_selection

    title = options.suite_name(output, name)
    check_free(output)
    most, least = ([selection.Limit.parse(text) for text in texts] for texts in (at_most, at_least))
    found = [mincache.suite(one) for one in candidates]
    whose = {entry.sha256: (suite, entry.name) for suite in found for entry in suite.entries.values()}
    options.prepare(measured)
    rows = selection.measure(found, measured, solvers, time_limit, workers)
    list(tracked(rows, "measuring", total=len(whose)))
    known = [row for row in selection.read_rows(measured) if row["sha256"] in whose]
    clusters = clusters or 2 * count
    choice = selection.select(known, count, clusters, seed, solvers, most, least)
    chosen = [(*whose[str(known[i]["sha256"])], int(choice.cluster[i])) for i in choice.chosen]
    decisions = {"seed": seed, "candidates": len(known), "clusters": clusters}
    suite = write_selection(
        output, title, chosen, decisions | {"at_most": at_most, "at_least": at_least}, purpose, kept
    )
    taken = [known[i] for i in choice.chosen]
    limits = [
        {
            "limit": limit.text,
            "chosen": int(limit.holds(taken).sum()),
            "candidates": int(limit.holds(known).sum()),
        }
        for limit in (*most, *least)
    ]
    if picture is not None:
        from mincache.site.pictures import plane_chart

        groups = [title if i in choice.chosen else "candidates" for i in range(len(known))]
        names = [str(row["name"]) for row in known]
        chart = plane_chart(choice.plane, names, groups, {"candidates": "#bbbbbb"})
        options.write_picture(chart, picture)
    answer(
        {"suite": title, "folder": str(output), "instances": list(suite.entries), "limits": limits},
        *("{limit}: {chosen} chosen, {candidates} candidates".format(**one) for one in limits),
        f"{len(suite)} of {len(known)} candidates, listed in {output / suites.RECIPE_FILE}",
    )
