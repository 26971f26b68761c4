"""The instance as a Pyomo model, for any solver that Pyomo knows.

`exact` is the mixed-integer nonlinear problem, with the rate (2) as it stands, and (7) as the convex hull of
its three pieces. `piecewise` has the rate by tangents alone: linear, its optimum not above the true one.
`relaxed` is `piecewise` with everything continuous: its optimum is a lower bound.

A hit's steps and cost are weights on the ends of the regions of (7). A miss has no steps, for they would
do nothing. No user has less than a hundredth of the optimal bandwidth share.
Indices: slot t, user n, model m, region r of `REGIONS`, end e of a region (0 the lower, 1 the upper).
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr import LinearExpression

from mincache.algebra import service_cost
from mincache.algebra.rounding import within_limits
from mincache.algebra.service_cost import REGIONS, Formulation, ServiceTable, Tangents, cacheable
from mincache.exact.bandwidth import optimal_bandwidth
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import uplink_snr
from mincache.problem.solution import Decisions
from mincache.solving.feasible import frame_starts, raise_to_floor

_THOUSANDTHS = 1000.0
_ENDS = (0, 1)
_FLOOR = 0.01  # of the optimal bandwidth share: no optimum has less


def apply(instance: Instance, formulation: Formulation = "exact") -> Any:
    """Return the `pyomo.environ.ConcreteModel` of `instance`; its objective `cost` is (11).

    `cache[t,m]`, `bandwidth_share[t,n]`, `step_share[t,n]` are the decisions; `upload_s[t,n]` is the radio
    part of the upload delay; `region[t,n,r]` the region of (7) that a hit's steps lie in, `weight[t,n,r,e]`
    how much of it at end e; `loaded[t,m]` whether the model was not cached before.
    """
    relaxed = formulation == "relaxed"
    table = ServiceTable.of(instance)
    model = pyo.ConcreteModel(instance.name)
    model.instance = instance
    model.slots = pyo.RangeSet(0, instance.slot_count - 1)
    model.users = pyo.RangeSet(0, instance.user_count - 1)
    model.models = pyo.RangeSet(0, instance.model_count - 1)
    _add_cache(model, instance, pyo.UnitInterval if relaxed else pyo.Binary)
    if instance.rules.frame_slots > 1:
        _add_frames(model, instance)
    if instance.rules.loading_s_per_gb > 0.0:
        _add_loading(model, instance)
    _add_service(model, instance, table)
    if not relaxed:
        _add_regions(model)
    _add_uplink(model, instance)
    if formulation == "exact":
        _add_rate(model, instance)
    _add_cost(model, instance, table)
    return model


def invert(model: Any) -> Decisions:
    """Return the decisions in a model's variables: what is cached from 1/2 on, and shares within limits."""
    cache, steps = relaxed_values(model)
    held, bandwidth = cache >= 0.5, _values(model.bandwidth_share, *steps.shape)
    steps = raise_to_floor(model.instance, held, within_limits(steps))
    return Decisions(held, within_limits(bandwidth), steps)


def relaxed_values(model: Any) -> tuple[Array, Array]:
    """Return the cache [T, M] and the step shares [T, N] in a model's variables as they are."""
    T, N, M = len(model.slots), len(model.users), len(model.models)
    return _values(model.cache, T, M), _values(model.step_share, T, N)


def assign(model: Any, values: Mapping[str, float]) -> None:
    """Set a model's variables by name, such as `cache[0,3]`; one that is not named is set to 0."""
    for variable in model.component_data_objects(pyo.Var):
        variable.set_value(values.get(variable.name, 0.0), skip_validation=True)


def objective(model: Any) -> float:
    """Return the model's objective at the values of its variables."""
    return float(pyo.value(model.cost))


def linear(terms: Iterable[tuple[float, Any]]) -> Any:
    """Return the sum of coefficient times variable over `terms` (much faster than adding them up)."""
    coefficients, variables = zip(*terms, strict=True)
    return LinearExpression(linear_coefs=list(coefficients), linear_vars=list(variables))


def _add_cache(model: Any, instance: Instance, domain: Any) -> None:
    """Add `cache[t,m]` and the limit on storage (11d); a model that cannot be cached is fixed at 0."""
    size = instance.models.size_gb / instance.server.storage_gb
    fits = cacheable(instance).tolist()
    room = (_THOUSANDTHS * np.minimum(size, 2.0)).tolist()
    bounds = [[(0, int(fit)) for fit in row] for row in fits]
    model.cache = pyo.Var(model.slots, model.models, domain=domain, bounds=lambda _, t, m: bounds[t][m])

    def storage(block: Any, t: int) -> Any:
        return linear((room[m], block.cache[t, m]) for m in block.models) <= _THOUSANDTHS

    model.storage_limit = pyo.Constraint(model.slots, rule=storage, doc="(11d), in thousandths")


def _add_frames(model: Any, instance: Instance) -> None:
    """Hold the cache to what it is in the first slot of the frame."""
    first = set(frame_starts(instance).tolist())
    later = [t for t in model.slots if t not in first]

    def held(block: Any, t: int, m: int) -> Any:
        return linear([(1.0, block.cache[t, m]), (-1.0, block.cache[t - 1, m])]) == 0.0

    model.frame = pyo.Constraint(later, model.models, rule=held, doc="a frame's cache")


def _add_loading(model: Any, instance: Instance) -> None:
    """Add `loaded[t,m]`, at least 1 where a model is cached that was not in the slot before."""
    frames = frame_starts(instance).tolist()
    model.loaded = pyo.Var(frames, model.models, domain=pyo.UnitInterval)

    def loads(block: Any, t: int, m: int) -> Any:
        before = [(1.0, block.cache[t - 1, m])] if t > 0 else []
        return linear([(1.0, block.loaded[t, m]), (-1.0, block.cache[t, m]), *before]) >= 0.0

    model.loading = pyo.Constraint(frames, model.models, rule=loads, doc="a model not there before")


def _add_service(model: Any, instance: Instance, table: ServiceTable) -> None:
    """Add `step_share[t,n]` and the limit (11f), with a hit's steps as `weight[t,n,r,e]` on region ends."""
    requested = instance.trace.requested_model.tolist()
    shares = (table.steps / instance.server.steps).tolist()
    model.weight = pyo.Var(model.slots, model.users, REGIONS, _ENDS, domain=pyo.UnitInterval)
    model.step_share = pyo.Var(model.slots, model.users, domain=pyo.UnitInterval)

    def served(block: Any, t: int, n: int) -> Any:
        weights = [(1.0, block.weight[t, n, r, e]) for r in REGIONS for e in _ENDS]
        return linear([*weights, (-1.0, block.cache[t, requested[t][n]])]) == 0.0

    def given(block: Any, t: int, n: int) -> Any:
        ends = _by_end(block, t, n, shares[t][n])
        return linear([*ends, (-1.0, block.step_share[t, n])]) == 0.0

    def limit(block: Any, t: int) -> Any:
        return linear((1.0, block.step_share[t, n]) for n in block.users) <= 1.0

    model.served = pyo.Constraint(model.slots, model.users, rule=served, doc="a hit's weights sum to 1")
    model.given = pyo.Constraint(model.slots, model.users, rule=given, doc="steps of a hit")
    model.step_limit = pyo.Constraint(model.slots, rule=limit, doc="(11f)")


def _add_regions(model: Any) -> None:
    """Add `region[t,n,r]`, binary: a hit's steps lie in one region, the weights of the others are 0."""
    model.region = pyo.Var(model.slots, model.users, REGIONS, domain=pyo.Binary)

    def chosen(block: Any, t: int, n: int, r: str) -> Any:
        ends = [(1.0, block.weight[t, n, r, e]) for e in _ENDS]
        return linear([*ends, (-1.0, block.region[t, n, r])]) == 0.0

    model.chosen = pyo.Constraint(model.slots, model.users, REGIONS, rule=chosen)


def _add_uplink(model: Any, instance: Instance) -> None:
    """Add `bandwidth_share[t,n]` and the limit (11e), with `upload_s[t,n]` above its tangents."""
    least = (_FLOOR * optimal_bandwidth(instance)).tolist()
    tangents = Tangents.at(instance, service_cost.shares_near_optimum(instance))
    slope, offset = tangents.slope_s.tolist(), tangents.offset_s.tolist()
    model.bandwidth_share = pyo.Var(model.slots, model.users, bounds=lambda _, t, n: (least[t][n], 1.0))
    model.upload_s = pyo.Var(model.slots, model.users, domain=pyo.NonNegativeReals)

    def limit(block: Any, t: int) -> Any:
        return linear((1.0, block.bandwidth_share[t, n]) for n in block.users) <= 1.0

    def above(block: Any, t: int, n: int, k: int) -> Any:
        share, delay = block.bandwidth_share[t, n], block.upload_s[t, n]
        return linear([(1.0, delay), (-slope[t][n][k], share)]) >= offset[t][n][k]

    points = range(tangents.slope_s.shape[-1])
    model.bandwidth_limit = pyo.Constraint(model.slots, rule=limit, doc="(11e)")
    model.tangent = pyo.Constraint(model.slots, model.users, points, rule=above, doc="below (4), convex")


def _add_rate(model: Any, instance: Instance) -> None:
    """Hold `upload_s` to the delay at the rate (2) itself."""
    bits, snr = instance.trace.input_bits.tolist(), uplink_snr(instance).tolist()
    uplink_hz = instance.radio.uplink_hz

    def delay(block: Any, t: int, n: int) -> Any:
        share = block.bandwidth_share[t, n]
        return block.upload_s[t, n] >= upload_expression(bits[t][n], uplink_hz, snr[t][n], share, pyo.log)

    model.rate = pyo.Constraint(model.slots, model.users, rule=delay, doc="(2) and (4)")


def _add_cost(model: Any, instance: Instance, table: ServiceTable) -> None:
    """Add the objective (11): what all would cost in the cloud, what hits cost instead, uploads, loading."""
    requested = instance.trace.requested_model
    scale = 1.0 / requested.size
    cloud, edge = (table.cloud_cost * scale).tolist(), (table.edge_cost * scale).tolist()
    upload, wanted = instance.preference_weight * scale, requested.tolist()
    terms = []
    for t in model.slots:
        for n in model.users:
            terms += [(-cloud[t][n], model.cache[t, wanted[t][n]]), (upload, model.upload_s[t, n])]
            terms += _by_end(model, t, n, edge[t][n])
    if instance.rules.loading_s_per_gb > 0.0:
        waits = (service_cost.loading_cost(instance) * scale).tolist()
        terms += [(waits[t][m], loaded) for (t, m), loaded in model.loaded.items()]
    all_cloud = float(table.cloud_cost.sum() * scale)
    model.cost = pyo.Objective(expr=all_cloud + linear(terms), sense=pyo.minimize, doc="(11)")


def upload_expression(input_bits: float, uplink_hz: float, snr: float, share: Any, log: Any) -> Any:
    """Return the radio part of the upload delay (4) at (2), W b log2(1 + k / b), for a variable share."""
    return (input_bits * math.log(2.0) / uplink_hz) / (share * log(1.0 + snr / share))


def _by_end(block: Any, t: int, n: int, coefficients: list[list[float]]) -> list[tuple[float, Any]]:
    """Return the weights of a user, each with its coefficient in a table [3][2]."""
    rows = zip(REGIONS, coefficients, strict=True)
    return [(row[e], block.weight[t, n, r, e]) for r, row in rows for e in _ENDS]


def _values(variable: Any, rows: int, columns: int) -> Array:
    return np.array([v.value for v in variable.values()], dtype=np.float64).reshape(rows, columns)
