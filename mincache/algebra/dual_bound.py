"""A lower bound that a solver's tolerances cannot spoil: the Lagrangian dual, evaluated here.

With a price on storage, on bandwidth and on steps a slot falls apart into models and users, and the least
cost is a minimum over a few break points. Any prices that are not negative give a valid bound; the
multipliers of the linear relaxation give its optimum. So a solver is asked for multipliers, not a bound.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mincache.algebra.holding import cheapest_paths
from mincache.algebra.service_cost import ServiceTable, cacheable, loading_cost, sum_by_model
from mincache.algebra.uplink import Tangents, upload_slope_s
from mincache.exact.bandwidth import optimal_bandwidth
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array

_ROUNDING = 1e-12  # of the sum of what is added up; far above what adding float64 loses


class Prices(NamedTuple):
    """Multipliers of the limits of each slot, in cost (10) summed over users.

    Attributes:
        storage: [T], of (11d), for the whole storage.
        steps: [T], of (11f), for all L steps.
    """

    storage: Array
    steps: Array

    @classmethod
    def none(cls, instance: Instance) -> Prices:
        """Return prices of zero, with which everybody may have everything."""
        return cls(*np.zeros((2, instance.slot_count)))


def lagrangian_bound(instance: Instance, prices: Prices) -> Array:
    """Return a lower bound on the mean cost (10) of each slot, [T]; their mean bounds (11).

    Rules that link slots only add to a slot's cost, and are left out.

    Args:
        instance: the problem.
        prices: multipliers; negative ones count as zero.
    """
    storage, steps = (np.maximum(price, 0.0) for price in prices)
    service, size = _service(instance, storage, steps)
    total = service - storage - steps
    slack = _ROUNDING * (size + storage + steps)
    return np.asarray((total - slack) / instance.user_count + upload_bound(instance))


def horizon_bound(instance: Instance, prices: Prices) -> float:
    """Return a lower bound on the cost (11) under rules that link slots.

    At the multipliers of the linear relaxation of the whole instance it is that relaxation's optimum, for
    without the limits each model is a shortest path.

    Args:
        instance: the problem.
        prices: multipliers; negative ones count as zero.
    """
    storage, steps = (np.maximum(price, 0.0) for price in prices)
    cached, cloud = _choices(instance, storage, steps)
    paths, _ = cheapest_paths(instance, cached - cloud, cacheable(instance))
    priced = (storage + steps).sum()
    slack = _ROUNDING * ((cached + cloud + loading_cost(instance)).sum() + priced)
    total = paths + cloud.sum() - priced - slack
    return float(total / instance.trace.requested_model.size + upload_bound(instance).mean())


def upload_bound(instance: Instance) -> Array:
    """Return a lower bound on each slot's mean cost of the uploads' radio part, [T].

    It is the Lagrangian dual for (11e) at the price that the optimal split has: with tangents there in
    the delays' place, each user's least cost lies at a corner.
    """
    split = optimal_bandwidth(instance)[..., None]
    share, delay_s = Tangents.at(instance, split).corners()
    price = -upload_slope_s(instance, split).mean(axis=1, keepdims=True)
    least_s = (delay_s + price * share).min(axis=-1).sum(axis=-1) - price[:, 0, 0]
    size_s = np.abs(delay_s).max(axis=-1).sum(axis=-1) + price[:, 0, 0]
    weight = instance.preference_weight / instance.user_count
    return np.asarray(weight * (least_s - _ROUNDING * size_s))


def _service(instance: Instance, storage: Array, steps: Array) -> tuple[Array, Array]:
    """Return the least cost of all but uploads at these prices, [T], and the size of what it adds up."""
    cached, cloud = _choices(instance, storage, steps)
    least = np.where(cacheable(instance), np.minimum(cached, cloud), cloud)
    return least.sum(axis=-1), (cached + cloud).sum(axis=-1)


def _choices(instance: Instance, storage: Array, steps: Array) -> tuple[Array, Array]:
    """Return what each model's users cost at these prices, cached and not, [T, M]; uploads left out."""
    table = ServiceTable.of(instance)
    step_price = (steps / instance.server.steps)[:, None, None, None]
    hit = (table.edge_cost + step_price * table.steps).min(axis=(-2, -1))
    part = instance.models.size_gb / instance.server.storage_gb
    return storage[:, None] * part + sum_by_model(instance, hit), sum_by_model(instance, table.cloud_cost)
