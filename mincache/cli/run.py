"""`mincache run`, `mincache status` and `mincache merge`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.completion import SOLVERS, SUITE
from mincache.cli.options import (
    COUNT,
    FOLDER,
    SECONDS,
    SEED,
    FilePath,
    folder_output,
    limit_options,
    limits_of,
    machine_output,
    part,
    solver_option,
)  # fmt: skip
from mincache.cli.terminal import answer, waiting, warn
from mincache.cli.watching import watch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mincache.bench.campaign import Redo
    from mincache.bench.executors import Executor
    from mincache.bench.limits import Limits
    from mincache.bench.plan import Task
    from mincache.judging.records import Record
    from mincache.solving.entrant import Entrant


@click.command()
@click.argument("suite", type=SUITE)
@solver_option("NAME, NAME[PARAMETER=VALUE,...], FILE.py:CLASS, or `all`", SOLVERS, required=True)
@click.option("--instances", multiple=True, metavar="PATTERN",
              help="Only instances whose names fit, such as '*.n10.*'; repeatable.")  # fmt: skip
@click.option("--seeds", type=COUNT, default=1, show_default=True,
              help="Repetitions of each randomised solver, each with its own seed.")  # fmt: skip
@click.option("--seed", type=SEED, default=0, show_default=True,
              help="Root of the random streams; they are the same for every solver.")  # fmt: skip
@click.option("--time-limit", type=SECONDS, default=60.0, show_default=True,
              help="Time for a run to solve; loading the solver does not count.")  # fmt: skip
@limit_options
@click.option("--workers", type=COUNT, help="Runs at a time.  [default: cores / threads]")
@click.option("--executor", type=click.Choice(["local", "dask"]), default="local", show_default=True,
              help="Run on this machine, or on a Dask cluster.")  # fmt: skip
@click.option("--scheduler", metavar="ADDRESS", help="Dask's scheduler, such as tcp://10.0.0.1:8786.")
@click.option("--shard", callback=part, metavar="I/N", help="Run the I-th of N parts; then `mincache merge`.")
@click.option("--retry", type=click.Choice(["failed"]), help="Repeat the runs that failed.")
@click.option("--force", is_flag=True, help="Repeat every run.")
@click.option("--watch", "watched", type=FilePath("file", dir_okay=False, exists=True), multiple=True,
              help="Run again whenever this file changes, and print what moved; repeatable.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Print the runs to do and the longest time they take.")
@folder_output("Folder for the records.")
@machine_output("an object as `mincache status --json` prints")
def run(
    suite: str,
    solvers: tuple[str, ...],
    instances: tuple[str, ...],
    seeds: int,
    seed: int,
    workers: int | None,
    executor: str,
    scheduler: str | None,
    shard: tuple[int, int] | None,
    retry: str | None,
    force: bool,
    watched: tuple[Path, ...],
    dry_run: bool,
    output: Path,
    form: str | None,
    **limiting: Any,
) -> None:
    """Run solvers on SUITE, a standard suite or a folder, and record every attempt.

    Repeat the command to continue where it stopped. A parameter may list values, such as
    `genetic[population=[20,50]]`: each is a solver. Exit code 0 if every run is verified, or declined by its
    solver.
    """
    from mincache.bench import campaign, plan
    from mincache.bench.cores import usable_cores
    from mincache.cli.summary import print_plan
    from mincache.generation import suites

    limits = limits_of(**limiting)
    at_a_time = workers or max(1, usable_cores() // limits.threads)
    where = _executor(executor, scheduler, at_a_time, limits.threads)
    found = suites.find(suite)
    redo = campaign.Redo(failed=retry == "failed", all=force)

    def planned() -> tuple[list[Task], list[Task]]:
        """Return the tasks of this part of the campaign, and of the whole."""
        with waiting("loading solvers"):
            entrants = _entrants(solvers, limits)
        whole = plan.plan(found, entrants, seeds, limits, seed, instances)
        return list(plan.shard(whole, *shard)) if shard else whole, whole if shard else []

    def once() -> tuple[list[Task], list[Record]]:
        tasks, whole = planned()
        return tasks, _run(output, tasks, where, redo, whole, form is not None)

    if dry_run:
        tasks, _ = planned()
        print_plan(tasks, {task.key for task in campaign.pending(output, tasks, redo)}, at_a_time)
    elif watched:
        watch(watched, once)
    else:
        _conclude(*once(), form)


def _executor(name: str, scheduler: str | None, workers: int, threads: int) -> Executor:
    from mincache.bench.executors import LocalExecutor
    from mincache.errors import InputError
    from mincache.solving import registry

    if name == "local":
        return LocalExecutor(workers, threads)
    if scheduler is None:
        raise InputError("--scheduler", "must be given with --executor dask")
    try:
        from mincache.bench.cluster import DaskExecutor
    except ModuleNotFoundError as error:
        raise registry.missing_extra("--executor dask", error) from None
    return DaskExecutor(scheduler, lambda line: click.echo(line, err=True))


def _entrants(specs: Iterable[str], limits: Limits) -> list[Entrant]:
    """Describe the solvers; one that `all` stands for and that cannot be loaded here is left out."""
    from mincache.bench.cores import usable_cores
    from mincache.bench.describing import describe_all
    from mincache.solving import registry
    from mincache.solving.entrant import Entrant, absolute
    from mincache.solving.spec import expand

    named = [absolute(one) for spec in specs if spec != "all" for one in expand(spec)]
    wanted = list(dict.fromkeys((registry.names() if "all" in specs else []) + named))
    entrants = []
    for spec, found in zip(wanted, describe_all(wanted, usable_cores(), limits), strict=True):
        if isinstance(found, Entrant):
            entrants.append(found)
            if found.unknown:
                warn(f"{found.label} did not load ({found.unknown}); it counts as one without randomness: "
                     "one run an instance is planned")  # fmt: skip
        elif spec in named:
            raise found
        else:
            click.echo(f"left out: {found}", err=True)
    return entrants


def _run(
    output: Path, tasks: Sequence[Task], executor: Executor, redo: Redo, whole: Sequence[Task], quiet: bool
) -> list[Record]:
    from mincache.bench import campaign
    from mincache.bench.executors import ExecutorError
    from mincache.cli.summary import Progress
    from mincache.judging.journal import JournalError

    try:
        with Progress(len(tasks), quiet) as progress:
            return campaign.run(output, tasks, executor, redo, progress.show, progress.begin, whole)
    except KeyboardInterrupt:
        click.echo("interrupted; repeat the command to continue", err=True)
        sys.exit(1)
    except (JournalError, ExecutorError) as error:
        raise click.ClickException(f"{error}; repeat the command to continue") from None


def _conclude(tasks: Sequence[Task], records: Sequence[Record], form: str | None) -> None:
    from mincache.cli.summary import outcome_lines, status_of

    found = status_of(records, {task.key: task.cell.solver for task in tasks})
    answer(form, asdict(found), *outcome_lines(found))
    sys.exit(0 if found.done == found.planned and not found.failed else 1)


@click.command()
@click.argument("folder", type=FOLDER)
@machine_output("an object")
def status(folder: Path, form: str | None) -> None:
    """Show how far the campaign in FOLDER is, also while it runs."""
    from mincache.cli.summary import read_status, status_lines

    found = read_status(folder)
    answer(form, asdict(found), *status_lines(found))


@click.command()
@click.argument("folders", nargs=-1, required=True, type=FOLDER)
@folder_output("Folder for the joined records.")
@machine_output("an object")
def merge(folders: tuple[Path, ...], output: Path, form: str | None) -> None:
    """Join the records of campaigns that ran in parts.

    Of each run, the first record is kept. Exit code 1 if two records of a run differ in verdict or answer, or
    if a solution is missing or damaged; each is named.
    """
    from mincache.bench import merging
    from mincache.cli.summary import skipped
    from mincache.judging import journal

    with waiting("joining records"):
        merged = merging.merge(folders, output)
    for folder in folders:
        if torn := journal.read_counting(folder)[1]:
            warn(f"{folder}: {skipped(torn)}")
    for damage in merged.damaged:
        warn(f"damaged: {damage}")
    for conflict in merged.conflicts:
        warn(f"conflict: {conflict}")
    runs = len(journal.read(output))
    damaged = list(merged.damaged)
    found = {"folder": str(output), "runs": runs, "conflicts": list(merged.conflicts), "damaged": damaged}
    answer(form, found, f"{runs} runs in {output}, {len(merged.conflicts)} conflicts")
    sys.exit(1 if merged.conflicts or merged.damaged else 0)
