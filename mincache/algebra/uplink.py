"""The uplink in linear terms: the upload delay is convex in the bandwidth share, so tangents lie below it.

Bandwidth is decided apart from cache and steps, and at the optimal split every user's delay has the same
slope. A model with the tangents at that split has therefore the true optimum: nothing is lost by tangents.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from mincache.exact.bandwidth import optimal_bandwidth
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import uplink_snr, upload_s

_NEAR = 1e-3
_FLOOR = 0.01


def upload_expression(input_bits: float, uplink_hz: float, snr: float, share: Any, log: Any) -> Any:
    """Return the radio part of the upload delay (4) as an expression of a share that is a variable.

    The rate is (2), W b log2(1 + k / b), as in `equations.uplink_rate_bps`, whose arrays a modelling
    language does not take.

    Args:
        input_bits: d, data to upload, in bit.
        uplink_hz: W, in Hz.
        snr: k, the signal-to-noise ratio over the whole band.
        share: b, the variable.
        log: the modelling language's natural logarithm.
    """
    return (input_bits * math.log(2.0) / uplink_hz) / (share * log(1.0 + snr / share))


def share_floor(instance: Instance) -> Array:
    """Return the bandwidth share that models keep each user above: a hundredth of the optimal one, [T, N]."""
    return _FLOOR * optimal_bandwidth(instance)


def shares_near_optimum(instance: Instance) -> Array:
    """Return where three tangents a user touch: at the optimal split and 0.1 % to both sides, [T, N, 3].

    The outer two keep a solver's split, which is free to move along a tangent, near the optimal one.
    """
    shares = optimal_bandwidth(instance)[..., None] * np.array([1.0 - _NEAR, 1.0, 1.0 + _NEAR])
    return np.asarray(np.minimum(shares, 1.0))


class Tangents(NamedTuple):
    """Tangents of the upload delay: offset_s + slope_s b never exceeds it, for it is convex in b."""

    slope_s: Array  # [T, N, K], in s
    offset_s: Array  # [T, N, K], value at share 0, in s

    @classmethod
    def at(cls, instance: Instance, share: Array) -> Tangents:
        """Return the tangents that touch at bandwidth shares [T, N, K] > 0.

        With e(b) = b log2(1 + k/b) of (2), the delay d / (W e) has the derivative -(d / (W e)) e' / e,
        where e' ln 2 = log(1 + k/b) - k / (b + k).
        """
        snr, delay_s = uplink_snr(instance)[..., None], upload_s(instance, share)
        log = np.log1p(snr / share)
        slope_s = -delay_s * (log - snr / (share + snr)) / (share * log)
        return cls(slope_s, delay_s - slope_s * share)
