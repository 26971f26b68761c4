"""Tables as pages show them: cells with the number to sort by and where they lead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from mincache.board import formats
from mincache.board.columns import COLUMNS, visible_columns
from mincache.board.table import Table


class GridCell(NamedTuple):
    """A cell: its text, the number to sort by (None sorts by the text), and its link ("" for none)."""

    text: str
    value: float | None = None
    link: str = ""


class Heading(NamedTuple):
    """A column's title, and whether it is numeric."""

    title: str
    numeric: bool


class GridRow(NamedTuple):
    """A row's cells, and the attributes of its element, for filters."""

    cells: Sequence[GridCell]
    attributes: Mapping[str, str]


class Grid(NamedTuple):
    """A table.

    Attributes:
        columns: its headings.
        rows: its rows.
        header: index of the column whose cells name their rows.
    """

    columns: Sequence[Heading]
    rows: Sequence[GridRow]
    header: int = 0


def grid(titles: Sequence[str], sides: str, rows: Iterable[Sequence[GridCell]]) -> Grid:
    """Return a grid whose rows have no attributes and are named by their first cell.

    Args:
        titles: of the columns.
        sides: a letter a column: `l` for text, `r` for numbers.
        rows: the cells.
    """
    columns = [Heading(title, side == "r") for title, side in zip(titles, sides, strict=True)]
    return Grid(columns, [GridRow(cells, {}) for cells in rows])


def ranking_grid(table: Table, links: Mapping[str, str], notes: Mapping[str, Mapping[str, str]]) -> Grid:
    """Return the ranking as a grid.

    Args:
        table: the ranking.
        links: the page of each solver, by label.
        notes: for each solver further columns, all with the same titles; they are attributes of the row too.
    """
    further = list(next(iter(notes.values()), {}))
    columns, rows = visible_columns(table), []
    headings = [Heading(column.heading, column.numeric) for column in columns]
    for row in table.rows:
        cells = [GridCell(one.cell(row), one.value(row) if one.numeric else None) for one in columns]
        cells[_SOLVER] = GridCell(row.solver, None, links.get(row.solver, ""))
        said = notes.get(row.solver, {})
        cells += [GridCell(said.get(title, "")) for title in further]
        rows.append(GridRow(cells, {f"data-{title}": value for title, value in said.items()}))
    return Grid([*headings, *(Heading(title, numeric=False) for title in further)], rows, header=_SOLVER)


_SOLVER = [column.title for column in COLUMNS].index("solver")


def cost_cell(value: float | None) -> GridCell:
    """Return a cell with a cost."""
    return GridCell(formats.cost(value), value)


def percent_cell(value: float | None, decimals: int = 1) -> GridCell:
    """Return a cell with a fraction as a percentage."""
    return GridCell(formats.percent(value, decimals), value)


def duration_cell(seconds: float | None) -> GridCell:
    """Return a cell with a time."""
    return GridCell(formats.duration(seconds), seconds)


def count_cell(value: int | None) -> GridCell:
    """Return a cell with a whole number."""
    return GridCell(formats.NOTHING if value is None else str(value), value)
