"""What a campaign prints: its plan before, its outcomes after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

import click

from mincache.bench import campaign, journal
from mincache.bench.plan import Task
from mincache.bench.records import Record

_MOST_FAILURES = 20


def line(record: Record) -> str:
    """Return a record in one line."""
    score = record.score
    cost = f" cost {score.cost:.6g}" if score is not None and score.cost is not None else ""
    took = f" in {record.solve_s:.3g} s" if record.solve_s is not None else ""
    stop = "" if record.stop_reason == "finished" else record.stop_reason
    why = ": ".join(filter(None, (stop, record.reason)))
    return f"{_place(record)} {record.verdict}{cost}{took}" + (f": {why}" if why else "")


def _place(record: Record) -> str:
    cell = record.cell
    return f"{cell.solver} {cell.instance} #{cell.repetition}"


def print_plan(tasks: Sequence[Task], waiting: Collection[str], workers: int) -> None:
    """Print the cells of a campaign, which of them are still to be run, and the longest that can take."""
    for task in tasks:
        mark = "run " if task.key in waiting else "done"
        click.echo(f"{mark} {task.cell.solver} {task.cell.instance} #{task.cell.repetition}")
    limits = [task.limits for task in tasks if task.key in waiting]
    seconds = sum((one.wall_s or 0.0) + one.grace_s for one in limits) / workers
    click.echo(f"{len(waiting)} of {len(tasks)} runs to do, {len(tasks) - len(waiting)} done already")
    click.echo(f"at most {seconds:.0f} s in solvers, {workers} at a time, and what it takes to start them")


def print_outcomes(records: Sequence[Record]) -> None:
    """Print how often each outcome came, by solver, and the runs that failed."""
    for solver, counts in campaign.outcomes(records).items():
        parts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
        click.echo(f"{solver}: {parts}")
    failed = [record for record in records if not record.passed]
    for record in failed[:_MOST_FAILURES]:
        click.echo(f"  {line(record)}")
    if len(failed) > _MOST_FAILURES:
        click.echo(f"  and {len(failed) - _MOST_FAILURES} more that failed")


def print_status(folder: Path) -> None:
    """Print how far the campaign in a folder is."""
    records = journal.read(folder)
    done = {record.cell.key for record in records if record.final}
    cells = campaign.planned(folder) or {record.cell.key: record.cell.solver for record in records}
    click.echo(f"{len(done & cells.keys())} of {len(cells)} runs done")
    print_outcomes(records)
    waiting = Counter(solver for key, solver in cells.items() if key not in done)
    for solver, count in waiting.items():
        click.echo(f"{solver}: {count} to do")
    torn = journal.torn_lines(folder)
    if torn:
        click.echo(f"{torn} lines of the journal were cut off, and are passed over")
