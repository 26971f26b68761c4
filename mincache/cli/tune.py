"""`mincache tune`."""

from __future__ import annotations

import json
import shlex
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

import mincache
from mincache.cli import options
from mincache.cli.completion import SCENARIO, SOLVER
from mincache.cli.terminal import TerminalTable, answer, resumable, tracked, waiting, warn
from mincache.errors import InputError, MincacheError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mincache.bench.limits import Limits
    from mincache.board.tuning import Trial
    from mincache.generation.recipes import Recipe
    from mincache.generation.scenario import Scenario

_PURPOSE = "training draws: their seeds are from 2^60 up, so that they are in no suite"
_REFERENCE_S = 10.0  # for the exact method, an instance
_SHOWN = 10


@click.command()
@click.argument("solver", type=SOLVER)
@click.option("--on", "scenario", type=SCENARIO, required=True,
              help="Scenario file (TOML), or a suite whose scenario is meant.")  # fmt: skip
@click.option("--trials", type=options.COUNT, default=30, help="Settings to try.")
@click.option(
    "--libraries", type=options.COUNT, default=3, help="Model libraries to draw, each with a trace."
)
@click.option("--users", type=options.whole_numbers, metavar="N,N,...",
              help="Numbers of users.  [default: the scenario's]")  # fmt: skip
@click.option("--seeds", type=options.COUNT, default=1, help="Repetitions of a randomised solver.")
@click.option("--seed", type=options.SEED, default=1, help="Seed of the draws, the trials and the runs.")
@options.limit_options(10.0)
@options.WORKERS
@options.folder_output("Folder for the training draws and the records.")
@options.machine_output("an object: the space, each trial and the best")
def tune(
    solver: str, scenario: str, trials: int, libraries: int, users: tuple[int, ...] | None, seeds: int,
    seed: int, limits: Limits, workers: int | None, output: Path,
) -> None:  # fmt: skip
    """Search for good parameters of SOLVER, such as 'genetic[population=10..200]'.

    `10..200` is a range of whole numbers, `0.1..0.9` one of any, `1e-4..1e-1 log` one by orders of magnitude;
    `[a,b]` lists choices; all else is fixed. Without any range or list, each number that is not given is
    searched from a quarter to four times its default.

    A trial is the mean gap on instances drawn from the scenario, which are in no suite. A run that failed
    counts as caching nothing. Repeat the command to continue, or with more --trials to go on.
    """
    from mincache.bench.supervisor import describe_one
    from mincache.board import tuning
    from mincache.solving.entrant import absolute
    from mincache.solving.registry import missing_extra

    try:
        import optuna  # noqa: F401
    except ModuleNotFoundError as error:
        raise missing_extra("mincache tune", error) from None
    space = tuning.read_space(solver)
    with waiting("loading the solver"):
        described = describe_one(absolute(space.target))
    if described.unknown:
        raise InputError(f"solver {space.target}", "must load", described.unknown)
    space = space.fitted(described.parameters)
    with resumable():
        suite = _training_suite(scenario, output, libraries, users, seed)
        price = _pricing(suite, output, limits, workers, seeds, seed)
        done: list[Trial] = []
        for trial in tuning.search(space, described.parameters, price, seed, trials):
            done.append(trial)
            failed = f", {trial.failed} failed" if trial.failed else ""
            told = f"[{trial.number}/{trials}] {trial.solver} mean gap {trial.gap:z.3%}{failed}"
            click.echo(told, err=True)
    ranked = sorted(
        {one.solver: one for one in reversed(done)}.values(), key=lambda one: (one.gap, one.number)
    )
    best = ranked[0]
    document = {
        "solver": solver, "scenario": scenario, "training": str(suite.folder), "training_draws": _PURPOSE,
        "instances": len(suite),
        "space": {k: list(v) if isinstance(v, tuple) else str(v) for k, v in space.searched.items()},
        "trials": [one._asdict() for one in done], "best": best.solver, "gap": best.gap,
    }  # fmt: skip
    (output / "tuning.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    rows = [[str(t.number), f"{t.gap:z.3%}", str(t.failed), t.solver] for t in ranked[:_SHOWN]]
    title = f"Best of {len(done)} trials on {len(suite)} instances drawn from {scenario}"
    table = TerminalTable({"trial": "l", "mean gap": "r", "failed": "r", "solver": "l"}, rows, title)
    answer(document, table, f"best: {shlex.quote(best.solver)}")


def _training_suite(
    scenario: str, output: Path, libraries: int, users: tuple[int, ...] | None, seed: int
) -> mincache.Suite:
    """Draw the training instances, unless they are there, and find their references."""
    from mincache.files.documents import digest
    from mincache.generation import streams, suite_writing
    from mincache.generation.suites import RECIPE_FILE

    drawn = int(streams.generator(seed, "tuning").integers(2**60, 2**61))
    source, recipe = _source(scenario, libraries, users, drawn)
    if source.trace_count() is not None:
        warn("the traces are cut from data files: a suite that is cut from the same ones can hold them too")
    content = f"{recipe.model_dump_json()}{source.sealed().model_dump_json()}".encode()
    name = f"training-{digest(content)[:8]}"
    folder = output / name
    if (folder / RECIPE_FILE).is_file():
        suite = mincache.suite(folder)
    else:
        suite = suite_writing.generate(
            folder, name, recipe, source, _PURPOSE, each=lambda at: tracked(at, "drawing", len(at))
        )
    missing = [name for name, entry in suite.entries.items() if entry.best_known is None]
    for name in tracked(missing, "solving", len(missing)):
        said = f"exact method, {_REFERENCE_S:g} s an instance, or caching nothing"
        suite = suite_writing.set_references(suite, {name: (_best_cost(suite[name]), None)}, said)
    return suite


def _source(text: str, libraries: int, users: tuple[int, ...] | None, seed: int) -> tuple[Scenario, Recipe]:
    from mincache.files.tables import validated
    from mincache.generation.recipes import Recipe
    from mincache.generation.sweeps import read_scenario

    known: tuple[int, ...]
    if text.endswith(".toml") or Path(text).is_file():
        file = read_scenario(Path(text))
        scenario, sweep, known = file.scenario, file.sweep, (file.users,)
    else:
        suite = mincache.suite(text).source
        scenario, sweep, known = suite.scenario, suite.recipe.sweep, suite.recipe.users
        if suite.recipe.library_seed == seed:
            raise InputError("--on", "must not hold the training draws themselves", text, "change --seed")
    cases = sweep.cases if sweep is not None else ()
    known = tuple(dict.fromkeys(case["users"] for case in cases if "users" in case)) or known
    fields = {"library_seed": seed, "trace_seed": seed, "libraries": libraries, "traces": 1}
    return scenario, validated(Recipe, fields | {"users": users or known, "sweep": sweep})


def _best_cost(instance: mincache.Instance) -> float:
    from mincache.analysis.explanation import best_answer

    try:
        best = best_answer(instance, _REFERENCE_S).solution
    except InputError:  # rules that the exact method does not know
        best = mincache.Solution.nothing_cached(instance)
    return mincache.evaluate(instance, best).cost


def _pricing(
    suite: mincache.Suite, output: Path, limits: Limits, workers: int | None, seeds: int, seed: int
) -> Callable[[str], tuple[float, int]]:
    """Return what runs a solver on the training instances: its mean gap, and how many runs failed."""
    from mincache.bench import campaign
    from mincache.bench.executors import ExecutorError, LocalExecutor
    from mincache.bench.limits import usable_cores
    from mincache.bench.plan import plan
    from mincache.bench.supervisor import describe_all
    from mincache.board.runs import gather, nothing_cached
    from mincache.judging.journal import JournalError
    from mincache.solving.entrant import absolute

    executor = LocalExecutor(workers or max(1, usable_cores() // limits.threads), limits.threads)
    best = np.array([reference.cost for reference in suite.references.values()])

    @cache  # a trial may come again
    def price(solver: str) -> tuple[float, int]:
        entrant = describe_all([absolute(solver)], 1, limits)[0]
        if isinstance(entrant, MincacheError):  # the solver refuses the setting
            return float(np.mean(nothing_cached(suite, list(suite.references)) / best - 1.0)), len(suite)
        tasks = plan(suite, [entrant], seeds, limits, seed)
        try:
            records = campaign.run(output, tasks, executor)
        except (JournalError, ExecutorError) as error:
            raise click.ClickException(f"{error}; repeat the command to continue") from None
        (runs,) = gather(records, suite=str(suite.folder))
        gap = runs.means("charged_cost") / runs.reference - 1.0
        return float(np.mean(gap)), sum(not record.passed for record in records)

    return price
