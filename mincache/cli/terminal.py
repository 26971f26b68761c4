"""What a terminal shows: tables, bars and notes. No other module draws, and no text of a user can act here.

Names, purposes and messages are anybody's text. Brackets in them are no markup, and what is not printable,
such as the escape sequences of a terminal, is shown by its code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID
    from rich.text import Text

Item = TypeVar("Item")
_PIPED_WIDTH = 200
"""Into a file or a pipe a table may be so wide."""


class Styled(NamedTuple):
    """The text of a cell and its style, such as `dim` or `green`; a file or a pipe gets the text alone."""

    text: str
    style: str


@dataclass(frozen=True)
class TerminalTable:
    """A table of plain text.

    Attributes:
        titles: what stands above each column.
        sides: a letter a column: `l` for text, which may fold, and `r` for numbers, which stay whole.
        rows: the cells of each row; a row without cells is a gap.
        title: what stands above the table.
        caption: what stands below it.
        padding: blanks on each side of a column.
    """

    titles: Sequence[str]
    sides: str
    rows: Sequence[Sequence[str | Styled]]
    title: str = ""
    caption: str = ""
    padding: int = 1


def show(*tables: TerminalTable, width: int | None = None) -> None:
    """Print tables, as wide as the terminal unless a width is given."""
    from rich.align import Align
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    console = _console()
    if width is not None or not console.is_terminal:
        console.width = width or _PIPED_WIDTH
    for table in tables:
        drawn = Table(
            title=_text(table.title) if table.title else None,
            caption=_text(table.caption) if table.caption else None,
            box=SIMPLE_HEAD, show_edge=False, padding=(0, table.padding), pad_edge=False,
            title_justify="left", caption_justify="left",
        )  # fmt: skip
        for title, side in zip(table.titles, table.sides, strict=True):
            number = side == "r"
            heading = Align(_text(title), "right" if number else "left", vertical="bottom")
            # A number folded over two lines, or cut, would be misread.
            drawn.add_column(heading, justify="right" if number else "left", no_wrap=number, overflow="fold")
        for row in table.rows:
            drawn.add_row(*map(_text, row)) if row else drawn.add_section()
        console.print(drawn)


def printable(text: str) -> str:
    """Return text in which each character that is not printable is replaced by its code; lines stay."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2))


def warn(sentence: str) -> None:
    """Say on standard error what a reader must know of the input."""
    click.echo(printable(f"note: {sentence}"), err=True)


@contextmanager
def waiting(text: str) -> Iterator[Callable[[str], None]]:
    """Show in a terminal that something goes on; yields what changes the text.

    Nothing is to be printed meanwhile: in a terminal that would go to standard error.
    """
    with _console(stderr=True).status(_text(text)) as status:
        yield lambda text: status.update(_text(text))


def tracked(items: Iterable[Item], text: str, total: int) -> Iterator[Item]:
    """Yield each of the items, of which there are `total`; a terminal shows how many are done.

    Nothing is to be printed meanwhile, as in `waiting`.
    """
    with Bars() as bars:
        bars.show(text, 0, total)
        for done, item in enumerate(items, 1):
            yield item
            bars.show(text, done, total)


class Bars:
    """Bars on standard error, in a terminal alone; a context manager.

    Attributes:
        live: whether there is a terminal to show them.
    """

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        text, note = (
            TextColumn(f"{{task.{what}}}", markup=False) for what in ("description", "fields[note]")
        )
        console = _console(stderr=True)
        self.live = console.is_terminal
        columns = (text, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), note)
        self._drawn = Progress(*columns, console=console, disable=not self.live)
        self._tasks: dict[str, TaskID] = {}

    def show(self, text: str, done: int, total: int, note: str | None = None) -> None:
        """Show how far something is, with a note behind the bar; None leaves the last note there."""
        if text not in self._tasks:
            self._tasks[text] = self._drawn.add_task(printable(text), note="")
        task = self._tasks[text]
        self._drawn.update(task, completed=done, total=total)
        if note is not None:
            self._drawn.update(task, note=printable(note))

    def __enter__(self) -> Self:
        self._drawn.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._drawn.stop()


def _text(cell: str | Styled) -> Text:
    from rich.text import Text

    return Text(printable(cell)) if isinstance(cell, str) else Text(printable(cell.text), cell.style)


def _console(stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)
