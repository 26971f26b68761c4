"""The instance as a Pyomo model, for any solver that Pyomo knows.

`apply` writes the model of a whole instance, or of one slot given `instance.slot(t)`; `invert` reads the
decisions back off its variables; `load` puts decisions in. The formulations:

- `exact`: the mixed-integer nonlinear problem, with the rate (2) as it stands, and (7) as the convex hull
  of its three pieces.
- `piecewise`: the rate by tangents alone, everything else exact: a mixed-integer linear problem whose
  optimum is not above the true one, and whose answer costs at most `tangent_error` more than it says.
- `relaxed`: `piecewise` with everything continuous, a linear problem: its optimum is a lower bound.

The rules beyond the paper are in all three: a floor cuts off the hull of (7), frames are equalities of the
cache, and loading has a continuous variable a model.

A hit's steps and cost are weights on the ends of the regions of (7). A miss has no steps, for they would
do nothing. No user has less than `share_floor` of the bandwidth, which no optimum has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pyomo.environ as pyo

from mincache.algebra import formulation as constraints
from mincache.algebra.rounding import within_limits
from mincache.algebra.service_cost import REGIONS, ServiceTable
from mincache.algebra.uplink import Tangents, share_floor, shares_near_optimum, upload_s
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions
from mincache.solving.feasible import frame_starts, raise_to_floor

Formulation = Literal["exact", "piecewise", "relaxed"]


def apply(instance: Instance, formulation: Formulation = "exact", tangent_shares: Array | None = None) -> Any:
    """Return the `pyomo.environ.ConcreteModel` of `instance`; its objective `cost` is (11).

    Variables, by slot t, user n, model m: `cache[t,m]`, `bandwidth_share[t,n]`, `step_share[t,n]` are the
    decisions; `upload_s[t,n]` is the radio part of the upload delay; `region[t,n,r]` the region of (7)
    that a hit's steps lie in (absent when relaxed); `weight[t,n,r,e]` how much of it lies at end e;
    `loaded[t,m]`, where loading takes time, whether the model was not cached in the slot before.

    Args:
        instance: the problem.
        formulation: `exact`, `piecewise` or `relaxed`.
        tangent_shares: [T, N, K], bandwidth shares at which tangents touch the upload delays, by default
            `shares_near_optimum`. The exact formulation has them too: they spare its solver most work.
    """
    relaxed = formulation == "relaxed"
    shares = shares_near_optimum(instance) if tangent_shares is None else tangent_shares
    table = ServiceTable.of(instance)
    model = pyo.ConcreteModel(instance.name)
    model.instance = instance
    model.slots = pyo.RangeSet(0, instance.slot_count - 1)
    model.users = pyo.RangeSet(0, instance.user_count - 1)
    model.models = pyo.RangeSet(0, instance.model_count - 1)
    constraints.add_cache(model, instance, pyo.UnitInterval if relaxed else pyo.Binary)
    if instance.rules.frame_slots > 1:
        constraints.add_frames(model, instance)
    if instance.rules.loading_s_per_gb > 0.0:
        constraints.add_loading(model, instance)
    constraints.add_service(model, instance, table)
    if not relaxed:
        constraints.add_regions(model)
    constraints.add_uplink(model, share_floor(instance), Tangents.at(instance, shares))
    if formulation == "exact":
        constraints.add_rate(model, instance)
    constraints.add_cost(model, instance, table)
    return model


def invert(model: Any) -> Decisions:
    """Return the decisions in a model's variables; a model counts as cached from 1/2.

    Shares that a solver's tolerance left outside [0, 1], below the floor on steps, or summing to more than
    1, are put back.
    """
    T, N, M = len(model.slots), len(model.users), len(model.models)
    cache = _values(model.cache, T, M) >= 0.5
    bandwidth, steps = (
        within_limits(_values(shares, T, N)) for shares in (model.bandwidth_share, model.step_share)
    )
    return Decisions(cache, bandwidth, raise_to_floor(model.instance, cache, steps))


def relaxed_values(model: Any) -> tuple[Array, Array]:
    """Return the cache [T, M] and the step shares [T, N] in a model's variables as they are."""
    T, N, M = len(model.slots), len(model.users), len(model.models)
    return _values(model.cache, T, M), _values(model.step_share, T, N)


def load(model: Any, instance: Instance, decisions: Decisions) -> None:
    """Set a model's variables to decisions, as a solver's start or to price them; a miss's steps to 0."""
    table = ServiceTable.of(instance)
    cached = np.asarray(decisions.cache, dtype=bool)
    hit = np.take_along_axis(cached, instance.trace.requested_model, axis=-1)
    steps = np.where(hit, decisions.step_share, 0.0) * instance.server.steps
    region, weight = _region_weights(table, hit, steps)
    _set(model.cache, cached)
    _set(model.bandwidth_share, decisions.bandwidth_share)
    _set(model.step_share, steps / instance.server.steps)
    _set(model.upload_s, upload_s(instance, np.asarray(decisions.bandwidth_share)[..., None])[..., 0])
    _set(model.weight, weight)
    if hasattr(model, "region"):
        _set(model.region, region)
    if hasattr(model, "loaded"):
        before = np.zeros_like(cached)
        before[1:] = cached[:-1]
        _set(model.loaded, (cached & ~before)[frame_starts(instance)])


def assign(model: Any, values: Mapping[str, float]) -> None:
    """Set a model's variables by name, such as `cache[0,3]`; one that is not named is set to 0."""
    for variable in model.component_data_objects(pyo.Var):
        variable.set_value(values.get(variable.name, 0.0), skip_validation=True)


def _region_weights(table: ServiceTable, hit: Array, steps: Array) -> tuple[Array, Array]:
    """Return which region [T, N, 3] each hit's steps lie in, and the weights of its ends [T, N, 3, 2]."""
    low, high = table.steps[..., 0], table.steps[..., 1]
    index = np.minimum((steps[..., None] > high).sum(axis=-1), len(REGIONS) - 1)
    region = hit[..., None] & (index[..., None] == np.arange(len(REGIONS)))
    width = np.where(high > low, high - low, 1.0)
    upper = (steps[..., None] - low) / width
    return region, region[..., None] * np.stack([1.0 - upper, upper], axis=-1)


def _values(variable: Any, rows: int, columns: int) -> Array:
    return np.array([v.value for v in variable.values()], dtype=np.float64).reshape(rows, columns)


def _set(variable: Any, values: Array) -> None:
    for data, value in zip(variable.values(), np.ravel(values).tolist(), strict=True):
        data.set_value(float(value), skip_validation=True)
