"""Times of a standing as a matrix, and their means under each failure policy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import get_args

import numpy as np

from mincache.bench.records import Record
from mincache.board.contenders import Contender
from mincache.board.references import verified_cost
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
