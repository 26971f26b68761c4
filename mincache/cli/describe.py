"""Tables that show an instance, a suite, or what characterises a suite's instances."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

import mincache
from mincache.analysis.features import Features
from mincache.cli.terminal import TerminalTable
from mincache.problem.instance import PARTS
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
_PERCENT = {"upload_share", "caching_worth", "bandwidth_worth", "steps_worth"}


def suite_table(suite: mincache.Suite) -> TerminalTable:
    """Return the instances of a suite with their best known costs and bounds."""
    settings = _settings(suite)
    rows = []
    for entry in suite.entries.values():
        known = ("" if value is None else f"{value:.6f}" for value in (entry.best_known, entry.lower_bound))
        setting = [_assignments(settings[entry.setting or 0])] if settings else []
        rows.append([entry.name, *known, *setting, entry.sha256[:12]])
    columns = {"instance": "l", "best known": "r", "lower bound": "r"}
    columns |= ({"setting": "t"} if settings else {}) | {"sha256": "r"}
    return TerminalTable(columns, rows, title=_title(suite), more="--csv")


def instance_rows(instance: mincache.Instance) -> list[dict[str, Any]]:
    """Return the fields of an instance with unit, symbol, and the least, mean and greatest value."""
    rows = []
    for section, kind in PARTS.items():
        for name, meaning in quantities(kind).items():
            value = np.asarray(getattr(getattr(instance, section), name), dtype=float)
            spread = {"min": float(value.min()), "mean": float(value.mean()), "max": float(value.max())}
            rows.append({"field": f"{section}.{name}{meaning.brackets()}", **spread,
                         "unit": meaning.unit, "symbol": meaning.symbol})  # fmt: skip
    return rows


def instance_tables(instance: mincache.Instance) -> tuple[TerminalTable, TerminalTable]:
    """Return the numbers of an instance (arrays as minimum, mean and maximum) and its requests by model."""
    size = f"T={instance.slot_count}, N={instance.user_count}, M={instance.model_count}"
    numbers = []
    for row in instance_rows(instance):
        value = "{min:.4g} / {mean:.4g} / {max:.4g}" if "[" in row["field"] else "{mean:.6g}"
        numbers.append([row["field"], value.format(**row), row["unit"], row["symbol"]])
    counts = Counter(instance.trace.requested_model.ravel().tolist())
    requests = [
        [str(m), f"{size_gb:g}", str(counts[m]), f"{counts[m] / counts.total():.1%}"]
        for m, size_gb in enumerate(instance.models.size_gb)
    ]
    title = f"{instance.name} ({size}, alpha={instance.preference_weight:g})"
    columns = {"field": "l", "value, or\nmin / mean / max": "t", "unit": "l", "symbol": "l"}
    models = dict.fromkeys(("model", "size GB", "requests", "share"), "r")
    by_model = TerminalTable(models, requests, title="requests by model")
    return TerminalTable(columns, numbers, title=title, more="--csv"), by_model


def log_tables(scenario: mincache.Scenario) -> list[TerminalTable]:
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
    return [TerminalTable({"model": "r", "item": "t", "requests": "r", "share": "r"}, rows, title=title)]


def feature_table(suite: mincache.Suite, rows: Sequence[Features]) -> TerminalTable:
    """Return what characterises each instance, with the median of each column below."""
    shown = []
    for row in rows:
        values = (_feature(field, getattr(row, field)) for field in _SHOWN)
        shown.append([row.instance.removeprefix(f"{suite.name}."), *values, row.note])
    if len(rows) > 1:
        known = {field: [v for row in rows if (v := getattr(row, field)) is not None] for field in _SHOWN}
        medians = (_feature(field, median(values)) if values else "" for field, values in known.items())
        shown += [[], ["median", *medians, ""]]
    columns = {"instance": "l", **dict.fromkeys(_SHOWN.values(), "r")}
    columns |= {"why not from the proven optimum": "t"} if any(row.note for row in rows) else {}
    return TerminalTable(columns, shown, title=_title(suite), caption=_CAPTION, more="--csv")


def groups_of(suite: mincache.Suite) -> dict[str, str]:
    """Return what to tell a suite's instances apart by: their sources, what its lists set, or else N."""
    settings, sources = _settings(suite), suite.content.sources
    if len(sources) > 1:
        return {name: sources[entry.source or 0].name for name, entry in suite.entries.items()}

    def group(users: int | None, setting: int | None) -> str:
        values = _assignments(settings[setting]) if setting is not None else f"N = {users}"
        return values if 0 < len(values) <= _LONGEST_SETTING else f"setting {setting}"

    return {name: group(entry.users, entry.setting) for name, entry in suite.entries.items()}


def _title(suite: mincache.Suite) -> str:
    return f"{suite.name}: {suite.content.purpose}".removesuffix(": ")


def _settings(suite: mincache.Suite) -> list[dict[str, Any]]:
    sources = suite.content.sources
    sweep = sources[0].recipe.sweep if len(sources) == 1 else None
    return [] if sweep is None else sweep.settings()


def _assignments(setting: Mapping[str, Any]) -> str:
    return ", ".join(f"{field} {value}" for field, value in setting.items())


def _feature(field: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2%}" if field in _PERCENT else f"{value:.3g}"
