"""The optimal uplink split: bandwidth shares the slot's cost through the upload delay alone.

A slot's shares minimise the sum of d_n / (W b_n log2(1 + s_n / b_n)) over shares that sum to 1, where s_n is
the user's signal-to-noise ratio over the whole band. Each term is convex in b_n, so every user's marginal
delay is the same at the optimum. With u = s / b, L = ln(1 + u) and v = u / (1 + u), and c the same for all,

    b = sqrt(d (L - v)) / L / c.

The right side's elasticity e = v / L - v^2 / (L - v) / 2 lies in [0, 0.104). So the plain iteration contracts
nearly tenfold a round, and dividing its logarithmic step by 1 - e makes it Newton's method.
"""

import numpy as np

from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import uplink_snr, upload_s

_PLAIN_ROUNDS = 2  # cheaper than one of Newton, and all it takes for two of these to be enough
_ROUNDS = 60
_LARGEST, _SMALLEST = 1e140, 1e-140  # no product of two is beyond float64
_NEWTON_WITHIN = 0.6  # step up to which Newton is trusted
_SETTLED = 2e-6  # length of a step after which Newton is off by less than a quarter of its square
_SERIES_BELOW = 1e-3
_ROUNDING = 16 * np.finfo(np.float64).eps  # of a sum of shares, whoever adds them up


def optimal_bandwidth(instance: Instance) -> Array:
    """Return the shares of the uplink that minimise the cost of every slot, [T, N]; they sum to 1 at most."""
    return optimal_shares(instance.trace.input_bits, uplink_snr(instance))


def marginal_delay_s(instance: Instance, bandwidth_share: Array) -> Array:
    """Return the seconds of upload that each user would save by more bandwidth, per unit of share: [T, N]."""
    log, _, root = _logarithms(uplink_snr(instance) / bandwidth_share, weak=True)
    return np.asarray(upload_s(instance, bandwidth_share) * root * root / (log * bandwidth_share))


@np.errstate(over="ignore", under="ignore", invalid="ignore")
def optimal_shares(bits: Array, full_band_snr: Array) -> Array:
    """Return the optimal shares of users (last axis), who have bits to send at a signal-to-noise ratio."""
    snr = np.fmin(np.fmax(full_band_snr, _SMALLEST), _LARGEST)
    root_bits = np.sqrt(np.fmax(bits / bits.max(), _SMALLEST))
    weak = bool((snr < _SERIES_BELOW).any())
    share = np.full(snr.shape, 1.0 / snr.shape[-1])
    for _ in range(_PLAIN_ROUNDS):
        log, _, root = _logarithms(snr / share, weak)
        share = _normalised(root_bits * root / log)
    for _ in range(_ROUNDS):
        share, step = _improved(share, snr, root_bits, weak)
        if step < _SETTLED:
            break
    return np.asarray(share * ((1.0 - _ROUNDING) / share.sum(axis=-1, keepdims=True)))


def _improved(share: Array, snr: Array, root_bits: Array, weak: bool) -> tuple[Array, float]:
    """Return shares nearer to the optimum, and the length of the relative step that led there."""
    log, v, root = _logarithms(snr / share, weak)
    fixed = root_bits * root / log
    ratio = fixed / (share * _sum(fixed))
    step = (ratio - 1.0) / (ratio + 1.0)
    length = float(np.sqrt(np.vdot(step, step)))
    if length > _NEWTON_WITHIN and float(np.abs(step).max()) > _NEWTON_WITHIN:
        return _normalised(share * ratio), length
    # Twice (r - 1) / (r + 1) is the logarithm of r to third order, and (1 + s) / (1 - s) its inverse.
    gain = 1.0 / (1.0 - v / log + 0.5 * (v / root) ** 2)
    weight = share * gain
    step = gain * (step - _sum(weight * step) / _sum(weight))
    return _normalised(share * (1.0 + step) / (1.0 - step)), length


def _normalised(share: Array) -> Array:
    return np.asarray(share / _sum(share))


def _sum(values: Array) -> Array:
    return np.asarray(np.einsum("...n->...", values)[..., None])  # faster than `sum` on short rows


def _logarithms(u: Array, weak: bool) -> tuple[Array, Array, Array]:
    """Return L = ln(1 + u), v = u / (1 + u) and the root of L - v, by its series where it cancels."""
    log, v = np.log1p(u), u / (1.0 + u)
    if not weak:
        return log, v, np.sqrt(log - v)
    x = np.minimum(u, _SERIES_BELOW)
    series = x * np.sqrt(1 / 2 + x * (-2 / 3 + x * (3 / 4 + x * (-4 / 5 + x * (5 / 6)))))
    return log, v, np.asarray(np.where(u < _SERIES_BELOW, series, np.sqrt(np.maximum(log - v, 0.0))))
