"""`mincache train --sweep`: several settings and seeds of a learner side by side, and a table of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mincache.cli.terminal import Bars, TerminalTable, answer

if TYPE_CHECKING:
    from mincache.paper.trained import Trained


def train_each(
    specs: Sequence[str],
    suite: str,
    users: int,
    library: int,
    seeds: Sequence[int],
    folder: Path,
    form: str | None,
) -> None:
    """Train every setting with every seed, as many at a time as there are cores, and show how good they get.

    Args:
        specs: the settings, as solvers are written.
        suite: whose scenario and library to train for.
        users: N.
        library: which library.
        seeds: of the trainings.
        folder: where policies and records are kept; what it holds is not trained again.
        form: as `answer` takes it.
    """
    from mincache.bench.cores import usable_cores
    from mincache.generation.suites import find
    from mincache.paper.trained import Training, train_all
    from mincache.views.episodes import Episodes

    place = find(suite).folder
    Episodes.of_suite(suite, library, users)  # refuses a library that there is not
    trainings = [Training(spec, place, library, users, seed) for spec in specs for seed in seeds]
    try:
        with Bars() as bars:
            found = train_all(
                trainings, folder, usable_cores(), lambda done: bars.show("trainings", done, len(trainings))
            )
    except KeyboardInterrupt:
        click.echo(f"interrupted; what is done is kept in {folder}; repeat the command to continue", err=True)
        sys.exit(1)
    rows = [_row(spec, [one for one in found if one.training.spec == spec]) for spec in specs]
    rows.sort(key=lambda row: row["gap"])
    cells = [
        [str(row["solver"]), str(row["seeds"]), *(f"{row[name]:.2%}" for name in ("gap", "best", "worst")),
         f"{row['cpu_s']:.1f}"]
        for row in rows
    ]  # fmt: skip
    titles = ("solver", "seeds", "above the\noptimum", "best seed", "worst seed", "processor\nseconds each")
    answer(
        form,
        rows,
        TerminalTable(titles, "lrrrrr", cells, caption=f"on held-out traces; policies in {folder}"),
    )


def _row(spec: str, trained: Sequence[Trained]) -> dict[str, str | int | float]:
    gaps = [one.record.curve[-1].validation_gap or 0.0 for one in trained]
    cpu_s = sum(one.record.cpu_s for one in trained) / len(trained)
    return {
        "solver": spec, "seeds": len(trained), "gap": sum(gaps) / len(gaps), "best": min(gaps),
        "worst": max(gaps), "cpu_s": cpu_s,
    }  # fmt: skip
