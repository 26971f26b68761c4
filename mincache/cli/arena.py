"""`mincache arena`: a task for programs that write heuristics."""

from __future__ import annotations

from pathlib import Path

import click

from mincache.cli import options
from mincache.cli.terminal import answer
from mincache.cli.verbs import VerbGroup

_SUITE = "development"


@click.group(cls=VerbGroup)
def arena() -> None:
    """Let programs that write heuristics work on this problem."""


@arena.command()
@click.argument("folder", type=options.FOLDER)
@click.option("--scenario", type=options.FILE, help="Scenario file to draw from.  [default: the paper's]")
@click.option("--users", type=options.whole_numbers, metavar="N,N,...",
              help="Numbers of users.  [default: the scenario's]")  # fmt: skip
@click.option("--libraries", type=options.COUNT, default=4, help="Model libraries to draw.")
@click.option("--seed", type=options.SEED, default=1, help="Seed of the suite.")
@options.machine_output("an object")
def init(
    folder: Path, scenario: Path | None, users: tuple[int, ...] | None, libraries: int, seed: int
) -> None:
    """Write a task into FOLDER: the problem in a page, an entry to begin with, a suite, and the judge's call.

    Give the folder to the program. It improves `entry.py`; `mincache judge` scores it.
    """
    from mincache.files.paths import make_folder
    from mincache.generation import suite_writing
    from mincache.generation.recipes import Recipe
    from mincache.generation.sweeps import ScenarioFile, read_scenario
    from mincache.solving import scaffold

    source = (ScenarioFile() if scenario is None else read_scenario(scenario)).scenario
    recipe = Recipe(
        library_seed=seed, trace_seed=seed, libraries=libraries, traces=1, users=users or (source.users,)
    )
    make_folder(folder)
    suite = suite_writing.generate(folder / _SUITE, _SUITE, recipe, source, "to develop solvers on")
    files = [str(path) for path in scaffold.write_task(folder, _SUITE)]
    call = "mincache judge entry.py:Entry --suite development --time-limit 5 --json"
    found = {"files": files, "suite": str(suite.folder), "instances": len(suite.entries), "judge": call}
    answer(found, *files, f"{len(suite.entries)} instances in {suite.folder}", f"\nnext, in {folder}:",
           f"  {call}")  # fmt: skip
