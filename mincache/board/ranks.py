"""Ranks as ranges: what the seeds leave open about the order of the solvers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mincache.board.contenders import Contender
from mincache.board.results import Runs, repetition
from mincache.board.standing import Standing
from mincache.board.statistics import bootstrap_means, interval, rank_ranges
from mincache.generation.streams import Uniforms
from mincache.problem.quantity import Array

GAP_DIGITS = 9
"""Gaps that agree to so many decimals are the same; see `references.RELATIVE_TOLERANCE`."""

TOO_FEW_SEEDS = "too few seeds to rank"


@dataclass(frozen=True)
class Rank:
    """What the resamples say of one contender.

    Attributes:
        gap: interval of its mean gap.
        ranks: best and worst rank in the same share of the resamples, from 1.
    """

    gap: tuple[float, float]
    ranks: tuple[int, int]


def ranks(standing: Standing) -> dict[Contender, Rank]:
    """Return the rank of each contender that has means and, if it is stochastic, seeds enough."""
    draws = {
        who: _draws(standing, who)
        for who in standing.results
        if who not in standing.apart
        and standing.gaps(who, standing.common)
        and not too_few_seeds(standing, who)
    }
    if not draws:
        return {}
    level = standing.protocol.level
    # Costs that differ by rounding alone share a rank.
    ranges = rank_ranges(np.stack(list(draws.values())).round(GAP_DIGITS), level)
    return {
        who: Rank(interval(drawn, level), held)
        for (who, drawn), held in zip(draws.items(), ranges, strict=True)
    }


def too_few_seeds(standing: Standing, who: Contender) -> bool:
    """Return whether a stochastic contender has fewer verified runs of an instance than the protocol asks."""
    runs, verified = standing.results[who], standing.verified[who]
    fewest = min((len(verified.get(name, ())) for name in standing.common if name in runs), default=0)
    return is_stochastic(runs) and fewest < standing.protocol.seeds


def is_stochastic(runs: Runs) -> bool:
    """Return whether a contender is stochastic: its records say so, or it was run more than once."""
    records = [record for listed in runs.values() for record in listed]
    if any(record.environment.get("stochastic") is True for record in records):
        return True
    return len(set(map(repetition, records))) > 1


def _draws(standing: Standing, who: Contender) -> Array:
    protocol = standing.protocol
    stream = Uniforms(protocol.bootstrap_seed, "bootstrap", standing.name, standing.labels[who])
    samples = [_widened(standing.run_gaps(who, name)) for name in standing.common]
    return bootstrap_means(samples, protocol.resamples, stream.draw)


def _widened(runs: Array) -> Array:
    """Return runs [K] moved away from their mean until resamples vary as much as new runs would.

    The variance of resamples is (K - 1) / K of that; with 10 runs an interval of 95 % would cover 93 %.
    """
    mean = runs.mean()
    return np.asarray(mean + (runs - mean) * math.sqrt(len(runs) / max(1, len(runs) - 1)))
