"""A lower bound that a solver's tolerances cannot spoil: the Lagrangian dual, evaluated here.

With a price on storage, on bandwidth and on steps a slot falls apart into models and users. Any prices that
are not negative give a valid bound. Rules that link slots leave a path for each model over the frames.
"""

from typing import NamedTuple

import numpy as np

from mincache.algebra.service_cost import ServiceTable, Tangents, cacheable, loading_cost, sum_by_model
from mincache.exact.bandwidth import optimal_bandwidth
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.solving.feasible import frame_starts, per_slot

_ROUNDING = 1e-12  # of the sum of what is added up; far above what adding float64 loses
_ENDS = np.array([0.0, 1.0])  # of a share


class Prices(NamedTuple):
    """Multipliers of the limits of each slot, in cost (10) summed over users."""

    storage: Array  # [T], of (11d), for the whole storage
    steps: Array  # [T], of (11f), for all L steps


def slot_bounds(instance: Instance) -> Array:
    """Return a lower bound on each slot's mean cost, [T]: all users have all of storage and steps."""
    nothing = np.zeros(instance.slot_count)
    cached, cloud = _choices(instance, nothing, nothing)
    least = np.where(cacheable(instance), np.minimum(cached, cloud), cloud).sum(axis=-1)
    slack = _ROUNDING * (cached + cloud).sum(axis=-1)
    return np.asarray((least - slack) / instance.user_count + upload_bound(instance))


def horizon_bound(instance: Instance, prices: Prices) -> float:
    """Return a lower bound on the cost (11): at the linear relaxation's multipliers, its optimum."""
    storage, steps = (np.maximum(price, 0.0) for price in prices)
    cached, cloud = _choices(instance, storage, steps)
    paths, _ = cheapest_paths(instance, cached - cloud, cacheable(instance))
    priced = (storage + steps).sum()
    slack = _ROUNDING * ((cached + cloud + loading_cost(instance)).sum() + priced)
    total = paths + cloud.sum() - priced - slack
    return float(total / instance.trace.requested_model.size + upload_bound(instance).mean())


def upload_bound(instance: Instance) -> Array:
    """Return a lower bound on each slot's mean cost of the uploads' radio part, [T]."""
    # The Lagrangian dual of (11e) at the optimal split's price. With tangents for the delays, a user's least
    # cost lies at a share of 0 or 1.
    tangents = Tangents.at(instance, optimal_bandwidth(instance)[..., None])
    delay_s = tangents.offset_s + tangents.slope_s * _ENDS
    price = -tangents.slope_s.mean(axis=1, keepdims=True)
    least_s = (delay_s + price * _ENDS).min(axis=-1).sum(axis=-1) - price[:, 0, 0]
    size_s = np.abs(delay_s).max(axis=-1).sum(axis=-1) + price[:, 0, 0]
    weight = instance.preference_weight / instance.user_count
    return np.asarray(weight * (least_s - _ROUNDING * size_s))


def cheapest_paths(instance: Instance, cached: Array, possible: Array) -> tuple[float, Array]:
    """Return the least cost of holding models where `possible` [T, M], and when they are held, bool [T, M].

    `cached` [T, M] is the cost of a model that is cached above its cost when it is not, loading left out.
    """
    first = frame_starts(instance)
    held = np.where(possible[first], np.add.reduceat(cached, first, axis=0), np.inf)
    cost, frames = _paths(held, loading_cost(instance)[first])
    return float(cost.sum()), per_slot(instance, frames)


def _choices(instance: Instance, storage: Array, steps: Array) -> tuple[Array, Array]:
    """Return what each model's users cost at these prices, cached and not, [T, M]; uploads left out."""
    table = ServiceTable.of(instance)
    step_price = (steps / instance.server.steps)[:, None, None, None]
    hit = (table.edge_cost + step_price * table.steps).min(axis=(-2, -1))
    part = instance.models.size_gb / instance.server.storage_gb
    return storage[:, None] * part + sum_by_model(instance, hit), sum_by_model(instance, table.cloud_cost)


def _paths(held: Array, load: Array) -> tuple[Array, Array]:
    """Return each model's least cost [M], and in which frames it is cached, bool [frames, M]."""
    away_cost, held_cost = np.zeros(held.shape[1]), np.full(held.shape[1], np.inf)
    stayed, dropped = np.zeros((2, *held.shape), dtype=bool)  # was it cached before, on the best path here?
    for k in range(len(held)):
        stayed[k] = held_cost <= away_cost + load[k]
        dropped[k] = held_cost < away_cost
        best = np.minimum(held_cost, away_cost + load[k])
        away_cost, held_cost = np.minimum(away_cost, held_cost), held[k] + best
    path = np.zeros(held.shape, dtype=bool)
    now = held_cost < away_cost
    for k in reversed(range(len(held))):
        path[k] = now
        now = np.where(now, stayed[k], dropped[k])
    return np.minimum(away_cost, held_cost), path
