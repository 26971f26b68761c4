"""What a terminal shows: tables, bars and notes. No other module draws, and no text of a user can act here.

Names, purposes and messages are anybody's text. Brackets in them are no markup, and what is not printable,
such as the escape sequences of a terminal, is shown by its code.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, TypeVar

import click

from mincache.files.spreadsheets import csv_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID
    from rich.text import Text

Item = TypeVar("Item")
FORM = "mincache.form"
"""Where click keeps the form of the answer that was asked for."""
_PIPED_WIDTH = 200  # of a table in a file or a pipe
_LEAST_TEXT = 16  # a column of text that has more is never narrower than this


class Styled(NamedTuple):
    """The text of a cell and its style, such as `dim` or `green`; a file or a pipe gets the text alone."""

    text: str
    style: str


@dataclass(frozen=True)
class TerminalTable:
    """A table of plain text; its columns stand in order of worth, the name of each row first.

    Attributes:
        columns: by title, `l` for names and `r` for numbers, which stay whole, or `t` for text, which folds
            between words; a line break shows where a narrow title may break.
        rows: the cells of each row, those past the last column unseen; a row without cells is a gap.
        title: a line above the table.
        caption: a line below the table.
        more: how else to see all columns, such as `--csv`.
    """

    columns: Mapping[str, str]
    rows: Sequence[Sequence[str | Styled]]
    title: str = ""
    caption: str = ""
    more: str = ""


def show(*tables: TerminalTable, width: int | None = None) -> None:
    """Print tables, as wide as the terminal unless a width is given.

    No cell is cropped and no word is broken. Where the width is too small, columns are left out from the
    right, and a line below the table names them. The first column is never left out.
    """
    from rich.align import Align
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    console = _console()
    if width is not None or not console.is_terminal:
        console.width = width or _PIPED_WIDTH
    available = console.width
    for table in tables:
        widths, gap, needed = _fitted(table, available)
        drawn = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, gap - 1, 0, 0), pad_edge=False)
        for (title, side), one in zip(table.columns.items(), widths, strict=False):
            justify: Literal["left", "right"] = "right" if side == "r" else "left"
            heading = Align(_text(title), justify, vertical="bottom")
            drawn.add_column(heading, justify=justify, width=one, no_wrap=True, overflow="crop")
        for row in table.rows:
            drawn.add_row(*map(_folded, row, widths)) if row else drawn.add_section()
        _say(console, table.title)
        console.width = max(available, sum(widths) + gap * (len(widths) - 1))
        console.print(drawn)
        console.width = available
        _say(console, table.caption)
        if left_out := list(table.columns)[len(widths) :]:
            names = ", ".join(left_out).replace("-\n", "").replace("\n", " ")
            more = f" or {table.more}" if table.more else ""
            _say(console, f"left out: {names}; see all with a terminal {needed} columns wide{more}")


def _fitted(table: TerminalTable, available: int) -> tuple[list[int], int, int]:
    """Return the widths of the columns that fit, the blanks between two, and the width that all need."""
    from rich.cells import cell_len

    least, whole = [], []
    for n, (title, side) in enumerate(table.columns.items()):
        cells = [title, *(_plain(row[n]) for row in table.rows if row)]
        lines = [cell_len(line) for cell in cells for line in cell.split("\n")]
        words = [cell_len(word) for cell in cells for word in cell.split()]
        whole.append(max(lines))
        least.append(max([min(whole[n], _LEAST_TEXT), *words]) if side == "t" else whole[n])
    count, needed = len(least), sum(least) + len(least) - 1
    gap = 1 if needed + count - 1 > available else 2
    while count > 1 and sum(least[:count]) + gap * (count - 1) > available:
        count -= 1
    room = available - gap * (count - 1)
    for most in range(max(room, 0), -1, -1):  # the widest text columns give way first
        widths = [min(one, max(low, most)) for low, one in zip(least[:count], whole[:count], strict=True)]
        if sum(widths) <= room:
            break
    return widths, gap, needed


def _folded(cell: str | Styled, width: int) -> Text:
    """Return a cell with its lines broken between words; rich would crop some with wide characters."""
    from rich.cells import cell_len
    from rich.text import Text

    lines = []
    for line in _plain(cell).split("\n"):
        lines.append("")
        for word in line.split() if cell_len(line) > width else [line]:
            if lines[-1] and cell_len(f"{lines[-1]} {word}") > width:
                lines.append(word)
            else:
                lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return Text("\n".join(lines), "" if isinstance(cell, str) else cell.style)


def _say(console: Console, line: str) -> None:
    if line:
        console.print(_text(line), overflow="ignore", crop=False)


def printable(text: str) -> str:
    """Return text in which each character that is not printable is replaced by its code; lines stay."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def say(text: str, err: bool = False) -> None:
    """Print lines of anybody's text, on standard error if `err`."""
    click.echo(printable(text), err=err)


def form() -> str:
    """Return the form of the answer that was asked for: "json", "csv", or "" for people."""
    return str(click.get_current_context().meta.get(FORM, ""))


def answer(
    value: Any, *shown: TerminalTable | str, rows: Iterable[Mapping[str, Any]] | None = None,
    wrong: Iterable[str] = (), failed: bool = False,
) -> None:  # fmt: skip
    """Print an answer on standard output in the form that was asked for.

    Args:
        value: what JSON holds.
        shown: tables and lines for people.
        rows: the lines of CSV, by column; `value` itself if it is not given.
        wrong: lines for people that go to standard error, before the others.
        failed: whether the command ends here, with exit code 1.
    """
    if form() == "json":
        click.echo(json.dumps(value, indent=2))
    elif form() == "csv":
        click.echo(csv_text(value if rows is None else rows), nl=False)
    else:
        for line in wrong:
            say(line, err=True)
        for one in shown:
            show(one) if isinstance(one, TerminalTable) else say(one)
    if failed:
        sys.exit(1)


def warn(*sentences: str) -> None:
    """Say on standard error what a reader must know of the input."""
    for sentence in sentences:
        say(f"note: {sentence}", err=True)


@contextmanager
def resumable(kept: Callable[[], str] = str) -> Iterator[None]:
    """End an interrupted command with exit code 1 and what to do; `kept` returns what of the work is kept."""
    try:
        yield
    except KeyboardInterrupt:
        said = "; ".join(filter(None, ["interrupted", kept(), "repeat the command to continue"]))
        click.echo(said, err=True)
        sys.exit(1)


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
    """Bars on standard error, if there is a terminal to show them (`live`); a context manager.

    Args:
        lines: how many lines stand for a bar elsewhere.
    """

    def __init__(self, lines: int = 0) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._lines = lines
        text, note = (TextColumn(f"{{task.{one}}}", markup=False) for one in ("description", "fields[note]"))
        console = _console(stderr=True)
        self.live = console.is_terminal
        columns = (text, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), note)
        self._drawn = Progress(*columns, console=console, disable=not self.live)
        self._tasks: dict[str, TaskID] = {}

    def show(self, text: str, done: int, total: int, note: str | None = None) -> None:
        """Show how far something is, with a note behind the bar; None leaves the last note there."""
        if self._lines and not self.live and (done == total or done % max(1, total // self._lines) == 0):
            click.echo(f"{text}: {done} of {total}", err=True)
        if text not in self._tasks:
            self._tasks[text] = self._drawn.add_task(printable(text), note="")
        fields: Any = {} if note is None else {"note": printable(note)}
        self._drawn.update(self._tasks[text], completed=done, total=total, **fields)

    def __enter__(self) -> Self:
        self._drawn.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._drawn.stop()


def _plain(cell: str | Styled) -> str:
    return printable(cell if isinstance(cell, str) else cell.text)


def _text(cell: str | Styled) -> Text:
    from rich.text import Text

    return Text(_plain(cell), "" if isinstance(cell, str) else cell.style)


def _console(stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)
