"""How a campaign shows that it goes on: a bar in a terminal, else a line a run."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import click
import rich.progress
from rich.console import Console

from mincache.bench.records import Record
from mincache.cli.summary import line


class Progress:
    """Shows each record as it comes; a context manager.

    Args:
        total: runs of the campaign.
        waiting: those still to be done.
    """

    def __init__(self, total: int, waiting: int) -> None:
        self._total, self._done, self._failed = total, total - waiting, 0
        self._bar: rich.progress.Progress | None = None
        console = Console(stderr=True)
        if console.is_terminal:
            self._bar = rich.progress.Progress(
                *rich.progress.Progress.get_default_columns(),
                rich.progress.MofNCompleteColumn(),
                rich.progress.TextColumn("{task.fields[failed]} failed"),
                console=console,
            )
            self._task = self._bar.add_task("runs", total=total, completed=self._done, failed=0)
            self._bar.start()

    def show(self, record: Record) -> None:
        """Show that a run is done and kept."""
        self._done += 1
        self._failed += not record.passed
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done, failed=self._failed)
        else:
            click.echo(f"[{self._done}/{self._total}] {line(record)}")

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
