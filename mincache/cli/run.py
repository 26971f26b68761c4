"""`mincache run`, `mincache solve`, `mincache status` and `mincache merge`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mincache.cli.parameters import part, size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mincache.bench.campaign import Redo
    from mincache.bench.entrant import Entrant
    from mincache.bench.executors import Executor
    from mincache.bench.judge import Judged
    from mincache.bench.limits import Limits
    from mincache.bench.plan import Task

_FOLDER = click.Path(path_type=Path, file_okay=False)
_SECONDS = click.FloatRange(min=0, min_open=True)


def _limit_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that make up `Limits`, but for the time limit."""
    options = (
        click.option("--grace", type=click.FloatRange(min=0), default=0.1, show_default=True,
                     help="Seconds past the time limit until the run is killed."),
        click.option("--startup-limit", type=_SECONDS, default=120.0, show_default=True,
                     help="Seconds for a run to load its solver and its instance."),
        click.option("--cpu-limit", type=_SECONDS, help="Processor seconds of a run, all its processes."),
        click.option("--memory-limit", callback=size, metavar="SIZE",
                     help="Memory of a run, all its processes, such as 2GB."),
        click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True,
                     help="Threads, and cores where they can be pinned, of a run."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("suite")
@click.option("--solver", "solvers", multiple=True, required=True, metavar="SPEC",
              help="NAME, NAME[PARAMETER=VALUE,...], FILE.py:CLASS, or `all`; may be repeated.")  # fmt: skip
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True,
              help="Repetitions of each stochastic solver.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="Root of the random streams, which are the same for every solver.")  # fmt: skip
@click.option("--time-limit", type=_SECONDS, default=60.0, show_default=True,
              help="Seconds for a run to solve; starting it does not count.")  # fmt: skip
@_limit_options
@click.option("--workers", type=click.IntRange(min=1), help="Runs at a time.  [default: cores / threads]")
@click.option("--executor", type=click.Choice(["local", "dask"]), default="local", show_default=True)
@click.option("--scheduler", metavar="ADDRESS", help="Of the Dask scheduler, such as tcp://10.0.0.1:8786.")
@click.option("--shard", callback=part, metavar="I/N", help="Run the I-th of N parts; see `mincache merge`.")
@click.option("--retry", type=click.Choice(["failed"]), help="Repeat the runs that failed.")
@click.option("--force", is_flag=True, help="Repeat every run.")
@click.option("--dry-run", is_flag=True, help="Print what would be run, and how long at most.")
@click.option("-o", "--output", type=_FOLDER, required=True, metavar="FOLDER", help="Where the records go.")
def run(
    suite: str,
    solvers: tuple[str, ...],
    seeds: int,
    seed: int,
    time_limit: float,
    grace: float,
    startup_limit: float,
    cpu_limit: float | None,
    memory_limit: int | None,
    threads: int,
    workers: int | None,
    executor: str,
    scheduler: str | None,
    shard: tuple[int, int] | None,
    retry: str | None,
    force: bool,
    dry_run: bool,
    output: Path,
) -> None:
    """Run solvers on SUITE (a standard suite or a folder), and record every attempt.

    Repeating the command goes on where it stopped. Exit code 0 only if every run is verified, or declined
    by the solver's own word.
    """
    from mincache import suites
    from mincache.bench import campaign, plan
    from mincache.cli.summary import print_plan

    limits = _limits(time_limit, grace, startup_limit, cpu_limit, memory_limit, threads)
    at_a_time = workers or max(1, _cores() // threads)
    where = _executor(executor, scheduler, at_a_time, threads)
    found = suites.find(suite)
    tasks = plan.plan(found, _entrants(solvers, startup_limit), seeds, limits, seed)
    if shard is not None:
        tasks = list(plan.shard(tasks, *shard))
    redo = campaign.Redo(failed=retry == "failed", all=force)
    if dry_run:
        print_plan(tasks, {task.key for task in campaign.pending(output, tasks, redo)}, at_a_time)
        return
    _run(output, tasks, where, redo)
    _conclude_campaign(output, tasks)


def _limits(
    wall_s: float | None,
    grace_s: float,
    startup_s: float,
    cpu_s: float | None,
    memory_bytes: int | None,
    threads: int,
) -> Limits:
    from mincache.bench.limits import Limits

    limits = Limits(wall_s, grace_s, startup_s, cpu_s, memory_bytes, threads=threads)
    limits.check_enforceable()
    return limits


def _executor(name: str, scheduler: str | None, workers: int, threads: int) -> Executor:
    from mincache import registry
    from mincache.bench.executors import LocalExecutor
    from mincache.errors import InputError

    if name == "local":
        return LocalExecutor(workers, threads)
    if scheduler is None:
        raise InputError("--scheduler", "must be given with --executor dask", "nothing")
    try:
        from mincache.bench.cluster import DaskExecutor
    except ModuleNotFoundError as error:
        raise registry.missing_extra("--executor dask", error) from None
    return DaskExecutor(scheduler)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _entrants(specs: Iterable[str], startup_s: float) -> list[Entrant]:
    """Describe the solvers; one that `all` stands for and that cannot be loaded here is left out."""
    from mincache import registry
    from mincache.bench.describing import describe_all
    from mincache.bench.entrant import Entrant, absolute

    named = [absolute(spec) for spec in specs if spec != "all"]
    wanted = list(dict.fromkeys((registry.names() if "all" in specs else []) + named))
    entrants = []
    for spec, found in zip(wanted, describe_all(wanted, _cores(), startup_s), strict=True):
        if isinstance(found, Entrant):
            entrants.append(found)
        elif spec in named:
            raise found
        else:
            click.echo(f"left out: {found}", err=True)
    return entrants


def _run(output: Path, tasks: Sequence[Task], executor: Executor, redo: Redo) -> None:
    from mincache.bench import campaign
    from mincache.bench.executors import ExecutorError
    from mincache.bench.journal import JournalError
    from mincache.cli.progress import Progress

    waiting = len(campaign.pending(output, tasks, redo))
    try:
        with Progress(len(tasks), waiting) as progress:
            campaign.run(output, tasks, executor, redo, progress.show)
    except KeyboardInterrupt:
        click.echo("interrupted; repeat the command to go on", err=True)
        sys.exit(1)
    except (JournalError, ExecutorError) as error:
        click.echo(f"error: {error}; repeat the command to go on", err=True)
        sys.exit(1)


def _conclude_campaign(output: Path, tasks: Sequence[Task]) -> None:
    from mincache.bench import journal
    from mincache.cli.summary import print_outcomes

    keys = {task.key for task in tasks}
    records = [record for record in journal.read(output) if record.cell.key in keys]
    print_outcomes(records)
    sys.exit(0 if len(records) == len(keys) and all(record.passed for record in records) else 1)


@click.command()
@click.argument("folder", type=_FOLDER)
def status(folder: Path) -> None:
    """Tell how far the campaign in FOLDER is, also while it runs."""
    from mincache.cli.summary import print_status

    print_status(folder)


@click.command()
@click.argument("folders", nargs=-1, required=True, type=_FOLDER, metavar="FOLDER...")
@click.option("-o", "--output", type=_FOLDER, required=True, metavar="FOLDER", help="Where they are joined.")
def merge(folders: tuple[Path, ...], output: Path) -> None:
    """Join the records of campaigns that ran in parts.

    Of each run the first record is kept. Exit code 1 if two differ in verdict or answer; each is named.
    """
    from mincache.bench import journal, merging

    conflicts = merging.merge(folders, output)
    for conflict in conflicts:
        click.echo(f"conflict: {conflict}", err=True)
    click.echo(f"{len(journal.read(output))} runs in {output}, {len(conflicts)} conflicts")
    sys.exit(1 if conflicts else 0)


@click.command()
@click.argument("instance")
@click.option("--solver", required=True, metavar="SPEC",
              help="NAME, NAME[PARAMETER=VALUE,...] or FILE.py:CLASS.")  # fmt: skip
@click.option("--time-limit", type=_SECONDS, help="Seconds to solve.  [default: none]")
@_limit_options
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="Which repetition's random stream.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True,
              metavar="FILE", help="Where the solution goes, .json or .json.gz.")  # fmt: skip
def solve(
    instance: str,
    solver: str,
    time_limit: float | None,
    grace: float,
    startup_limit: float,
    cpu_limit: float | None,
    memory_limit: int | None,
    threads: int,
    seed: int,
    output: Path,
) -> None:
    """Answer INSTANCE (a file, or an instance of a standard suite) with one solver.

    It runs in a child process, as in a campaign, and the evaluator prices the answer. Exit code 0 if that
    is feasible, 1 if not or if there is none.
    """
    from mincache.bench import plan
    from mincache.bench.attempt import attempt
    from mincache.bench.describing import describe
    from mincache.bench.entrant import absolute
    from mincache.bench.supervisor import Keeper

    limits = _limits(time_limit, grace, startup_limit, cpu_limit, memory_limit, threads)
    suite, name, path, sha256 = _find_instance(instance)
    with Keeper(threads, pin=False) as keeper:
        entrant = describe(absolute(solver), keeper, startup_limit)
        task = plan.task(suite, path, name, sha256, entrant, seed, limits)
        judged = attempt(task, task.read(), keeper)
    _conclude_solve(judged, output)


def _find_instance(name_or_file: str) -> tuple[str, str, Path, str]:
    """Return the suite, name, file and hash of an instance."""
    from mincache import suites
    from mincache.documents import digest, read_bytes

    instance = suites.find_instance(name_or_file)
    if Path(name_or_file).exists():
        return "-", instance.name, Path(name_or_file).resolve(), digest(read_bytes(name_or_file))
    suite = suites.find(name_or_file.partition(".")[0])
    return suite.name, instance.name, suite.path(instance.name), suite.entries[instance.name].sha256


def _conclude_solve(judged: Judged, output: Path) -> None:
    from mincache.cli.score import as_text
    from mincache.documents import parse_solution, write_solution

    record = judged.record
    if judged.evaluation is None or judged.document is None:
        click.echo(f"{record.verdict} ({record.stop_reason}): {record.reason}", err=True)
        sys.exit(1)
    write_solution(parse_solution(judged.document), output)
    click.echo(as_text(judged.evaluation))
    click.echo(f"run                 {record.stop_reason}, {record.claim}, {record.verdict} {record.reason}")
    sys.exit(0 if record.passed else 1)
