"""What characterises instances, as a table for the terminal and as CSV, and how a picture groups them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple
from statistics import median
from typing import Any

from rich.table import Table

from mincache.features import COLUMNS, Features
from mincache.suites import Suite

_SHOWN = {
    "storage_tightness": ("storage", "models asked for / storage"),
    "steps_tightness": ("steps", "steps asked for / steps"),
    "upload_share": ("upload", "share of the cost"),
    "gini": ("gini", "of requests"),
    "repeat_share": ("repeats", "share of requests"),
    "caching_worth": ("caching", "worth"),
    "bandwidth_worth": ("bandwidth", "worth"),
    "steps_worth": ("steps", "worth"),
}
_LONGEST_SETTING = 40
_PERCENT = {"upload_share", "repeat_share", "caching_worth", "bandwidth_worth", "steps_worth"}


def feature_table(title: str, rows: Sequence[Features]) -> Table:
    """Return the rows as a table, with the median of each column below."""
    table = Table(title=title, show_footer=len(rows) > 1)
    table.add_column("instance", footer="median", overflow="fold")
    for field, (name, about) in _SHOWN.items():
        values = [value for row in rows if (value := getattr(row, field)) is not None]
        footer = _text(field, median(values)) if values else ""
        table.add_column(f"{name}\n{about}", footer=footer, justify="right")
    if any(row.note for row in rows):
        table.add_column("not relative to the proven optimum")
    for row in rows:
        cells = [_text(field, getattr(row, field)) for field in _SHOWN]
        table.add_row(row.instance, *cells, *([row.note] if row.note else []))
    return table


def feature_csv(rows: Sequence[Features]) -> str:
    """Return the rows as CSV with a line of headings; a value that is not there is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([COLUMNS, *map(astuple, rows)])
    return text.getvalue()


def groups_of(suite: Suite) -> dict[str, str]:
    """Return what to tell a suite's instances apart by: what its lists set, if anything, else N."""
    sweep = suite.content.recipe.sweep
    settings = [] if sweep is None else sweep.settings()
    return {
        name: f"N = {entry.users}" if entry.setting is None else _setting(entry.setting, settings)
        for name, entry in suite.entries.items()
    }


def _setting(number: int, settings: list[dict[str, Any]]) -> str:
    values = ", ".join(f"{field} {value}" for field, value in settings[number].items())
    return values if 0 < len(values) <= _LONGEST_SETTING else f"setting {number}"


def _text(field: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2%}" if field in _PERCENT else f"{value:.3g}"
