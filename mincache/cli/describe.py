"""Tables that show an instance, a suite, or what characterises a suite's instances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from mincache.analysis.features import Features
from mincache.cli.terminal import TerminalTable
from mincache.generation.scenario import Scenario
from mincache.generation.suites import Suite
from mincache.problem.instance import PARTS, Instance
from mincache.problem.quantity import quantities

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
    "asked: demand of a slot's requests over the supply; cost: share of the best cost; gini: of requests "
    "over models; no, equal: rise of the cost"
)
_LONGEST_SETTING = 40
_PERCENT = {"upload_share", "repeat_share", "caching_worth", "bandwidth_worth", "steps_worth"}


def suite_rows(suite: Suite) -> list[dict[str, Any]]:
    """Return the instances of a suite with their best known costs and bounds, for programs."""
    return [entry.model_dump(mode="json") for entry in suite.entries.values()]


def suite_table(suite: Suite) -> TerminalTable:
    """Return the instances of a suite with their best known costs and bounds."""
    settings = _settings(suite)
    titles = ["instance", "best known", "lower bound", *(["setting"] if settings else []), "sha256"]
    rows = []
    for entry in suite.entries.values():
        known = ("" if value is None else f"{value:.6f}" for value in (entry.best_known, entry.lower_bound))
        setting = [_assignments(settings[entry.setting or 0])] if settings else []
        rows.append([entry.name, *known, *setting, entry.sha256[:12]])
    sides = "lrr" + "t" * bool(settings) + "r"
    return TerminalTable(titles, sides, rows, title=_title(suite), more="--csv")


def instance_rows(instance: Instance) -> list[dict[str, Any]]:
    """Return the fields of an instance with unit, symbol, and the least, mean and greatest value."""
    rows = []
    for section, kind in PARTS.items():
        for name, meaning in quantities(kind).items():
            value = np.asarray(getattr(getattr(instance, section), name), dtype=float)
            numbers = (float(value.min()), float(value.mean()), float(value.max()))
            spread = dict(zip(("min", "mean", "max"), numbers, strict=True))
            rows.append({"field": f"{section}.{name}{meaning.brackets()}", **spread,
                         "unit": meaning.unit, "symbol": meaning.symbol})  # fmt: skip
    return rows


def instance_tables(instance: Instance) -> tuple[TerminalTable, TerminalTable]:
    """Return the numbers of an instance (arrays as minimum, mean and maximum) and its requests by model."""
    size = f"T={instance.slot_count}, N={instance.user_count}, M={instance.model_count}"
    numbers = [
        [
            row["field"],
            _spread(row["min"], row["mean"], row["max"], "[" in row["field"]),
            row["unit"],
            row["symbol"],
        ]
        for row in instance_rows(instance)
    ]
    counts = Counter(instance.trace.requested_model.ravel().tolist())
    requests = [
        [str(m), f"{size_gb:g}", str(counts[m]), f"{counts[m] / instance.trace.requested_model.size:.1%}"]
        for m, size_gb in enumerate(instance.models.size_gb)
    ]
    title = f"{instance.name} ({size}, alpha={instance.preference_weight:g})"
    titles = ("field", "value, or\nmin / mean / max", "unit", "symbol")
    return (
        TerminalTable(titles, "ltll", numbers, title=title, more="--csv"),
        TerminalTable(("model", "size GB", "requests", "share"), "rrrr", requests, title="requests by model"),
    )


def log_tables(scenario: Scenario) -> list[TerminalTable]:
    """Return what became of the items of a scenario's log, the most requested first; [] without a log."""
    log = scenario.logged()
    if log is None:
        return []
    count, total = Counter(log.model.tolist()), len(log.model)
    rows = [[str(m), item, str(count[m]), f"{count[m] / total:.1%}"] for m, item in enumerate(log.items)]
    title = (
        f"{log.rows} requests in the log, less {log.outside} outside of the window and {log.unlisted} for "
        f"other items: {total} of {len(set(log.user.tolist()))} users in {int(log.slot.max()) + 1} slots, "
        f"{scenario.trace_count()} traces"
    )
    return [TerminalTable(("model", "item", "requests", "share"), "rtrr", rows, title=title)]


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
    titles = ["instance", *_SHOWN.values(), *(["why not from the proven optimum"] if notes else [])]
    sides = "l" + "r" * len(_SHOWN) + "t" * notes
    return TerminalTable(titles, sides, shown, title=_title(suite), caption=_CAPTION, more="--csv")


def groups_of(suite: Suite) -> dict[str, str]:
    """Return what to tell a suite's instances apart by: their sources, what its lists set, or else N."""
    settings, sources = _settings(suite), suite.content.sources
    if len(sources) > 1:
        return {name: sources[entry.source or 0].name for name, entry in suite.entries.items()}
    return {
        name: f"N = {entry.users}" if entry.setting is None else _group(entry.setting, settings)
        for name, entry in suite.entries.items()
    }


def _title(suite: Suite) -> str:
    return f"{suite.name}: {suite.content.purpose}".removesuffix(": ")


def _settings(suite: Suite) -> list[dict[str, Any]]:
    sources = suite.content.sources
    sweep = sources[0].recipe.sweep if len(sources) == 1 else None
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


def _spread(least: float, mean: float, most: float, array: bool) -> str:
    return f"{least:.4g} / {mean:.4g} / {most:.4g}" if array else f"{mean:.6g}"
