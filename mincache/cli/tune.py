"""`mincache tune`."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click

import mincache
from mincache.analysis import explanation
from mincache.bench import executors, plan, supervisor
from mincache.bench import limits as bench_limits
from mincache.board import runs as board_runs
from mincache.cli import generate, options, summary
from mincache.cli.completion import SCENARIO, SOLVER
from mincache.cli.terminal import TerminalTable, answer, resumable, say, tracked, warn
from mincache.errors import InputError
from mincache.files import documents, tables
from mincache.generation import recipes, streams, suite_writing, suites, sweeps
from mincache.solving import entrant as entrants
from mincache.solving import registry, spec

_PURPOSE = "training draws: their seeds are from 2^60 up, so that they are in no suite"


@click.command()
@click.argument("solver", type=SOLVER)
@click.option("--on", "scenario", type=SCENARIO, required=True,
              help="Scenario file (TOML), or a suite whose scenario is meant.")  # fmt: skip
@click.option("--trials", type=options.COUNT, default=30, help="Settings to try.")
@click.option("--libraries", type=options.COUNT, default=3, help="Libraries to draw, each with a trace.")
@options.USERS
@click.option("--seeds", type=options.COUNT, default=1, help="Repetitions of a randomised solver.")
@click.option("--seed", type=options.SEED, default=1, help="Seed of the draws, the trials and the runs.")
@options.limit_options(10.0)
@options.WORKERS
@options.folder_output("Folder for the training draws and the records.")
@options.machine_output("an object: the space, each trial and the best")
def tune(
    solver: str, scenario: str, trials: int, libraries: int, users: tuple[int, ...] | None, seeds: int,
    seed: int, limits: bench_limits.Limits, workers: int | None, output: Path,
) -> None:  # fmt: skip
    """Search for good parameters of SOLVER, such as 'genetic[population=10..200]'.

    `10..200` is a range of whole numbers, `0.1..0.9` one of any, `1e-4..1e-1 log` one by orders of magnitude;
    `[a,b]` lists choices; all else is fixed. Without any range or list, each number that is not given is
    searched from a quarter to four times its default.

    A trial is the mean gap on instances drawn from the scenario, which are in no suite. A run that failed
    counts as caching nothing. Repeat the command to continue, or with more --trials to go on. Exit code 1 if
    every run failed.
    """
    try:
        from mincache.analysis.tuning import search_space
    except ModuleNotFoundError as error:
        raise registry.missing_extra("mincache tune", error) from None
    tried, answered = dict[str, dict[str, Any]](), False
    with resumable(), supervisor.Supervisor(pin=False) as keeper:
        target = spec.parse(spec.expand(solver)[0]).target
        described = supervisor.describe(entrants.absolute(target), keeper, limits)
        if described.unknown:
            raise InputError(f"solver {described.spec}", "must load", described.unknown)
        space = search_space(solver, described.parameters)
        suite = _training_suite(scenario, output, libraries, users, seed)
        study = space.study(described.parameters, seed)
        for number in range(1, trials + 1):
            asked = study.ask(dict(space.searched))
            spelled = space.spelled(asked.params)
            if spelled not in tried:
                entrant = None
                try:
                    entrant = supervisor.describe(entrants.absolute(spelled), keeper, limits)
                except InputError as error:  # the solver refuses the setting
                    warn(str(error))
                gap, failed, runs = _price(entrant, suite, seeds, seed, limits, workers, output)
                answered |= failed < runs
                tried[spelled] = {"trial": number, "solver": spelled, "gap": gap, "failed": failed}
            study.tell(asked, tried[spelled]["gap"])
            say(f"trial {number}: {spelled} mean gap {tried[spelled]['gap']:z.3%}", err=True)
    best = sorted(tried.values(), key=lambda one: (one["gap"], one["trial"]))
    document = {
        "solver": solver, "scenario": scenario, "training": str(suite.folder), "instances": len(suite),
        "space": {name: str(one) for name, one in space.searched.items()},
        "trials": list(tried.values()), "best": best[0]["solver"], "gap": best[0]["gap"],
    }  # fmt: skip
    (output / "tuning.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    rows = [[str(t["trial"]), f"{t['gap']:z.3%}", str(t["failed"]), t["solver"]] for t in best[:10]]
    title = f"Best of {trials} trials on {len(suite)} instances drawn from {scenario}"
    table = TerminalTable({"trial": "l", "mean gap": "r", "failed": "r", "solver": "l"}, rows, title)
    found = f"best: {shlex.quote(best[0]['solver'])}" if answered else "none: every run failed"
    answer(document, table, found, failed=not answered)


def _price(
    entrant: entrants.Entrant | None, suite: mincache.Suite, seeds: int, seed: int,
    limits: bench_limits.Limits, workers: int | None, output: Path,
) -> tuple[float, int, int]:  # fmt: skip
    """Return the mean gap on the training instances, how many runs failed, and how many there were.

    No entrant fails in all.
    """
    if entrant is None:
        best = [one.cost for one in suite.references.values()]
        nothing = board_runs.nothing_cached(suite, list(suite.references))
        return float((nothing / best - 1.0).mean()), len(suite), len(suite)
    tasks = plan.plan(suite, [entrant], seeds, limits, seed)
    records = summary.run_tasks(output, tasks, executors.LocalExecutor(workers, limits.threads))
    (runs,) = board_runs.gather(records, suite=str(suite.folder))
    failed = sum(record.verdict != "verified" for record in records)
    return float(runs.means("gap").mean()), failed, len(records)


def _training_suite(
    text: str, output: Path, libraries: int, users: tuple[int, ...] | None, seed: int
) -> mincache.Suite:
    """Draw instances from a scenario, unless they are there, and find their references."""
    if text.endswith(".toml") or Path(text).is_file():
        file = sweeps.read_scenario(Path(text))
        scenario, sweep, usual = file.scenario, file.sweep, generate.users_of(file)
    else:
        source = mincache.suite(text).source
        scenario, sweep, usual = source.scenario, source.recipe.sweep, source.recipe.users
    if scenario.trace_count() is not None:
        warn("the traces are cut from data files: a suite that is cut from the same ones can hold them too")
    drawn = int(streams.generator(seed, "tuning").integers(2**60, 2**61))
    fields = {"library_seed": drawn, "trace_seed": drawn, "libraries": libraries, "traces": 1}
    recipe = tables.validated(recipes.Recipe, fields | {"users": users or usual, "sweep": sweep})
    content = f"{recipe.model_dump_json()}{scenario.sealed().model_dump_json()}"
    folder = output / f"training-{documents.digest(content.encode())[:8]}"
    if not (folder / suites.RECIPE_FILE).is_file():
        suite_writing.generate(folder, folder.name, recipe, scenario, _PURPOSE)
    suite = mincache.suite(folder)
    missing = [name for name, entry in suite.entries.items() if entry.best_known is None]
    for name in tracked(missing, "solving", len(missing)):
        best = explanation.best_answer(suite[name], 10.0)
        known = mincache.evaluate(suite[name], best.solution).cost, best.bound
        suite = suite_writing.set_references(suite, {name: known}, "exact method, 10 s an instance")
    if free := [name for name, one in suite.references.items() if not one.cost]:
        raise InputError("--on", "must draw instances that cost something, to have gaps", free[0])
    return suite
