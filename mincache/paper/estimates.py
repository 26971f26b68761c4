"""Estimates with 95 % intervals: libraries are what is drawn again.

Traces, repetitions and training seeds vary inside a library, and no two libraries share any, so the means
of libraries are independent draws that hold all of this variation; resampling them alone therefore
covers it all (Davison and Hinkley, Bootstrap Methods and their Application, 1997, Section 3.8). With few
libraries a percentile interval is too narrow (84 % instead of 95 % with five), and so is widened as
Hesterberg proposes (What Teachers Should Know About the Bootstrap, 2015, doi:10.1080/00031305.2015.1089789).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mincache.board.statistics import bootstrap_means, interval
from mincache.generation.streams import Uniforms
from mincache.problem.quantity import Array

RESAMPLES = 10_000
_TAIL = 0.025


class Estimate(NamedTuple):
    """A number and its 95 % interval.

    Attributes:
        value: the number.
        low: lower end.
        high: upper end.
    """

    value: float
    low: float
    high: float

    def fields(self, name: str) -> dict[str, float]:
        """Return the estimate as three fields of a row: `name`, `name`_low and `name`_high."""
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}


def estimate(function: Callable[..., Array], *samples: Array) -> Estimate:
    """Return `function` of the means of samples, with its expanded percentile interval.

    Args:
        function: of as many arrays as there are samples, elementwise.
        samples: each [libraries], the same libraries in the same order: a resample draws the same
            libraries for all of them.
    """
    value = float(function(*(np.mean(sample) for sample in samples)))
    return Estimate(value, *interval(function(*map(_resampled, samples)), _level(len(samples[0]))))


def _resampled(sample: Array) -> Array:
    # A stream of the same name each time, so that samples are resampled alike.
    return bootstrap_means([sample], RESAMPLES, Uniforms(0, "libraries", len(sample)).draw)


def _level(count: int) -> float:
    """Return the share of resamples that covers 95 %: more of them the fewer libraries there are."""
    from scipy import stats

    if count < 2:
        return 1.0
    normal = math.sqrt(count / (count - 1)) * stats.t.isf(_TAIL, count - 1)
    return float(1.0 - 2.0 * stats.norm.sf(normal))
