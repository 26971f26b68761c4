"""The numbers behind the charts: lists of flat rows, a chart each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from mincache.board.contenders import Contender
from mincache.board.references import verified_cost
from mincache.board.standing import Standing
from mincache.board.statistics import ecdf, performance_profile
from mincache.board.table import Row, Table
from mincache.board.times import limit, reached_s

ChartRows = list[dict[str, Any]]

MOST_SOLVERS = 12
"""A chart of lines shows so many, the first of the table: of more no reader could tell them apart."""
MOST_ROWS = 30
"""A chart with a row a solver shows so many, a page of them."""
_MOST_TICKS = 61
_CURVE_POINTS = 50
_ROUNDING = 1e-9


def with_gap(table: Table) -> list[Row]:
    """Return the rows that have a mean gap, in the table's order."""
    return [row for row in table.rows if row.gap is not None]


def gaps(table: Table) -> ChartRows:
    """Return the gap in % on each common instance (of very many, percentiles), and the mean of each row."""
    found: ChartRows = []
    for row in with_gap(table)[:MOST_ROWS]:
        values = np.array(table.standing.gaps(row.who, row.good))
        if len(values) > _MOST_TICKS:
            values = np.quantile(values, np.linspace(0, 1, _MOST_TICKS))
        found += [{"solver": row.solver, "gap": _rounded(100 * gap)} for gap in values.tolist()]
        found.append({"solver": row.solver, "mean": _rounded(100 * (row.gap or 0.0))})
    return found


def profile(table: Table) -> ChartRows:
    """Return the performance profile of the costs: share of instances within each ratio of the best."""
    rows = with_gap(table)[:MOST_SOLVERS]
    if not rows:
        return []
    costs = np.array([[table.standing.costs[row.who][name] for name in row.good] for row in rows])
    excess = np.unique(np.append(costs / costs.min(axis=0) - 1.0, 0.0))
    if len(excess) > _MOST_TICKS:
        excess = np.quantile(excess, np.linspace(0, 1, _MOST_TICKS))
    shares = performance_profile(costs, 1.0 + excess)
    return [
        {"solver": row.solver, "excess": _rounded(100 * x), "share": _rounded(share)}
        for row, line in zip(rows, shares.tolist(), strict=True)
        for x, share in _corners(excess.tolist(), line)
    ]


def tradeoff(table: Table) -> ChartRows:
    """Return the mean gap in % and the mean solve time of each row."""
    policy = table.standing.protocol.failure_policy
    found = [
        {"solver": row.solver, "gap": _rounded(100 * row.gap), "seconds": _rounded(row.mean_solve_s[policy])}
        for row in table.rows
        if row.gap is not None and policy in row.mean_solve_s
    ]
    return found[:MOST_SOLVERS]


def by_users(table: Table) -> ChartRows:
    """Return the mean gap in % of each row for each number of users; nothing if the suite is not at hand."""
    standing = table.standing
    if standing.suite is None:
        return []
    groups: dict[int, list[str]] = {}
    for name in standing.common:
        groups.setdefault(standing.suite.entries[name].users, []).append(name)
    return [
        {
            "solver": row.solver,
            "users": users,
            "gap": _rounded(100 * fmean(standing.gaps(row.who, names) or [0.0])),
        }
        for row in with_gap(table)[:MOST_SOLVERS]
        for users, names in sorted(groups.items())
    ]


def anytime(table: Table) -> ChartRows:
    """Return the share of (run, target gap) pairs that each row has reached by each time."""
    found: ChartRows = []
    for row in with_gap(table)[:MOST_SOLVERS]:
        reached = np.array([list(_reached(table.standing, row.who))])
        times = _times(table.standing, reached)
        shares = ecdf(reached, times)[0].tolist()
        found += [
            {"solver": row.solver, "seconds": _rounded(seconds), "share": _rounded(share)}
            for seconds, share in _corners(times.tolist(), shares)
        ]
    return found


def faults(table: Table) -> ChartRows:
    """Return how many runs of each row ended how: verified, declined, or a kind of failure."""
    found: ChartRows = []
    for row in table.rows:
        kinds = {
            "verified": len(row.attempted) - sum(row.failures.values()),
            "declined": len(row.every) - len(row.attempted),
            **row.failures,
        }
        found += [{"solver": row.solver, "outcome": kind, "runs": n} for kind, n in kinds.items() if n]
    return found


def break_even(table: Table, training_s: Mapping[str, float]) -> ChartRows:
    """Return seconds, training included, against the number of instances solved; only if one is trained."""
    policy = table.standing.protocol.failure_policy
    timed = [row for row in table.rows if policy in row.mean_solve_s]
    trained = [row for row in timed if training_s.get(row.solver)]
    if not trained:
        return []
    shown = [row for row in timed if row in trained or row in timed[:MOST_SOLVERS]]
    return [
        {
            "solver": row.solver,
            "instances": count,
            "seconds": _rounded(training_s.get(row.solver, 0.0) + count * row.mean_solve_s[policy]),
        }
        for row in shown
        for count in (10**n for n in range(7))
    ]


def _reached(standing: Standing, who: Contender) -> Iterator[float]:
    targets = standing.protocol.targets
    for name in standing.common:
        for record in standing.results[who][name]:
            counts = verified_cost(record) is not None
            yield from reached_s(record.trace if counts else (), standing.references[name], targets)


def _times(standing: Standing, reached: Any) -> Any:
    finite = reached[np.isfinite(reached)]
    horizon = limit(standing, reached) or 1.0
    earliest = max(float(finite.min()), 1e-6) if finite.size else horizon / 10
    return np.geomspace(min(earliest, horizon) / 2, horizon, _CURVE_POINTS)


def _corners(along: Sequence[float], values: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Yield the points of a line of steps at which it begins, changes or ends: the others show nothing."""
    last = len(values) - 1
    for n, (x, value) in enumerate(zip(along, values, strict=True)):
        if n in (0, last) or value != values[n - 1]:
            yield x, value


def _rounded(value: float) -> float:
    """Six digits are more than a chart shows, and keep pages small; what rounding left of zero is zero."""
    if not math.isfinite(value):
        return value
    return 0.0 if abs(value) < _ROUNDING else float(f"{value:.6g}")
