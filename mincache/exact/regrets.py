"""What each choice costs above an edge server without limits: all that the search needs of an instance.

At such an edge every request is a hit, and gets either the least steps that it may (none, where no rule
sets a floor) or exactly A3 of them, whichever costs less: between them the cost (10) is concave in the
steps, and beyond A3 it only rises. That ideal is below every solution, so every regret is at least 0, and a
slot's cost is its ideal plus the regrets of

- its requests that go to the cloud: `cloud` each, whatever the steps;
- its cached requests with s steps, where the model is worth improving: `unserved` at the least s, linear to
  `onset` at A1 (or the least s, if that is more), linear to 0 at A3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mincache.problem import equations
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array


@dataclass(frozen=True, eq=False)
class Regrets:
    """Costs above the ideal of an edge without limits, in the unit of the cost (10).

    Attributes:
        cloud: [T, N], of a request that goes to the cloud.
        unserved: [M], of a cached request with the least steps, or none; 0 where more do not pay.
        onset: [M], of a cached request with A1 steps, or the least if that is more; at least `unserved`.
        ideal_cost: [T], the ideal itself: the sum over the slot's users.
    """

    cloud: Array
    unserved: Array
    onset: Array
    ideal_cost: Array


_LARGEST = 1e270  # for what overflows: sums of such regrets are finite still


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def regrets(instance: Instance, bandwidth_share: Array) -> Regrets:
    """Return the regrets of `instance`, with `bandwidth_share` [T, N] in the ideal.

    Raises:
        InputError: if the instance uses rules that are not priced here.
    """
    instance.check_rules()
    alpha, models, requested = instance.preference_weight, instance.models, instance.trace.requested_model
    steps = np.stack([least_steps(instance), models.steps_onset, models.steps_saturation])
    if instance.rules.steps_floor > 0.0:
        np.maximum(steps, steps[0], out=steps)
    idle, onset, full = hit_cost(instance, steps)
    best = np.minimum(idle, full)
    output_bits = models.output_bits.take(requested)
    ideal = alpha * _radio_s(instance, output_bits, bandwidth_share) + best.take(requested)
    return Regrets(
        # The cloud generates as A3 steps at the edge do: (7) and (8) agree there.
        cloud=_finite((full - best).take(requested) + alpha * _backhaul_s(instance, output_bits)),
        unserved=_finite(idle - best),
        onset=_finite(onset - best),
        ideal_cost=np.add.reduce(ideal, axis=-1),
    )


def least_steps(instance: Instance) -> Array:
    """Return the steps that a hit on each model gets at least, [M]; 0 without a floor."""
    models, floor = instance.models, instance.rules.steps_floor
    return np.asarray(equations.least_steps(models.steps_onset, models.steps_saturation, floor))


def _finite(regret: Array) -> Array:
    return np.asarray(np.fmin(np.fmax(regret, 0.0), _LARGEST))


def hit_cost(instance: Instance, steps: Array) -> Array:
    """Return the cost (10) of a hit on each model with `steps` [..., M], transmission aside."""
    m, hit = instance.models, np.True_
    delay = equations.generation_delay_s(hit, steps, m.steps_saturation, m.seconds_per_step, m.seconds_base)
    tv = equations.total_variation(hit, steps, m.steps_onset, m.steps_saturation, m.tv_worst, m.tv_best)
    return np.asarray(equations.cost(instance.preference_weight, delay, tv))


def _backhaul_s(instance: Instance, output_bits: Array) -> Array:
    """Seconds on the backhaul, both ways: [T, N]."""
    radio, miss = instance.radio, np.False_
    up = equations.backhaul_delay_s(miss, instance.trace.input_bits, radio.backhaul_up_bps)
    return np.asarray(up + equations.backhaul_delay_s(miss, output_bits, radio.backhaul_down_bps))


def _radio_s(instance: Instance, output_bits: Array, bandwidth_share: Array) -> Array:
    """Seconds on the radio links, both ways: [T, N]."""
    radio, trace = instance.radio, instance.trace
    gain, noise = trace.channel_gain, radio.noise_w_per_hz
    up_snr = equations.signal_to_noise(radio.user_power_w, gain, noise, radio.uplink_hz)
    down_snr = equations.signal_to_noise(radio.bs_power_w, gain, noise, radio.downlink_hz)
    up_bps = equations.uplink_rate_bps(bandwidth_share, up_snr, radio.uplink_hz)
    down_bps = equations.downlink_rate_bps(down_snr, radio.downlink_hz)
    up_s = equations.transmission_delay_s(trace.input_bits, up_bps)
    return np.asarray(up_s + equations.transmission_delay_s(output_bits, down_bps))
