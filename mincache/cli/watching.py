"""`mincache run --watch`: the same runs again whenever a file changes, and what moved."""

from __future__ import annotations

import time
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

import click

from mincache.cli.terminal import TerminalTable, show, warn
from mincache.errors import MincacheError
from mincache.generation.recipes import Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from mincache.bench.plan import Task
    from mincache.judging.records import Record

_LOOK_EVERY_S = 0.2


class Result(NamedTuple):
    """What came of a run.

    Attributes:
        cost: of a verified answer; None without one.
        verdict: the record's.
        best_known: lowest cost known of the instance, if any.
    """

    cost: float | None
    verdict: str
    best_known: float | None

    @property
    def gap(self) -> float | None:
        """How far the cost is above the best known one, as a fraction of it."""
        return (
            None
            if self.cost is None or self.best_known is None
            else Reference(self.best_known).gap(self.cost)
        )

    def __str__(self) -> str:
        return self.verdict if self.cost is None else f"{self.cost:.6f}"


def watch(files: Sequence[Path], once: Callable[[], tuple[Sequence[Task], Sequence[Record]]]) -> None:
    """Run, tell what moved since the last time, and wait until a file changes; Ctrl-C ends it.

    A file that cannot be loaded is told in a line; it may be mended while this waits.
    """
    before: Mapping[tuple[str, str, int], Result] = {}
    names = ", ".join(path.name for path in files)
    try:
        while True:
            seen = _stamps(files)
            try:
                now = _results(*once())
                _tell(before, now)
                before = {**before, **now}
            except MincacheError as error:
                warn(f"error: {error}")
            click.echo(f"waiting for {names} to change; Ctrl-C ends", err=True)
            while _stamps(files) == seen:
                time.sleep(_LOOK_EVERY_S)
    except KeyboardInterrupt:
        click.echo("", err=True)


def _stamps(files: Sequence[Path]) -> list[tuple[int, int] | None]:
    """Return what changes with the content of each file; None while an editor has it away."""
    stamps: list[tuple[int, int] | None] = []
    for path in files:
        try:
            found = path.stat()
            stamps.append((found.st_mtime_ns, found.st_size))
        except OSError:
            stamps.append(None)
    return stamps


def _results(tasks: Sequence[Task], records: Sequence[Record]) -> dict[tuple[str, str, int], Result]:
    best = {task.cell.instance: task.best_known for task in tasks}
    return {
        (one.cell.solver, one.cell.instance, one.cell.repetition): Result(
            one.score.cost if one.verdict == "verified" and one.score is not None else None,
            one.verdict,
            best[one.cell.instance],
        )
        for one in records
    }


def _tell(before: Mapping[tuple[str, str, int], Result], now: Mapping[tuple[str, str, int], Result]) -> None:
    """Print the runs that came to another end than before, and a line a solver."""
    moved = [(key, before[key], one) for key, one in now.items() if key in before and one != before[key]]
    if moved:
        rows = [
            [key[0], f"{key[1]} #{key[2]}", str(old), str(new), _change(old, new)] for key, old, new in moved
        ]
        show(TerminalTable(("solver", "run", "before", "now", "change"), "llrrr", rows))
    for solver in dict.fromkeys(key[0] for key in now):
        click.echo(_line(solver, [one for key, one in now.items() if key[0] == solver], [
            (old, new) for key, old, new in moved if key[0] == solver
        ]))  # fmt: skip


def _change(old: Result, new: Result) -> str:
    return "" if old.cost is None or new.cost is None else f"{new.cost / old.cost - 1.0:+.3%}"


def _line(solver: str, now: Sequence[Result], moved: Sequence[tuple[Result, Result]]) -> str:
    gaps = [one.gap for one in now if one.gap is not None]
    failed = sum(one.cost is None for one in now)
    better = sum(_rank(new) < _rank(old) for old, new in moved)
    gap = f", mean gap {fmean(gaps):z.3%}" if gaps else ""
    lost = f", {failed} failed" if failed else ""
    told = f": {better} better, {len(moved) - better} worse than before" if moved else ""
    return f"{solver}: {len(now)} runs{gap}{lost}{told}"


def _rank(one: Result) -> float:
    return float("inf") if one.cost is None else one.cost
