"""What characterises instances, as a table for the terminal and as CSV, and how a picture groups them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple
from statistics import median
from typing import Any

from rich import box
from rich.table import Table

from mincache.analysis.features import COLUMNS, Features
from mincache.generation.suites import Suite

_SHOWN = {
    "storage_tightness": "storage\n(asked)",
    "steps_tightness": "steps\n(asked)",
    "upload_share": "upload\n(cost)",
    "gini": "gini",
    "caching_worth": "no\ncaching",
    "bandwidth_worth": "equal\nbandwidth",
    "steps_worth": "no\nsteps",
}
_CAPTION = (
    "asked: what a slot's requests ask for, over what there is; cost: share of the best cost; "
    "gini: of requests over models; no, equal: what the cost rises by"
)
_LONGEST_SETTING = 40
_PERCENT = {"upload_share", "repeat_share", "caching_worth", "bandwidth_worth", "steps_worth"}


def feature_table(suite: Suite, rows: Sequence[Features]) -> Table:
    """Return the rows as a table, with the median of each column below."""
    title, prefix = f"{suite.name}: {suite.content.purpose}".removesuffix(": "), f"{suite.name}."
    table = Table(title=title, caption=_CAPTION, show_footer=len(rows) > 1, box=box.SIMPLE)
    table.add_column("instance", footer="median", no_wrap=True)
    for field, heading in _SHOWN.items():
        values = [value for row in rows if (value := getattr(row, field)) is not None]
        footer = _text(field, median(values)) if values else ""
        table.add_column(heading, footer=footer, justify="right", no_wrap=True)
    if any(row.note for row in rows):
        table.add_column("not by the proven optimum")
    for row in rows:
        cells = [_text(field, getattr(row, field)) for field in _SHOWN]
        table.add_row(row.instance.removeprefix(prefix), *cells, *([row.note] if row.note else []))
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
