"""The pictures of a board's `README.md`: a chart of gaps for each suite."""

from __future__ import annotations

import os
from pathlib import Path

from mincache.board import readme
from mincache.board.entries import read_entries
from mincache.board.ranking import table
from mincache.board.standing import standings
from mincache.files.documents import write_bytes
from mincache.site import charts


def write_charts(board: str | os.PathLike[str]) -> list[Path]:
    """Draw the chart of each suite of a board, and return the files; the page links those that exist.

    Raises:
        MissingExtraError: if the libraries for charts are not installed.
    """
    written = []
    for standing in standings(record for entry in read_entries(board) for record in entry.records):
        drawn = charts.chart("gap", standing, table(standing))
        path = Path(board) / readme.chart_file(standing.name)
        if drawn is not None:
            write_bytes(path, charts.svg(drawn))
            written.append(path)
    return written
