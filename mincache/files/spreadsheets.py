"""Rows as CSV, in which nothing is a formula to a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any


def csv_text(rows: Iterable[Mapping[str, Any]], names: Sequence[str] = ()) -> str:
    """Return rows as CSV with a line of headings.

    None and nan are empty, a list has spaces between its items, and text that a spreadsheet would take for a
    formula gets an apostrophe before it.

    Args:
        rows: values by column.
        names: of the columns; without any, all that a row has.
    """
    listed = list(rows)
    columns = list(names or dict.fromkeys(chain.from_iterable(listed)))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([inert(row.get(name)) for name in columns] for row in listed)
    return text.getvalue()


def inert(value: Any) -> Any:
    """Return what stands in a cell for a value."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return None if value != value else value  # nan
