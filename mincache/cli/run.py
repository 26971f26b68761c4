"""`mincache run`, `mincache solve` and `mincache status`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mincache.bench.campaign import Redo
    from mincache.bench.entrant import Entrant
    from mincache.bench.judge import Judged
    from mincache.bench.plan import Task
    from mincache.bench.records import Record

_FOLDER = click.Path(path_type=Path, file_okay=False)
_SECONDS = click.FloatRange(min=0, min_open=True)


@click.command()
@click.argument("suite")
@click.option("--solver", "solvers", multiple=True, required=True, metavar="SPEC",
              help="NAME, NAME[PARAMETER=VALUE,...], FILE.py:CLASS, or `all`; may be repeated.")  # fmt: skip
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True,
              help="Repetitions of each stochastic solver.")  # fmt: skip
@click.option("--time-limit", type=_SECONDS, default=60.0, show_default=True, help="Seconds for a run.")
@click.option("--workers", type=click.IntRange(min=1), default=None, help="Runs at a time.  [default: cores]")
@click.option("--retry", type=click.Choice(["failed"]), default=None, help="Repeat the runs that failed.")
@click.option("--force", is_flag=True, help="Repeat every run.")
@click.option("--dry-run", is_flag=True, help="Print what would be run, and how long at most.")
@click.option("-o", "--output", type=_FOLDER, required=True, metavar="FOLDER", help="Where the records go.")
def run(
    suite: str,
    solvers: tuple[str, ...],
    seeds: int,
    time_limit: float,
    workers: int | None,
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
    from mincache.bench.campaign import Redo, pending
    from mincache.bench.limits import Limits
    from mincache.bench.plan import plan

    limits = Limits(wall_s=time_limit)
    limits.check_enforceable()
    tasks = plan(suites.find(suite), _entrants(solvers, limits.startup_s), seeds, limits)
    redo = Redo(failed=retry == "failed", all=force)
    if dry_run:
        _print_plan(tasks, pending(output, tasks, redo), workers)
        return
    _campaign(output, tasks, redo, workers)


def _campaign(output: Path, tasks: Sequence[Task], redo: Redo, workers: int | None) -> None:
    from mincache.bench import campaign, journal
    from mincache.bench.executors import LocalExecutor
    from mincache.cli.progress import Progress

    executor = LocalExecutor(workers or _cores())
    with Progress(len(tasks), len(campaign.pending(output, tasks, redo))) as progress:
        try:
            campaign.run(output, tasks, executor, redo, progress.show)
        except KeyboardInterrupt:
            progress.close()
            click.echo("interrupted; repeat the command to go on", err=True)
            sys.exit(1)
        except journal.JournalError as error:
            progress.close()
            click.echo(f"error: {error}; repeat the command to go on", err=True)
            sys.exit(1)
    keys = {task.key for task in tasks}
    records = [record for record in journal.read(output) if record.cell.key in keys]
    _print_summary(records)
    sys.exit(0 if len(records) == len(keys) and all(record.passed for record in records) else 1)


def _cores() -> int:
    import os

    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _entrants(specs: Iterable[str], startup_s: float) -> list[Entrant]:
    """Describe the solvers, side by side, for loading some takes seconds."""
    from concurrent.futures import ThreadPoolExecutor

    from mincache import registry
    from mincache.bench.entrant import absolute
    from mincache.bench.supervisor import describe
    from mincache.errors import MissingExtraError

    wanted = {absolute(spec): False for spec in specs if spec != "all"}
    if "all" in specs:
        wanted = dict.fromkeys(registry.names(), True) | wanted

    def one(spec: str) -> Entrant | MissingExtraError:
        try:
            return describe(spec, startup_s)
        except MissingExtraError as error:
            if not wanted[spec]:
                raise
            return error

    with ThreadPoolExecutor(_cores()) as pool:
        described = list(pool.map(one, wanted))
    for missing in described:
        if isinstance(missing, MissingExtraError):
            click.echo(f"left out: {missing}", err=True)
    return [entrant for entrant in described if not isinstance(entrant, MissingExtraError)]


def _print_plan(tasks: Sequence[Task], waiting: Sequence[Task], workers: int | None) -> None:
    keys = {task.key for task in waiting}
    for task in tasks:
        mark = "run " if task.key in keys else "done"
        click.echo(f"{mark} {task.cell.solver}  {task.cell.instance}  #{task.cell.repetition}")
    seconds = sum((task.limits.wall_s or 0.0) + task.limits.grace_s for task in waiting)
    at_a_time = workers or _cores()
    click.echo(f"{len(waiting)} of {len(tasks)} runs to do, {len(tasks) - len(waiting)} done already")
    click.echo(f"at most {seconds / at_a_time:.0f} s in solvers, {at_a_time} at a time, and their start-up")


def _print_summary(records: Sequence[Record]) -> None:
    from mincache.bench.campaign import outcomes

    for solver, counts in outcomes(records).items():
        parts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
        click.echo(f"{solver}: {parts}")
    for record in records:
        if not record.passed:
            click.echo(f"  {record.cell.solver} {record.cell.instance} #{record.cell.repetition}: "
                       f"{record.verdict} ({record.stop_reason}): {record.reason}")  # fmt: skip


@click.command()
@click.argument("folder", type=_FOLDER)
def status(folder: Path) -> None:
    """Tell how far the campaign in FOLDER is, also while it runs."""
    from collections import Counter

    from mincache.bench import campaign, journal

    records = journal.read(folder)
    done = {record.cell.key for record in records if record.final}
    cells = campaign.planned(folder) or {record.cell.key: record.cell.solver for record in records}
    waiting = Counter(solver for key, solver in cells.items() if key not in done)
    click.echo(f"{len(done & cells.keys())} of {len(cells)} runs done")
    _print_summary(records)
    for solver, count in waiting.items():
        click.echo(f"{solver}: {count} to do")
    torn = journal.torn_lines(folder)
    if torn:
        click.echo(f"{torn} lines of the journal were cut off, and are passed over")


@click.command()
@click.argument("instance")
@click.option(
    "--solver", required=True, metavar="SPEC", help="NAME, NAME[PARAMETER=VALUE,...] or FILE.py:CLASS."
)
@click.option("--time-limit", type=_SECONDS, default=None, help="Seconds.  [default: none]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="Which repetition's random stream.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True,
              metavar="FILE", help="Where the solution goes, .json or .json.gz.")  # fmt: skip
def solve(instance: str, solver: str, time_limit: float | None, seed: int, output: Path) -> None:
    """Answer INSTANCE (a file, or an instance of a standard suite) with one solver.

    It runs in a child process, as in a campaign, and the evaluator prices the answer. Exit code 0 if that
    is feasible, 1 if not or if there is none.
    """
    from mincache.bench.attempt import attempt
    from mincache.bench.limits import Limits
    from mincache.bench.plan import task
    from mincache.bench.supervisor import Keeper

    limits = Limits(wall_s=time_limit)
    limits.check_enforceable()
    suite, name, path, sha256 = _find_instance(instance)
    (entrant,) = _entrants([solver], limits.startup_s)
    with Keeper(pin=False) as keeper:
        judged = attempt(task(suite, path, name, sha256, entrant, seed, limits), keeper)
    _conclude(judged, output)


def _conclude(judged: Judged, output: Path) -> None:
    from mincache.cli.score import as_text
    from mincache.documents import parse_solution, write_solution

    record = judged.record
    if judged.evaluation is None or judged.document is None:
        click.echo(f"{record.verdict} ({record.stop_reason}): {record.reason}", err=True)
        sys.exit(1)
    write_solution(parse_solution(judged.document), output)
    click.echo(as_text(judged.evaluation))
    click.echo(f"stopped because       {record.stop_reason}, claim {record.claim}, verdict {record.verdict}")
    sys.exit(0 if record.passed else 1)


def _find_instance(name_or_file: str) -> tuple[str, str, Path, str]:
    """Return the suite, name, file and hash of an instance."""
    from mincache import suites
    from mincache.documents import digest, read_bytes

    instance = suites.find_instance(name_or_file)
    if Path(name_or_file).exists():
        return "-", instance.name, Path(name_or_file).resolve(), digest(read_bytes(name_or_file))
    suite = suites.find(name_or_file.partition(".")[0])
    return suite.name, instance.name, suite.path(instance.name), suite.entries[instance.name].sha256
