"""Tables as pages show them: cells with the number to sort by and where they lead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from mincache.board import formats
from mincache.board.columns import visible_columns
from mincache.board.table import Table


class GridCell(NamedTuple):
    """A cell: its text, the number to sort by (None sorts by the text), and its link ("" for none)."""

    text: str
    value: float | None = None
    link: str = ""


class Heading(NamedTuple):
    """A column's title, whether it is numeric, and whether a narrow screen shows it too."""

    title: str
    numeric: bool
    brief: bool = True


class GridRow(NamedTuple):
    """A row's cells, and the attributes of its element, for filters."""

    cells: Sequence[GridCell]
    attributes: Mapping[str, str] = {}


class Grid(NamedTuple):
    """A table: its headings, its rows, and which column's cells name their rows."""

    columns: Sequence[Heading]
    rows: Sequence[GridRow]
    header: int = 0


def grid(titles: Sequence[str], sides: str, rows: Iterable[Sequence[GridCell]]) -> Grid:
    """Return a grid whose rows are named by their first cell; `sides` has an `l` or `r` a column."""
    columns = [Heading(title, side == "r") for title, side in zip(titles, sides, strict=True)]
    return Grid(columns, [GridRow(cells) for cells in rows])


NARROW = ("rank", "solver", "kind", "gap", "time", "tier")
"""The columns that stand on a telephone too."""


def ranking_grid(table: Table, links: Mapping[str, str]) -> Grid:
    """Return the ranking as a grid, `links` leading from each solver to its page."""
    shown = visible_columns(table)
    ordered = [c for c in shown if c.heading in NARROW] + [c for c in shown if c.heading not in NARROW]
    headings = [Heading(column.heading, column.numeric, column.heading in NARROW) for column in ordered]
    rows = []
    for row in table.rows:
        cells = [GridCell(one.text(row), one.value(row) if one.numeric else None) for one in ordered]
        cells[1] = cells[1]._replace(link=links.get(row.solver, ""))
        said = {
            "data-kind": row.kind,
            "data-tier": str(row.tier),
            "class": "unranked" if row.unranked else "",
        }
        rows.append(GridRow(cells, {name: value for name, value in said.items() if value}))
    return Grid(headings, rows, header=1)


def cost_cell(value: float | None) -> GridCell:
    """Return a cell with a cost."""
    return GridCell(formats.cost(value), value)


def percent_cell(value: float | None, decimals: int = 2) -> GridCell:
    """Return a cell with a fraction as a percentage."""
    return GridCell(formats.percent(value, decimals), value)


def duration_cell(seconds: float | None) -> GridCell:
    """Return a cell with a time."""
    return GridCell(formats.duration(seconds), seconds)


def count_cell(value: int | None) -> GridCell:
    """Return a cell with a whole number."""
    return GridCell(formats.NOTHING if value is None else str(value), value)
