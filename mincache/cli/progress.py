"""How a command shows that it goes on: in a terminal, on standard error; a campaign elsewhere by lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import click

if TYPE_CHECKING:
    import rich.progress
    from rich.console import Console
    from rich.status import Status

    from mincache.bench.records import Record

Item = TypeVar("Item")


def waiting(text: str) -> Status:
    """Return a context in which a terminal shows `text` and that it goes on; `update` changes the text.

    Nothing is to be printed in it: in a terminal that would go to standard error.
    """
    return _console().status(text)


def tracked(items: Iterable[Item], text: str, total: int) -> Iterator[Item]:
    """Yield each of the items, of which there are `total`; a terminal shows how many are done.

    Nothing is to be printed meanwhile, as in `waiting`.
    """
    from rich.progress import track

    console = _console()
    return iter(track(items, text, total=total, console=console, disable=not console.is_terminal))


def _console() -> Console:
    from rich.console import Console

    return Console(stderr=True)


class Progress:
    """Shows each record as it comes; a context manager.

    Args:
        total: runs of the campaign.
        waiting: those still to be done.
    """

    def __init__(self, total: int, waiting: int) -> None:
        self._total, self._done, self._failed = total, total - waiting, 0
        self._bar: rich.progress.Progress | None = None
        console = _console()
        if console.is_terminal:
            import rich.progress

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
            from mincache.cli.summary import line

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
