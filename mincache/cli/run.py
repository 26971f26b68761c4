"""`mincache run`, `mincache status` and `mincache merge`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import click

import mincache
from mincache.bench import campaign, executors, plan
from mincache.bench import limits as bench_limits
from mincache.board import entries
from mincache.cli import options, summary
from mincache.cli.completion import SOLVERS, SUITE
from mincache.cli.terminal import TerminalTable, answer, say, show, waiting, warn
from mincache.errors import InputError, MincacheError
from mincache.files import paths
from mincache.generation import recipes
from mincache.judging import journal, records
from mincache.solving import contents, registry

if TYPE_CHECKING:
    from mincache.board import racing

_Runs = dict[tuple[str, str, int], "records.Record"]
_Once = Callable[[], "tuple[Sequence[plan.Task], Sequence[records.Record]]"]
_LOOK_EVERY_S = 0.2
_WATCHED = options.FilePath("file", dir_okay=False, exists=True)


@click.command()
@click.argument("suite", type=SUITE)
@options.solver_option("NAME, NAME[PARAMETER=VALUE,...], FILE.py:CLASS, or `all`", SOLVERS, required=True)
@options.INSTANCES
@click.option("--seeds", type=options.COUNT, default=1,
              help="Repetitions of each randomised solver, each with its own seed.")  # fmt: skip
@click.option("--seed", type=options.SEED, default=0,
              help="Root of the random streams; they are the same for every solver.")  # fmt: skip
@options.limit_options(60.0)
@options.WORKERS
@click.option("--executor", type=click.Choice(["local", "dask"]), default="local",
              help="Run on this machine, or on a Dask cluster.")  # fmt: skip
@click.option("--scheduler", metavar="ADDRESS", help="Dask's scheduler, such as tcp://10.0.0.1:8786.")
@click.option("--shard", type=options.part, metavar="I/N",
              help="Run the I-th of N parts; then `mincache merge`.")  # fmt: skip
@click.option("--retry", type=click.Choice(["failed"]), help="Repeat the runs that failed.")
@click.option("--force", is_flag=True, help="Repeat every run.")
@click.option("--race", is_flag=True, help="Stop solvers that are clearly worse than the best.")
@click.option("--watch", "watched", type=_WATCHED, multiple=True,
              help="Run again whenever this file changes, and print what moved; repeatable.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Print the runs to do and the longest time they take.")
@options.folder_output("Folder for the records.")
@options.machine_output("an object as `mincache status --json` prints")
def run(
    suite: str, solvers: tuple[str, ...], instances: tuple[str, ...], seeds: int, seed: int,
    limits: bench_limits.Limits, workers: int | None, executor: str, scheduler: str | None,
    shard: tuple[int, int] | None, retry: str | None, force: bool, race: bool, watched: tuple[Path, ...],
    dry_run: bool, output: Path,
) -> None:  # fmt: skip
    """Run solvers on SUITE, a standard suite or a folder, and record every attempt.

    Repeat the command to continue where it stopped. A parameter may list values, such as
    `genetic[population=[20,50]]`: each is a solver. Exit code 0 if every run is verified, or declined by its
    solver.
    """
    at_a_time = workers or max(1, bench_limits.usable_cores() // limits.threads)
    where = _executor(executor, scheduler, at_a_time, limits.threads)
    chosen = mincache.suite(suite)
    if race and shard:
        raise mincache.InputError("--race", "must be without --shard", "both", "leave out one of the two")
    redo: campaign.Redo = "all" if force else "failed" if retry else ""

    def planned() -> tuple[list[plan.Task], list[plan.Task]]:
        """Return the tasks of this part of the campaign, and of the whole."""
        whole = plan.plan(chosen, summary.entrants(solvers, limits), seeds, limits, seed, instances)
        return list(plan.shard(whole, *shard)) if shard else whole, whole if shard else []

    stopped: list[racing.Stopped] = []

    def once() -> tuple[list[plan.Task], list[records.Record]]:
        tasks, whole = planned()
        if not race:
            return tasks, summary.run_tasks(output, tasks, where, redo, whole)
        from mincache.board import racing  # with pandas, which takes half a second

        paths.make_folder(output)
        campaign.note_plan(output, {task.key: task.cell.solver for task in tasks})
        racing_on = partial(summary.run_tasks, output, executor=where, redo=redo)
        found, stopped[:] = racing.race(tasks, racing_on, str(chosen.folder), seed)
        if watched:
            say("\n".join(map(str, stopped)), err=True)
        return tasks, found

    if dry_run:
        tasks, _ = planned()
        summary.print_plan(tasks, {task.key for task in campaign.pending(output, tasks, redo)}, at_a_time)
    elif watched:
        _watch(watched, once)
    else:
        tasks, found = once()
        status = summary.status_of(found, {task.key: task.cell.solver for task in tasks})
        status |= {"stopped": [one._asdict() for one in stopped]} if race else {}
        lines = [*summary.outcome_lines(status), *map(str, stopped)]
        answer(status, *lines, failed=bool(status["failed"]) if race else summary.unfinished(status))


def _executor(name: str, scheduler: str | None, workers: int, threads: int) -> executors.Executor:
    if name == "local":
        return executors.LocalExecutor(workers, threads)
    if scheduler is None:
        raise InputError("--scheduler", "must be given with --executor dask")
    try:
        from mincache.bench.cluster import DaskExecutor
    except ModuleNotFoundError as error:
        raise registry.missing_extra("--executor dask", error) from None
    return DaskExecutor(scheduler, lambda line: say(line, err=True))


def _watch(files: Sequence[Path], once: _Once) -> None:
    """Run, tell what moved since the last time, and wait until a file changes; Ctrl-C ends it."""
    before: _Runs = {}
    names = ", ".join(path.name for path in files)
    try:
        while True:
            seen = list(map(contents.content_of, files))
            try:
                tasks, found = once()
                now = {(one.cell.solver, one.cell.instance, one.cell.repetition): one for one in found}
                _tell(before, now, {task.cell.instance: task.best_known for task in tasks})
                before |= now
            except MincacheError as error:  # such as a file that does not load; it may be mended
                warn(f"error: {error}")
            say(f"waiting for {names} to change; Ctrl-C ends", err=True)
            while list(map(contents.content_of, files)) == seen:
                time.sleep(_LOOK_EVERY_S)
    except KeyboardInterrupt:
        click.echo("", err=True)


def _tell(before: _Runs, now: _Runs, best: Mapping[str, float | None]) -> None:
    """Print the runs that came to another end than before, and a line a solver."""
    rows, moves = [], Counter[tuple[str, str]]()
    costs = {key: entries.verified_cost(record) for key, record in now.items()}
    for key, new in now.items():
        old, b = before.get(key, new), costs[key]
        if ((a := entries.verified_cost(old)), old.verdict) == (b, new.verdict):
            continue
        told = [one.verdict if cost is None else f"{cost:.6f}" for one, cost in ((old, a), (new, b))]
        change = "" if a is None or b is None else f"{b / a - 1.0:+.3%}"
        rows.append([key[0], f"{key[1]} #{key[2]}", *told, change])
        moves[key[0], "better" if b is not None and (a is None or b < a) else "worse"] += 1
    if rows:
        columns = {"solver": "l", "run": "l", "before": "r", "now": "r", "change": "r"}
        show(TerminalTable(columns, rows))
    for solver in dict.fromkeys(key[0] for key in now):
        own = [(cost, best[key[1]]) for key, cost in costs.items() if key[0] == solver]
        gaps = [recipes.Reference(b).gap(a) for a, b in own if a is not None and b is not None]
        failed = sum(cost is None for cost, _ in own)
        line = f"{solver}: {len(own)} runs" + (f", mean gap {fmean(gaps):z.3%}" if gaps else "")
        line += f", {failed} failed" if failed else ""
        better, worse = moves[solver, "better"], moves[solver, "worse"]
        say(line + (f": {better} better, {worse} worse than before" if better or worse else ""))


@click.command()
@click.argument("folder", type=options.FOLDER)
@options.machine_output("an object")
def status(folder: Path) -> None:
    """Show how far the campaign in FOLDER is, also while it runs."""
    found, torn_lines = journal.read_counting(folder)
    planned = campaign.planned(folder) or {record.cell.key: record.cell.solver for record in found}
    state = summary.status_of(found, planned, torn_lines)
    lines = [f"{state['done']} of {state['planned']} runs done", *summary.outcome_lines(state)]
    lines += [f"{solver}: {count} to do" for solver, count in state["to_do"].items()]
    answer(state, *lines, *([summary.skipped(torn_lines)] if torn_lines else []))


@click.command()
@click.argument("folders", nargs=-1, required=True, type=options.FOLDER)
@options.folder_output("Folder for the joined records.")
@options.machine_output("an object")
def merge(folders: tuple[Path, ...], output: Path) -> None:
    """Join the records of campaigns that ran in parts.

    Of each run, the first record is kept. Exit code 1 if two records of a run differ in verdict or answer, or
    if a solution is missing or damaged; each is named.
    """
    with waiting("joining records"):
        conflicts, damaged = campaign.merge(folders, output)
    for folder in folders:
        if torn := journal.read_counting(folder)[1]:
            warn(f"{folder}: {summary.skipped(torn)}")
    for sentence in [f"damaged: {one}" for one in damaged] + [f"conflict: {one}" for one in conflicts]:
        warn(sentence)
    runs = len(journal.read(output))
    found = {"folder": str(output), "runs": runs, "conflicts": conflicts, "damaged": damaged}
    answer(found, f"{runs} runs in {output}, {len(conflicts)} conflicts", failed=bool(conflicts or damaged))
