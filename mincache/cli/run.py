"""`mincache run`, `mincache status` and `mincache merge`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.completion import solver_names, suite_names
from mincache.cli.options import COUNT, FOLDER, SECONDS, json_option, limit_options, limits_of, part
from mincache.cli.terminal import print_json, waiting

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mincache.bench.campaign import Redo
    from mincache.bench.entrant import Entrant
    from mincache.bench.executors import Executor
    from mincache.bench.plan import Task
    from mincache.bench.records import Record


@click.command()
@click.argument("suite", shell_complete=suite_names)
@click.option("--solver", "solvers", multiple=True, required=True, metavar="SPEC",
              shell_complete=solver_names,
              help="NAME, NAME[PARAMETER=VALUE,...], FILE.py:CLASS, or `all`; may be repeated.")  # fmt: skip
@click.option("--seeds", type=COUNT, default=1, show_default=True,
              help="Repetitions of each stochastic solver.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="Root of the random streams, which are the same for every solver.")  # fmt: skip
@click.option("--time-limit", type=SECONDS, default=60.0, show_default=True,
              help="Seconds for a run to solve; starting it does not count.")  # fmt: skip
@limit_options
@click.option("--workers", type=COUNT, help="Runs at a time.  [default: cores / threads]")
@click.option("--executor", type=click.Choice(["local", "dask"]), default="local", show_default=True)
@click.option("--scheduler", metavar="ADDRESS", help="Of the Dask scheduler, such as tcp://10.0.0.1:8786.")
@click.option("--shard", callback=part, metavar="I/N", help="Run the I-th of N parts; see `mincache merge`.")
@click.option("--retry", type=click.Choice(["failed"]), help="Repeat the runs that failed.")
@click.option("--force", is_flag=True, help="Repeat every run.")
@click.option("--dry-run", is_flag=True, help="Print what would be run, and how long at most.")
@click.option("-o", "--output", type=FOLDER, required=True, metavar="FOLDER", help="Where the records go.")
def run(
    suite: str,
    solvers: tuple[str, ...],
    seeds: int,
    seed: int,
    workers: int | None,
    executor: str,
    scheduler: str | None,
    shard: tuple[int, int] | None,
    retry: str | None,
    force: bool,
    dry_run: bool,
    output: Path,
    **limiting: Any,
) -> None:
    """Run solvers on SUITE (a standard suite or a folder), and record every attempt.

    Repeating the command goes on where it stopped. Exit code 0 only if every run is verified, or declined
    by the solver's own word.
    """
    from mincache.bench import campaign, plan
    from mincache.bench.cores import usable_cores
    from mincache.cli.summary import print_outcomes, print_plan
    from mincache.generation import suites

    limits = limits_of(**limiting)
    at_a_time = workers or max(1, usable_cores() // limits.threads)
    where = _executor(executor, scheduler, at_a_time, limits.threads)
    found = suites.find(suite)
    with waiting("loading solvers"):
        entrants = _entrants(solvers, limits.startup_s)
    whole = tasks = plan.plan(found, entrants, seeds, limits, seed)
    if shard is not None:
        tasks = list(plan.shard(whole, *shard))
    redo = campaign.Redo(failed=retry == "failed", all=force)
    if dry_run:
        print_plan(tasks, {task.key for task in campaign.pending(output, tasks, redo)}, at_a_time)
        return
    records = _run(output, tasks, where, redo, whole if shard is not None else ())
    print_outcomes(records)
    sys.exit(0 if len(records) == len(tasks) and all(record.passed for record in records) else 1)


def _executor(name: str, scheduler: str | None, workers: int, threads: int) -> Executor:
    from mincache.bench.executors import LocalExecutor
    from mincache.errors import InputError
    from mincache.solving import registry

    if name == "local":
        return LocalExecutor(workers, threads)
    if scheduler is None:
        raise InputError("--scheduler", "must be given with --executor dask", "nothing")
    try:
        from mincache.bench.cluster import DaskExecutor
    except ModuleNotFoundError as error:
        raise registry.missing_extra("--executor dask", error) from None
    return DaskExecutor(scheduler, lambda line: click.echo(line, err=True))


def _entrants(specs: Iterable[str], startup_s: float) -> list[Entrant]:
    """Describe the solvers; one that `all` stands for and that cannot be loaded here is left out."""
    from mincache.bench.cores import usable_cores
    from mincache.bench.describing import describe_all
    from mincache.bench.entrant import Entrant, absolute
    from mincache.solving import registry

    named = [absolute(spec) for spec in specs if spec != "all"]
    wanted = list(dict.fromkeys((registry.names() if "all" in specs else []) + named))
    entrants = []
    for spec, found in zip(wanted, describe_all(wanted, usable_cores(), startup_s), strict=True):
        if isinstance(found, Entrant):
            entrants.append(found)
        elif spec in named:
            raise found
        else:
            click.echo(f"left out: {found}", err=True)
    return entrants


def _run(
    output: Path, tasks: Sequence[Task], executor: Executor, redo: Redo, whole: Sequence[Task]
) -> list[Record]:
    from mincache.bench import campaign
    from mincache.bench.executors import ExecutorError
    from mincache.bench.journal import JournalError
    from mincache.cli.summary import Progress

    try:
        with Progress(len(tasks)) as progress:
            return campaign.run(output, tasks, executor, redo, progress.show, progress.begin, whole)
    except KeyboardInterrupt:
        click.echo("interrupted; repeat the command to go on", err=True)
        sys.exit(1)
    except (JournalError, ExecutorError) as error:
        click.echo(f"error: {error}; repeat the command to go on", err=True)
        sys.exit(1)


@click.command()
@click.argument("folder", type=FOLDER)
@json_option()
def status(folder: Path, as_json: bool) -> None:
    """Tell how far the campaign in FOLDER is, also while it runs."""
    from mincache.cli.summary import print_status, status_of

    if as_json:
        print_json(asdict(status_of(folder)))
    else:
        print_status(status_of(folder))


@click.command()
@click.argument("folders", nargs=-1, required=True, type=FOLDER, metavar="FOLDER...")
@click.option("-o", "--output", type=FOLDER, required=True, metavar="FOLDER", help="Where they are joined.")
def merge(folders: tuple[Path, ...], output: Path) -> None:
    """Join the records of campaigns that ran in parts.

    Of each run the first record is kept. Exit code 1 if two differ in verdict or answer, or if a solution is
    missing or damaged; each is named.
    """
    from mincache.bench import journal, merging
    from mincache.cli.summary import passed_over

    with waiting("joining records"):
        merged = merging.merge(folders, output)
    for folder in folders:
        if torn := journal.read_counting(folder)[1]:
            click.echo(f"{folder}: {passed_over(torn)}", err=True)
    for damage in merged.damaged:
        click.echo(f"damaged: {damage}", err=True)
    for conflict in merged.conflicts:
        click.echo(f"conflict: {conflict}", err=True)
    click.echo(f"{len(journal.read(output))} runs in {output}, {len(merged.conflicts)} conflicts")
    sys.exit(1 if merged.conflicts or merged.damaged else 0)
