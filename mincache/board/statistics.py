"""Statistics of a comparison, on plain arrays: S solvers (rows) on I common instances (columns).

Costs and times are lower-is-better; inf stands for a failure. A third solver can change the order that a
performance profile shows of two others: the profile of two rows alone is their pairwise one. The shift of a
geometric mean can change its order, so it is stated wherever the mean is shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from mincache.board.references import RELATIVE_TOLERANCE
from mincache.problem.quantity import Array

FailurePolicy = Literal["penalised", "common", "worst"]
"""What the time of a failed run counts as: a multiple of the limit; nothing, its instance being left out
for every solver; or the longest time that any solver took on the instance, the limit if all failed."""

UniformSource = Callable[..., Array]
"""Draws an array of uniforms in (0, 1) of the shape given."""
_WEIGHTS_AT_ONCE = 1 << 21
"""Of the bootstrap: a few arrays of 16 MB, however many the runs of an instance."""


def shifted_geometric_mean(values: Array, shift: float) -> Array:
    """Return the geometric mean of values + shift, less the shift, over the last axis.

    Args:
        values: [..., I], >= 0.
        shift: > 0, in the values' unit; large against it the mean is nearly arithmetic.
    """
    return np.asarray(np.exp(np.log(values + shift).mean(axis=-1)) - shift)


def with_failures(times_s: Array, policy: FailurePolicy, limit_s: float, penalty: float = 10.0) -> Array:
    """Return times [S, K] without failures, under a policy; K < I where instances are left out.

    Args:
        times_s: [S, I], inf where a solver failed.
        policy: what a failure counts as.
        limit_s: time limit of the runs.
        penalty: what a failure costs under `penalised`, in limits.
    """
    failed = np.isinf(times_s)
    if policy == "common":
        return np.asarray(times_s[:, ~failed.any(axis=0)])
    if policy == "penalised":
        return np.where(failed, penalty * limit_s, times_s)
    longest = np.max(times_s, axis=0, where=~failed, initial=-math.inf)
    return np.where(failed, np.where(np.isinf(longest), limit_s, longest), times_s)


def performance_profile(costs: Array, ratios: Array) -> Array:
    """Return the share of instances [S, K] that each solver solves within a ratio of the best of all.

    Args:
        costs: [S, I], >= 0, inf for a failure; where the best is 0, only 0 is within any ratio of it.
        ratios: [K], each >= 1.

    Source: Dolan and More 2002, doi:10.1007/s101070100263.
    """
    best = costs.min(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.where(np.isinf(costs), math.inf, np.where(costs == best, 1.0, costs / best))
    return _shares(relative, ratios * (1.0 + RELATIVE_TOLERANCE))


def ecdf(reached_s: Array, times_s: Array) -> Array:
    """Return the share of targets [S, K] that each solver has reached by each time.

    Args:
        reached_s: [S, P], when each of P (run, target) pairs was reached; inf if never.
        times_s: [K].
    """
    return _shares(reached_s, times_s)


def _shares(values: Array, limits: Array) -> Array:
    ordered = np.sort(values, axis=1)
    counts = [np.searchsorted(row, limits, side="right") for row in ordered]
    return np.asarray(np.stack(counts) / values.shape[1])


class Wins(NamedTuple):
    """Who is better on how many instances.

    Attributes:
        wins: [S, S], on how many the row's solver beats the column's.
        ties: [S, S], on how many they are equal within rounding.
    """

    wins: Array
    ties: Array


def win_matrix(costs: Array) -> Wins:
    """Return how often each solver beats each other one; costs within rounding are a tie.

    Args:
        costs: [S, I], inf for a failure; two failures are a tie.
    """
    mine, other = costs[:, None, :], costs[None, :, :]
    tolerance = RELATIVE_TOLERANCE * np.where(np.isinf(costs), 0.0, np.abs(costs))
    with np.errstate(invalid="ignore"):
        tied = (mine == other) | (np.abs(mine - other) <= np.maximum(tolerance[:, None], tolerance[None]))
    return Wins(((mine < other) & ~tied).sum(axis=-1), tied.sum(axis=-1))


class VirtualBest(NamedTuple):
    """The solver that would pick the best answer of all on each instance.

    Attributes:
        costs: [I].
        contribution: [S], by how much its mean cost would rise without each solver.
        alone: [S], on how many instances each solver is best by more than rounding.
    """

    costs: Array
    contribution: Array
    alone: Array


def virtual_best(costs: Array) -> VirtualBest:
    """Return the virtual best of costs [S, I]; with one solver alone its contribution is inf."""
    best = costs.min(axis=0)
    others = [np.delete(costs, n, axis=0).min(axis=0, initial=math.inf) for n in range(len(costs))]
    with np.errstate(invalid="ignore"):
        loss = [np.where(other == best, 0.0, other - best).mean() for other in others]
    alone = [(best < other * (1.0 - RELATIVE_TOLERANCE)).sum() for other in others]
    return VirtualBest(best, np.array(loss), np.array(alone))


def bootstrap_means(samples: Sequence[Array], resamples: int, uniforms: UniformSource) -> Array:
    """Return means over instances [resamples], the runs of each instance drawn again with replacement.

    Instances are strata: a suite is what it is, only the seeds could have been others. With one run an
    instance nothing varies; with K the variance is (K - 1) / K of what new runs would have.

    Args:
        samples: for each instance the values of its runs.
        resamples: how many means to draw.
        uniforms: source of randomness.
    """
    total = np.zeros(2 * resamples)  # the second half is what was shifted past the end
    by_runs: dict[int, list[tuple[int, Array]]] = {}
    for shift, values in enumerate(samples):
        by_runs.setdefault(len(values), []).append((shift, values))
    for runs, alike in by_runs.items():
        step = max(1, _WEIGHTS_AT_ONCE // runs)
        for start in range(0, resamples, step):
            weights = _bootstrap_weights(min(step, resamples - start), runs, uniforms)
            for shift, values in alike:
                # The columns of weights are independent, so that within a resample an instance's are
                # independent of another's whose columns are shifted against them; drawing anew for each
                # would take I times as long.
                first = start + shift % resamples
                total[first : first + weights.shape[1]] += values @ weights
    return (total[:resamples] + total[resamples:]) / len(samples)


def _bootstrap_weights(resamples: int, runs: int, uniforms: UniformSource) -> Array:
    """Weights [runs, resamples] of the runs in each resample, each column summing to 1."""
    picked = (uniforms(resamples, runs) * runs).astype(np.int64) + runs * np.arange(resamples)[:, None]
    counts = np.bincount(picked.ravel(), minlength=resamples * runs).reshape(resamples, runs)
    return np.ascontiguousarray(counts.T) / runs


def interval(draws: Array, level: float = 0.95) -> tuple[float, float]:
    """Return the central interval that holds `level` of the draws (percentile bootstrap)."""
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def rank_ranges(draws: Array, level: float = 0.95) -> list[tuple[int, int]]:
    """Return the ranks, from 1, that each solver holds in the central `level` of the resamples.

    Args:
        draws: [S, resamples] of means, lower is better; equal ones share the better rank.
        level: share of the resamples.
    """
    tolerance = RELATIVE_TOLERANCE * np.abs(draws)
    ranks = 1 + (draws[None] < (draws - tolerance)[:, None]).sum(axis=1)
    tails = [(1 - level) / 2, (1 + level) / 2]
    low = np.quantile(ranks, tails[0], axis=1, method="lower")
    high = np.quantile(ranks, tails[1], axis=1, method="higher")
    return [(int(a), int(b)) for a, b in zip(low, high, strict=True)]


def wilcoxon(first: Array, second: Array) -> float:
    """Return the two-sided p-value of the signed-rank test of paired values [I]; 1 where all are tied.

    Differences within rounding are ties, ranked and then dropped (Pratt 1959).
    """
    from scipy import stats

    difference = first - second
    difference[np.abs(difference) <= RELATIVE_TOLERANCE * np.maximum(np.abs(first), np.abs(second))] = 0.0
    if not difference.any():
        return 1.0
    return float(stats.wilcoxon(difference, zero_method="pratt").pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number (Holm 1979), in the order given."""
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    rising = np.maximum.accumulate(np.asarray(p_values)[order] * factors)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1.0, rising)
    return [float(p) for p in adjusted]
