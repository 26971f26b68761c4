"""`mincache run --watch`: the same runs again whenever a file changes, and what moved."""

from __future__ import annotations

import time
from statistics import fmean
from typing import TYPE_CHECKING

import click

from mincache.cli.terminal import TerminalTable, show, warn
from mincache.errors import MincacheError
from mincache.generation.recipes import Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from mincache.bench.plan import Task
    from mincache.judging.records import Record

    Runs = dict[tuple[str, str, int], Record]

_LOOK_EVERY_S = 0.2


def watch(files: Sequence[Path], once: Callable[[], tuple[Sequence[Task], Sequence[Record]]]) -> None:
    """Run, tell what moved since the last time, and wait until a file changes; Ctrl-C ends it.

    A file that cannot be loaded is told in a line; it may be mended while this waits.
    """
    before: Runs = {}
    names = ", ".join(path.name for path in files)
    try:
        while True:
            seen = [_stamp(path) for path in files]
            try:
                tasks, records = once()
                now = {(one.cell.solver, one.cell.instance, one.cell.repetition): one for one in records}
                _tell(before, now, {task.cell.instance: task.best_known for task in tasks})
                before |= now
            except MincacheError as error:
                warn(f"error: {error}")
            click.echo(f"waiting for {names} to change; Ctrl-C ends", err=True)
            while [_stamp(path) for path in files] == seen:
                time.sleep(_LOOK_EVERY_S)
    except KeyboardInterrupt:
        click.echo("", err=True)


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes with the content of a file; None while an editor has it away."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _cost(record: Record) -> float | None:
    return record.score.cost if record.verdict == "verified" and record.score is not None else None


def _tell(before: Runs, now: Runs, best: Mapping[str, float | None]) -> None:
    """Print the runs that came to another end than before, and a line a solver."""
    rows = []
    better: list[str] = []
    worse: list[str] = []
    for key, new in now.items():
        old = before.get(key, new)
        a, b = _cost(old), _cost(new)
        if (a, old.verdict) == (b, new.verdict):
            continue
        change = "" if a is None or b is None else f"{b / a - 1.0:+.3%}"
        rows.append([key[0], f"{key[1]} #{key[2]}", _told(old), _told(new), change])
        (better if b is not None and (a is None or b < a) else worse).append(key[0])
    if rows:
        columns = {"solver": "l", "run": "l", "before": "r", "now": "r", "change": "r"}
        show(TerminalTable(columns, rows))
    for solver in dict.fromkeys(key[0] for key in now):
        own = [one for key, one in now.items() if key[0] == solver]
        counts = better.count(solver), worse.count(solver)
        moved = f": {counts[0]} better, {counts[1]} worse than before" if any(counts) else ""
        click.echo(f"{solver}: {len(own)} runs{_gap(own, best)}{moved}")


def _told(record: Record) -> str:
    cost = _cost(record)
    return record.verdict if cost is None else f"{cost:.6f}"


def _gap(records: Iterable[Record], best: Mapping[str, float | None]) -> str:
    costs = [(_cost(one), best[one.cell.instance]) for one in records]
    gaps = [Reference(known).gap(cost) for cost, known in costs if cost is not None and known is not None]
    failed = sum(cost is None for cost, _ in costs)
    return (f", mean gap {fmean(gaps):z.3%}" if gaps else "") + (f", {failed} failed" if failed else "")
