"""The numbers behind the charts: lists of flat rows, a chart each. Lines of steps have every step."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mincache.board.references import RELATIVE_TOLERANCE
from mincache.board.runs import Runs
from mincache.board.table import Row, Table
from mincache.problem.quantity import Array

ChartRows = list[dict[str, Any]]

MOST_SOLVERS = 10
"""A chart of lines shows so many, the first of the table: there are no more colours to tell them apart by."""
MOST_ROWS = 30
"""A chart with a row a solver shows so many, a page of them."""
_MOST_TICKS = 61
_ROUNDING = 1e-9
_TIME_DIGITS = 3


def with_gap(table: Table) -> list[Row]:
    """Return the rows that have a mean gap and solved something, in the table's order."""
    return [row for row in table.rows if row.gap is not None and row.verified]


def gaps(table: Table) -> ChartRows:
    """Return the gap in % on each instance (of very many, percentiles), and the mean of each row."""
    found: ChartRows = []
    for row in with_gap(table)[:MOST_ROWS]:
        values = table.runs.gaps[row.number]
        if len(values) > _MOST_TICKS:
            values = np.quantile(values, np.linspace(0, 1, _MOST_TICKS))
        found += [{"solver": row.solver, "gap": _rounded(100 * gap)} for gap in values.tolist()]
        found.append({"solver": row.solver, "mean": _rounded(100 * (row.gap or 0.0))})
    return found


def by_instance(row: Row) -> ChartRows:
    """Return the gap in % of one row on each instance, and the instance's number of users and library."""
    suite, gaps = row.runs.suite, row.by_instance(row.runs.gap)
    found = []
    for name, gap in zip(row.runs.instances, gaps.tolist(), strict=True):
        listed = None if suite is None else suite.entries[name]
        where = {} if listed is None else {"users": listed.users, "library": f"library {listed.library}"}
        if math.isfinite(gap):
            found.append({"instance": name, "gap": _rounded(100 * gap), **where})
    return found


def profile(table: Table) -> ChartRows:
    """Return the performance profile of the costs: share of instances within each ratio of the best.

    Source: Dolan and More 2002, doi:10.1007/s101070100263.
    """
    rows = with_gap(table)[:MOST_SOLVERS]
    if not rows:
        return []
    costs = np.array([table.runs.costs[row.number] for row in rows])
    excess = np.maximum(costs / costs.min(axis=0) - 1.0, 0.0)
    excess[excess <= RELATIVE_TOLERANCE] = 0.0
    last = float(excess.max())
    return [
        {"solver": row.solver, "excess": _rounded(100 * x), "share": _rounded(share)}
        for row, values in zip(rows, excess, strict=True)
        for x, share in _steps(values, len(values), 0.0, last)
    ]


def tradeoff(table: Table) -> ChartRows:
    """Return the mean gap in % and the time until the answer in a fresh process of each row."""
    return [
        {"solver": row.solver, "gap": _rounded(100 * (row.gap or 0.0)), "seconds": _rounded(seconds)}
        for row in with_gap(table)
        if (seconds := row.mean(row.runs.charged_s("answer_s"))) is not None
    ][:MOST_SOLVERS]


def by_users(table: Table) -> ChartRows:
    """Return the mean gap in % of each row for each number of users; nothing if the suite is not at hand."""
    return [
        {"solver": row.solver, "users": users, "gap": _rounded(100 * gap)}
        for users, part in by_number_of_users(table.runs)
        for row in with_gap(table)[:MOST_SOLVERS]
        if math.isfinite(gap := float(part.gaps[part.contenders.index(row.who)].mean()))
    ]


def by_number_of_users(runs: Runs) -> list[tuple[int, Runs]]:
    """Return the runs with each number of users; none if the suite is not at hand."""
    if runs.suite is None:
        return []
    users = {name: runs.suite.entries[name].users for name in runs.instances}
    return [(n, runs.among(name for name in users if users[name] == n)) for n in sorted(set(users.values()))]


def anytime(table: Table) -> ChartRows:
    """Return the share of (run, target gap) pairs that each row has reached by each time."""
    rows = with_gap(table)[:MOST_SOLVERS]
    reached = {row.solver: reached_s(row) for row in rows}
    times = [float(t) for values in reached.values() for t in values if math.isfinite(t)]
    first, last = min(times, default=1e-3), max([*times, _horizon_s(table)])
    return [
        {"solver": name, "seconds": seconds, "share": _rounded(share)}
        for name, values in reached.items()
        for seconds, share in _steps(_coarse(values), len(values), first / 2, last)
    ]


def _horizon_s(table: Table) -> float:
    """Return the time limit; without one the longest of the runs' own, or a second."""
    limits = table.runs["limit_s"][np.isfinite(table.runs["limit_s"])]
    return table.runs.protocol.wall_s or float(limits.max(initial=0.0)) or 1.0


def reached_s(row: Row) -> Array:
    """Return when in s each run of a row had a cost within each target gap of the reference; inf if never."""
    runs, found = row.runs, []
    limits = 1.0 + np.array(runs.protocol.targets) + RELATIVE_TOLERANCE
    for n in row.where:
        trace, reference = runs["trace"][n], runs.reference[runs.instance[n]]
        if not runs.verified[n] or not len(trace):
            found.append(np.full(len(limits), math.inf))
            continue
        # Costs fall along a trace: the first at or below a limit is found from its end.
        place = len(trace) - np.searchsorted(trace[::-1, 1], reference * limits, side="right")
        found.append(np.append(trace[:, 0], math.inf)[place])
    return np.concatenate(found) if found else np.array([])


def cost_at(runs: Runs, seconds: float) -> Array:
    """Return the best cost of each run after so many seconds [R]; that of caching nothing without one."""
    found = runs.fallback[runs.instance].copy()
    for n in np.flatnonzero(runs.verified):
        trace = runs["trace"][n]
        place = int(np.searchsorted(trace[:, 0], seconds, side="right"))
        if place:
            found[n] = min(float(trace[place - 1, 1]), found[n])
    return found


def outcomes(table: Table) -> ChartRows:
    """Return how many runs of each row ended how; nothing if all were verified."""
    if all(row.verified == row.count for row in table.rows):
        return []
    return [
        {"solver": row.solver, "outcome": kind, "runs": n}
        for row in table.rows
        for kind, n in row.outcomes.items()
    ]


def break_even(table: Table) -> ChartRows:
    """Return seconds, training included, against the number of instances answered in one process.

    n answers take n arithmetic means of the time in solve; loading is paid once. Only if a row is trained.
    """
    found = [(row, _spent(row)) for row in with_gap(table)]
    timed = [(row, *spent) for row, spent in found if spent is not None]
    trained = [one for one in timed if one[1] > 0.0]
    if not trained:
        return []
    return [
        {"solver": row.solver, "instances": n, "seconds": _rounded(training + loading + n * each)}
        for row, training, loading, each in timed[:MOST_SOLVERS]
        for n in (10**power for power in range(7))
    ]


def _spent(row: Row) -> tuple[float, float, float] | None:
    """Seconds of training, of loading, and of one answer."""
    each = row.mean(row.runs.charged_s("solve_s"))
    whole = row.mean(row.runs.charged_s("answer_s"))
    if each is None or whole is None:
        return None
    training = row.entry.manifest.training_s if row.entry else None
    return training or 0.0, whole - each, each


def _steps(values: Array, count: int, first: float, last: float) -> Iterator[tuple[float, float]]:
    """Yield every step of the share of `count` that is at or below x, from `first` to `last`."""
    finite = np.sort(values[np.isfinite(values)])
    places, number = np.unique(finite, return_counts=True)
    shares = np.cumsum(number) / count
    before = shares[places <= first]
    yield first, float(before[-1]) if len(before) else 0.0
    for x, share in zip(places.tolist(), shares.tolist(), strict=True):
        if first < x < last:
            yield x, share
    within = shares[places <= last]
    yield last, float(within[-1]) if len(within) else 0.0


def _coarse(values: Array) -> Array:
    """Round times up to three digits, a twentieth of a pixel: steps that nobody could see apart are one."""
    finite = np.isfinite(values) & (values > 0)
    scale = 10.0 ** (_TIME_DIGITS - 1 - np.floor(np.log10(np.where(finite, values, 1.0))))
    return np.where(finite, np.ceil(np.where(finite, values, 1.0) * scale) / scale, values)


def _rounded(value: float) -> float:
    """Six digits are more than a chart shows, and keep pages small; what rounding left of zero is zero."""
    if not math.isfinite(value):
        return value
    return 0.0 if abs(value) < _ROUNDING else float(f"{value:.6g}")


def stability(table: Table) -> list[tuple[str, Sequence[str], list[list[float | None]]]]:
    """Return mean gaps of the rows by time limit, number of users and library: points, no ranges.

    Returns:
        Title, names of the columns, and the gaps [rows with a gap, columns].
    """
    runs, rows = table.runs, with_gap(table)
    if runs.suite is None or not rows:
        return []
    limits = [s for s in (1e-3, 1e-2, 1e-1, 1.0, 10.0) if s < (runs.protocol.wall_s or math.inf)]
    if runs.protocol.wall_s is not None:
        limits.append(runs.protocol.wall_s)
    reference = runs.reference[runs.instance]
    at = [runs.means((cost_at(runs, s) - reference) / reference).mean(axis=1) for s in limits]
    users = [(f"N = {n}", part.gaps.mean(axis=1)) for n, part in by_number_of_users(runs)]
    libraries = np.array(runs.libraries())
    parts = [
        (f"library {n}", runs.gaps[:, libraries == n].mean(axis=1)) for n in sorted(set(libraries.tolist()))
    ]
    names = [f"{s * 1e3:g} ms" if s < 1 else f"{s:g} s" for s in limits]
    tables = {"time limit": list(zip(names, at, strict=True)), "number of users": users, "library": parts}
    return [
        (f"Mean gap by {title}", [name for name, _ in columns],
         [[_finite(values[row.number]) for _, values in columns] for row in rows])
        for title, columns in tables.items()
        if len(columns) > 1
    ]  # fmt: skip


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
