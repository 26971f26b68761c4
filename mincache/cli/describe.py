"""Tables that show an instance, a suite, or what characterises a suite's instances."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from statistics import median
from typing import Any

import numpy as np

from mincache.analysis.features import COLUMNS, Features
from mincache.cli.terminal import TerminalTable
from mincache.generation.suites import Suite
from mincache.problem.instance import PARTS, Instance
from mincache.problem.quantity import Array, Quantity, quantities

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


def suite_table(suite: Suite) -> TerminalTable:
    """Return the instances of a suite with what is known of their optima."""
    settings = _settings(suite)
    titles = ["instance", "best known", "lower bound", "sha256", *(["setting"] if settings else [])]
    rows = []
    for entry in suite.entries.values():
        known = ("" if value is None else f"{value:.6f}" for value in (entry.best_known, entry.lower_bound))
        setting = [_assignments(settings[entry.setting or 0])] if settings else []
        rows.append([entry.name, *known, entry.sha256[:12], *setting])
    return TerminalTable(titles, "lrrr" + "l" * bool(settings), rows, title=_title(suite))


def instance_tables(instance: Instance) -> tuple[TerminalTable, TerminalTable]:
    """Return the numbers of an instance (arrays as minimum, mean and maximum) and its requests by model."""
    size = f"T={instance.slot_count}, N={instance.user_count}, M={instance.model_count}"
    numbers = [
        [
            f"{section}.{name}{meaning.brackets()}", meaning.symbol, meaning.unit,
            _spread(getattr(getattr(instance, section), name), meaning),
        ]
        for section, kind in PARTS.items()
        for name, meaning in quantities(kind).items()
    ]  # fmt: skip
    counts = Counter(instance.trace.requested_model.ravel().tolist())
    requests = [
        [str(m), f"{size_gb:g}", str(counts[m]), f"{counts[m] / instance.trace.requested_model.size:.1%}"]
        for m, size_gb in enumerate(instance.models.size_gb)
    ]
    title = f"{instance.name} ({size}, alpha={instance.preference_weight:g})"
    titles = ("field", "symbol", "unit", "value or min / mean / max")
    return (
        TerminalTable(titles, "llll", numbers, title=title),
        TerminalTable(("model", "size GB", "requests", "share"), "rrrr", requests, title="requests by model"),
    )


def feature_table(suite: Suite, rows: Sequence[Features]) -> TerminalTable:
    """Return what characterises each instance, with the median of each column below."""
    notes = any(row.note for row in rows)
    prefix = f"{suite.name}."
    shown = [
        [
            row.instance.removeprefix(prefix),
            *(_feature(field, getattr(row, field)) for field in _SHOWN),
            *([row.note] if notes else []),
        ]
        for row in rows
    ]
    if len(rows) > 1:
        values = {field: [v for row in rows if (v := getattr(row, field)) is not None] for field in _SHOWN}
        medians = (_feature(field, median(known)) if known else "" for field, known in values.items())
        shown += [[], ["median", *medians, *([""] if notes else [])]]
    titles = ["instance", *_SHOWN.values(), *(["not by the proven optimum"] if notes else [])]
    sides = "l" + "r" * len(_SHOWN) + "l" * notes
    return TerminalTable(titles, sides, shown, title=_title(suite), caption=_CAPTION)


def feature_csv(rows: Sequence[Features]) -> str:
    """Return the features as CSV with a line of headings; a value that is not there is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([COLUMNS, *map(astuple, rows)])
    return text.getvalue()


def groups_of(suite: Suite) -> dict[str, str]:
    """Return what to tell a suite's instances apart by: what its lists set, if anything, else N."""
    settings = _settings(suite)
    return {
        name: f"N = {entry.users}" if entry.setting is None else _group(entry.setting, settings)
        for name, entry in suite.entries.items()
    }


def _title(suite: Suite) -> str:
    return f"{suite.name}: {suite.content.purpose}".removesuffix(": ")


def _settings(suite: Suite) -> list[dict[str, Any]]:
    sweep = suite.content.recipe.sweep
    return [] if sweep is None else sweep.settings()


def _assignments(setting: Mapping[str, Any]) -> str:
    return ", ".join(f"{field} {value}" for field, value in setting.items())


def _group(number: int, settings: Sequence[Mapping[str, Any]]) -> str:
    values = _assignments(settings[number])
    return values if 0 < len(values) <= _LONGEST_SETTING else f"setting {number}"


def _feature(field: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2%}" if field in _PERCENT else f"{value:.3g}"


def _spread(values: float | Array, meaning: Quantity) -> str:
    if not meaning.shape:
        return f"{values:.6g}"
    return f"{np.min(values):.4g} / {np.mean(values):.4g} / {np.max(values):.4g}"
