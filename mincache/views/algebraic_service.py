"""Costs at break points: all that the algebraic view needs of equations (6)-(10).

At the edge the cost (10) of a request is piecewise linear in its steps, with break points at A1, A3 and
L; in the cloud it is a constant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mincache import equations
from mincache.instance import Instance
from mincache.quantity import Array

REGIONS = ("low", "rising", "full")
"""Where a hit's steps can lie: in [0, A1], in [A1, A3], in [A3, L]; cut off at L."""


@dataclass(frozen=True, eq=False)
class ServiceTable:
    """Cost (10) of each request without the radio part of its upload.

    Attributes:
        cloud_cost: [T, N], of a miss.
        steps: [T, N, 3, 2], ends of each region of `REGIONS`, in steps.
        edge_cost: [T, N, 3, 2], of a hit at those ends; linear between the two ends of a region.
    """

    cloud_cost: Array
    steps: Array
    edge_cost: Array

    @classmethod
    def of(cls, instance: Instance) -> ServiceTable:
        """Return the costs of every request of `instance` at the break points of (7)."""
        models, requested = instance.models, instance.trace.requested_model
        onset, saturation = models.steps_onset[requested], models.steps_saturation[requested]
        total = np.full_like(onset, instance.server.steps)
        breaks = np.minimum(np.stack([0.0 * onset, onset, saturation, total], axis=-1), total[..., None])
        steps = np.stack([breaks[..., :-1], breaks[..., 1:]], axis=-1)
        cloud_cost = service_cost(instance, False, np.zeros((*requested.shape, 1)))[..., 0]
        return cls(cloud_cost, steps, service_cost(instance, True, steps))


def service_cost(instance: Instance, hit: bool, steps: Array) -> Array:
    """Return the cost (10) of each request without the radio part of its upload.

    Args:
        instance: the problem.
        hit: whether the requests are hits.
        steps: [T, N] and any further axes: steps that a hit is given.
    """
    models, radio, trace = instance.models, instance.radio, instance.trace
    at_edge, axes = np.bool_(hit), (1,) * (steps.ndim - 2)

    def column(values: Array) -> Array:
        return values.reshape(values.shape + axes)

    model = {name: column(values[trace.requested_model]) for name, values in vars(models).items()}
    snr = equations.signal_to_noise(
        radio.bs_power_w, trace.channel_gain, radio.noise_w_per_hz, radio.downlink_hz
    )
    rate = column(equations.downlink_rate_bps(snr, radio.downlink_hz))
    backhaul_s = equations.backhaul_delay_s(at_edge, column(trace.input_bits), radio.backhaul_up_bps)
    download_s = equations.download_delay_s(at_edge, model["output_bits"], rate, radio.backhaul_down_bps)
    generation_s = equations.generation_delay_s(
        at_edge, steps, model["steps_saturation"], model["seconds_per_step"], model["seconds_base"]
    )
    tv = equations.total_variation(
        at_edge, steps, model["steps_onset"], model["steps_saturation"], model["tv_worst"], model["tv_best"]
    )
    delay_s = equations.total_delay_s(backhaul_s, download_s, generation_s)
    return np.asarray(equations.cost(instance.preference_weight, delay_s, tv))
