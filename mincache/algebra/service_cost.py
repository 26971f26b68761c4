"""Costs in linear terms: all that the algebraic view needs of equations (2)-(10).

At the edge the cost (10) of a request is piecewise linear in its steps, with break points at A1, A3 and L; in
the cloud it is a constant. The upload delay is convex in the bandwidth share, so tangents lie below it; with
those at the optimal split, where every user's delay has the same slope, a model has the true optimum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from mincache.exact.bandwidth import optimal_bandwidth
from mincache.exact.regrets import loading_losses, service_cost
from mincache.problem import equations
from mincache.problem.constraints import TOLERANCE
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import Delays, demand, uplink_snr, upload_s
from mincache.solving.feasible import frame_starts, least_share, per_slot

Formulation = Literal["exact", "piecewise", "relaxed"]
"""How a model writes the problem: see `pyomo_model`."""
REGIONS = ("low", "rising", "full")
"""Where a hit's steps can lie: in [0, A1], in [A1, A3], in [A3, L]; from the floor on, and cut off at L."""
_NEAR = 1e-3


@dataclass(frozen=True, eq=False)
class ServiceTable:
    """Cost (10) of each request without the radio part of its upload."""

    cloud_cost: Array  # [T, N], of a miss
    steps: Array  # [T, N, 3, 2], ends of each region of `REGIONS`, in steps
    edge_cost: Array  # [T, N, 3, 2], of a hit at those ends; linear between the two ends of a region

    @classmethod
    def of(cls, instance: Instance) -> ServiceTable:
        """Return the costs of every request of `instance` at the break points of (7)."""
        instance.check_rules()
        models, requested = instance.models, instance.trace.requested_model
        onset, saturation = models.steps_onset[requested], models.steps_saturation[requested]
        least = equations.least_steps(onset, saturation, instance.rules.steps_floor)
        total = np.full_like(onset, instance.server.steps)
        rising = (np.maximum(onset, least), np.maximum(saturation, least))
        breaks = np.minimum(np.stack([least, *rising, total], axis=-1), total[..., None])
        steps = np.stack([breaks[..., :-1], breaks[..., 1:]], axis=-1)
        cloud_cost = request_cost(instance, False, np.zeros(requested.shape))
        return cls(cloud_cost, steps, request_cost(instance, True, steps))


def request_cost(instance: Instance, hit: bool, steps: Array) -> Array:
    """Return the cost (10) of requests with steps [T, N, ...], without the radio part of their uploads."""
    delays, requested = Delays.of(instance), instance.trace.requested_model
    transmission_s = delays.downlink_s
    if not hit:
        transmission_s = delays.backhaul_up_s + (transmission_s + delays.backhaul_down_s)
    axes = requested.shape + (1,) * (steps.ndim - 2)
    return service_cost(instance, hit, steps, requested.reshape(axes), transmission_s.reshape(axes))


def cacheable(instance: Instance) -> Array:
    """Return which models can be cached in each slot: fitting, with what the floor asks for, bool [T, M]."""
    size = instance.models.size_gb / instance.server.storage_gb
    fits = np.broadcast_to(size <= 1.0 + TOLERANCE, (instance.slot_count, instance.model_count))
    if instance.rules.steps_floor > 0.0:
        fits = fits & (demand(instance) * least_share(instance) <= 1.0 + 2.0 * TOLERANCE)
    return per_slot(instance, np.logical_and.reduceat(fits, frame_starts(instance), axis=0))


def loading_cost(instance: Instance) -> Array:
    """Return what loading a model adds to the cost (10) of a frame's first slot, [T, M]; 0 in others."""
    cost = np.zeros((instance.slot_count, instance.model_count))
    cost[frame_starts(instance)] = loading_losses(instance, instance.rules.frame_slots)
    return cost


def sum_by_model(instance: Instance, cost: Array) -> Array:
    """Return users' costs [T, N] summed by the model that they request, [T, M]."""
    total = np.zeros((instance.slot_count, instance.model_count))
    np.add.at(total, (np.arange(instance.slot_count)[:, None], instance.trace.requested_model), cost)
    return total


def shares_near_optimum(instance: Instance) -> Array:
    """Return where three tangents a user touch, [T, N, 3]; the outer two keep a solver near the optimum."""
    shares = optimal_bandwidth(instance)[..., None] * np.array([1.0 - _NEAR, 1.0, 1.0 + _NEAR])
    return np.asarray(np.minimum(shares, 1.0))


class Tangents(NamedTuple):
    """Tangents of the upload delay: offset_s + slope_s b never exceeds it, for it is convex in b."""

    slope_s: Array  # [T, N, K], in s
    offset_s: Array  # [T, N, K], value at share 0, in s

    @classmethod
    def at(cls, instance: Instance, share: Array) -> Tangents:
        """Return the tangents that touch at bandwidth shares [T, N, K] > 0."""
        # With e(b) = b log2(1 + k/b) of (2), the delay d / (W e) has the derivative -(d / (W e)) e' / e,
        # where e' ln 2 = log(1 + k/b) - k / (b + k).
        snr, delay_s = uplink_snr(instance)[..., None], upload_s(instance, share)
        log = np.log1p(snr / share)
        slope_s = -delay_s * (log - snr / (share + snr)) / (share * log)
        return cls(slope_s, delay_s - slope_s * share)
