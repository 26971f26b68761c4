"""Times of runs: means under each failure policy, when targets were reached, and primal integrals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import fmean, median
from typing import get_args

import numpy as np

from mincache.bench.records import Record, TracePoint
from mincache.bench.trace import primal_integral
from mincache.board.contenders import Contender
from mincache.board.references import RELATIVE_TOLERANCE, Reference, verified_cost
from mincache.board.standing import Standing
from mincache.board.statistics import FailurePolicy, shifted_geometric_mean, with_failures
from mincache.problem.quantity import Array

POLICIES: tuple[FailurePolicy, ...] = get_args(FailurePolicy)


def mean_solve_s(standing: Standing) -> dict[Contender, dict[str, float]]:
    """Return the shifted geometric mean of each ranked contender's solve time under each failure policy.

    Over the instances that all ranked contenders have attempted; without one there are no means.
    """
    ranked = [who for who in standing.results if who not in standing.apart]
    instances = _attempted(standing, ranked)
    if not instances:
        return {}
    times = np.array([[instance_s(standing.results[who][name]) for name in instances] for who in ranked])
    limit_s, protocol = limit(standing, times), standing.protocol
    means: dict[Contender, dict[str, float]] = {who: {} for who in ranked}
    for policy in POLICIES:
        counted = with_failures(times, policy, limit_s, protocol.penalty)
        if counted.shape[1]:
            found = shifted_geometric_mean(counted, protocol.time_shift_s).tolist()
            for who, mean in zip(ranked, found, strict=True):
                means[who][policy] = mean
    return means


def instance_s(records: Sequence[Record]) -> float:
    """Return the median solve time of the runs of an instance, a failed run being inf."""
    return median([_solve_s(record) for record in records if record.verdict != "skipped"])


def limit(standing: Standing, times_s: Array) -> float:
    """Return the time limit of the runs; without one the longest time of all."""
    limits = [who.wall_s for who in standing.results if who.wall_s is not None]
    finite = times_s[np.isfinite(times_s)]
    longest = float(finite.max()) if finite.size else 0.0
    return standing.protocol.wall_s or max(limits, default=longest)


def _solve_s(record: Record) -> float:
    if verified_cost(record) is None or record.solve_s is None:
        return math.inf
    return record.solve_s


def _attempted(standing: Standing, ranked: Sequence[Contender]) -> list[str]:
    def tried(who: Contender, name: str) -> bool:
        return any(record.verdict != "skipped" for record in standing.results[who].get(name, ()))

    return [name for name in standing.instances if ranked and all(tried(who, name) for who in ranked)]


def reached_s(trace: Sequence[TracePoint], reference: Reference, targets: Sequence[float]) -> list[float]:
    """Return when in s a run first had a cost within each target gap of the reference; inf if never."""
    limits = [reference.cost * (1.0 + target + RELATIVE_TOLERANCE) for target in targets]
    known = [(point.seconds, point.cost) for point in trace if point.cost is not None]
    return [next((seconds for seconds, cost in known if cost <= limit), math.inf) for limit in limits]


def mean_primal_integral_s(records: Iterable[Record], reference: Reference, horizon_s: float) -> float | None:
    """Return the mean primal integral in s of runs to one reference and horizon; None without runs.

    The integral in a record refers to what was best known when it was run; this one is comparable.
    """
    areas = [primal_integral(record.trace, reference.cost, horizon_s) for record in records]
    known = [area for area in areas if area is not None]
    return fmean(known) if known else None
