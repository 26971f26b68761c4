"""What runs had reached when: from the traces of records to targets, integrals and mean curves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from mincache.bench.records import Record, TracePoint
from mincache.bench.trace import primal_integral
from mincache.board.references import RELATIVE_TOLERANCE, Reference
from mincache.problem.quantity import Array


def reached_s(trace: Sequence[TracePoint], reference: Reference, targets: Sequence[float]) -> list[float]:
    """Return when a run first had a cost within each target gap of the reference; inf if never."""
    limits = [reference.cost * (1.0 + target + RELATIVE_TOLERANCE) for target in targets]
    return [_first(trace, limit) for limit in limits]


def _first(trace: Sequence[TracePoint], limit: float) -> float:
    times = (point.seconds for point in trace if point.cost is not None and point.cost <= limit)
    return next(times, math.inf)


def mean_primal_integral_s(records: Iterable[Record], reference: Reference, horizon_s: float) -> float | None:
    """Return the mean primal integral of runs to one reference and horizon; None without runs.

    The integral in a record refers to what was best known when it was run; this one is comparable.
    """
    areas = [primal_integral(record.trace, reference.cost, horizon_s) for record in records]
    known = [area for area in areas if area is not None]
    return sum(known) / len(known) if known else None


def gap_curve(trace: Sequence[TracePoint], reference: Reference, times_s: Array) -> Array:
    """Return the gap of the incumbent at each time [K]; nan before there is one."""
    points = [(point.seconds, point.cost) for point in trace if point.cost is not None]
    if not points:
        return np.full(len(times_s), np.nan)
    seconds, costs = np.array(points).T
    index = np.searchsorted(seconds, times_s, side="right") - 1
    return np.where(index < 0, np.nan, costs[np.maximum(index, 0)] / reference.cost - 1.0)
