"""What is known of an instance's requests before anything is decided; what overflows is infinite."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mincache.problem import equations
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array

_quietly = np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore")


def demand(instance: Instance) -> Array:
    """Return how many users ask for each model in each slot, int64 [T, M]."""
    T, M = instance.slot_count, instance.model_count
    cell = instance.trace.requested_model + M * np.arange(T)[:, None]
    return np.bincount(cell.ravel(), minlength=T * M).reshape(T, M)


def least_steps(instance: Instance) -> Array:
    """Return the steps that a hit on each model gets at least, [M]; 0 without a floor."""
    models, floor = instance.models, instance.rules.steps_floor
    return np.asarray(equations.least_steps(models.steps_onset, models.steps_saturation, floor))


@_quietly
def uplink_snr(instance: Instance) -> Array:
    """Return each user's uplink signal-to-noise ratio over the whole band: k in log2(1 + k / b), [T, N]."""
    radio, gain = instance.radio, instance.trace.channel_gain
    snr = equations.signal_to_noise(radio.user_power_w, gain, radio.noise_w_per_hz, radio.uplink_hz)
    return np.asarray(snr)


@_quietly
def upload_s(instance: Instance, bandwidth_share: Array) -> Array:
    """Return the radio part of the upload delay (4), in s, at shares [T, N] with any further axes."""
    axes = (*instance.trace.input_bits.shape, *(1,) * (bandwidth_share.ndim - 2))
    snr, bits = uplink_snr(instance).reshape(axes), instance.trace.input_bits.reshape(axes)
    rate = equations.uplink_rate_bps(bandwidth_share, snr, instance.radio.uplink_hz)
    return np.asarray(equations.transmission_delay_s(bits, rate))


class Delays(NamedTuple):
    """Seconds of transmission that no decision changes, each [T, N]."""

    downlink_s: Array  # radio part of (6), of every request
    backhaul_up_s: Array  # backhaul part of (4), of a miss
    backhaul_down_s: Array  # backhaul part of (6), of a miss

    @classmethod
    @_quietly
    def of(cls, instance: Instance) -> Delays:
        """Return the delays of all requests of `instance`."""
        radio, trace, miss = instance.radio, instance.trace, np.False_
        output_bits = instance.models.output_bits.take(trace.requested_model)
        snr = equations.signal_to_noise(
            radio.bs_power_w, trace.channel_gain, radio.noise_w_per_hz, radio.downlink_hz
        )
        downlink_bps = equations.downlink_rate_bps(snr, radio.downlink_hz)
        return cls(
            equations.transmission_delay_s(output_bits, downlink_bps),
            equations.backhaul_delay_s(miss, trace.input_bits, radio.backhaul_up_bps),
            equations.backhaul_delay_s(miss, output_bits, radio.backhaul_down_bps),
        )
