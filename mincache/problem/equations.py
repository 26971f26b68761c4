"""Equations (1)-(10) of Liu et al., a function each, and nowhere else in the project; and two beyond them.

Arguments broadcast, numpy arrays and torch tensors alike, so gradients flow. SI units. `hit` is boolean.
"""

import math
from functools import cache
from typing import Any

import numpy as np

Values = Any
"""A numpy array, a torch tensor, or (except as the first argument) a float."""

_LN2 = math.log(2.0)


def _namespace(array: Values) -> Any:
    """Return the module (numpy or torch) whose functions work on `array`."""
    if isinstance(array, np.ndarray | np.generic):
        return np
    import torch  # only a tensor comes here, so torch is loaded already

    return torch


@cache
def _largest(xp: Any, dtype: Any) -> float:
    return float(xp.finfo(dtype).max)


def _clipped(values: Values, low: float, high: float) -> Values:
    """Return values no lower and no higher; on short numpy arrays faster than their method `clip`."""
    xp = _namespace(values)
    if hasattr(values, "clamp"):
        return values.clamp(low, high)
    return xp.minimum(xp.maximum(values, low), high)


def zipf_probability(rank: Values, skewness: Values, ranks: int) -> Values:
    """(1): probability that a request is for the model of popularity `rank` (1..ranks, float dtype)."""
    normaliser = sum((i ** (-skewness) for i in range(1, ranks + 1)), start=0.0)
    return rank ** (-skewness) / normaliser


def spectral_efficiency(share: Values, full_band_snr: Values) -> Values:
    """Share * log2(1 + snr / share), the core of (2) and (5), in bit/s per Hz of the band; 0 at share 0."""
    xp = _namespace(share)
    positive = xp.where(share == 0.0, 1.0, share)
    snr = full_band_snr / positive
    # At a share near 1e-308 it overflows, and an infinite rate would be better than the whole band's.
    largest = _largest(xp, snr.dtype)
    snr = snr.clamp(max=largest) if hasattr(snr, "clamp") else xp.minimum(snr, largest)
    return share * xp.log1p(snr) / _LN2 + 0.0  # a share of -0.0 has the rate 0.0, not -0.0


def signal_to_noise(power_w: Values, gain: Values, noise_w_per_hz: Values, band_hz: Values) -> Values:
    """Signal-to-noise ratio over the whole band: p h / (U0 W), as inside (2) and (5)."""
    return power_w * gain / (noise_w_per_hz * band_hz)


def uplink_rate_bps(bandwidth_share: Values, full_band_snr: Values, uplink_hz: Values) -> Values:
    """(2): uplink rate of a user with `bandwidth_share` of the band; 0 without any."""
    return uplink_hz * spectral_efficiency(bandwidth_share, full_band_snr)


def path_loss_db(distance_km: Values, at_1_km_db: float = -128.1, decade_db: float = 37.6) -> Values:
    """(3): path loss in dB (negative), from that at one kilometre and what ten times the distance adds."""
    return at_1_km_db - decade_db * _namespace(distance_km).log10(distance_km)


def transmission_delay_s(bits: Values, rate_bps: Values) -> Values:
    """First term of (4) and (6): seconds to send `bits`, infinite at rate 0."""
    return bits / rate_bps


def backhaul_delay_s(hit: Values, bits: Values, rate_bps: Values) -> Values:
    """Second term of (4) and (6): seconds on the backhaul, which only a miss crosses."""
    return _namespace(hit).where(hit, 0.0, bits / rate_bps)


def downlink_rate_bps(full_band_snr: Values, downlink_hz: Values) -> Values:
    """(5): downlink rate; the band is not shared, and N0 is U0."""
    return downlink_hz * _namespace(full_band_snr).log1p(full_band_snr) / _LN2


def total_variation(
    hit: Values, steps: Values, onset: Values, saturation: Values, worst: Values, best: Values
) -> Values:
    """(7): total variation, lower is better: `worst` up to A1 steps, `best` from A3 on and of a miss."""
    xp = _namespace(steps)
    missing_quality = _clipped((saturation - steps) / (saturation - onset), 0.0, 1.0)
    return best + xp.where(hit, (worst - best) * missing_quality, 0.0)


def generation_delay_s(
    hit: Values, steps: Values, saturation: Values, seconds_per_step: Values, seconds_base: Values
) -> Values:
    """(8): seconds to generate; the edge takes the steps given, also beyond A3, the cloud exactly A3."""
    used = _namespace(steps).where(hit, steps, saturation)
    return seconds_per_step * used + seconds_base


def least_steps(onset: Values, saturation: Values, floor: float) -> Values:
    """Beyond the paper: steps that a hit gets at least, as the rule `steps_floor` says; 0 at floor 0."""
    return onset + floor * (saturation - onset) if floor > 0.0 else 0.0 * saturation


def loading_delay_s(loaded: Values, size_gb: Values, seconds_per_gb: float) -> Values:
    """Beyond the paper: seconds that a hit waits for its model where that is `loaded` in this very slot."""
    return _namespace(loaded).where(loaded, seconds_per_gb * size_gb, 0.0)


def total_delay_s(upload_s: Values, download_s: Values, generation_s: Values) -> Values:
    """(9): seconds from request to image."""
    return upload_s + download_s + generation_s


def cost(preference_weight: Values, delay_s: Values, total_variation: Values) -> Values:
    """(10): the weighted sum G of delay and TV. The paper says utility; lower is better, so a cost."""
    return preference_weight * delay_s + (1.0 - preference_weight) * total_variation
