"""The parts of the algebraic view's Pyomo model; `algebraic.apply` puts them together.

Indices: slot t, user n, model m, region r of `REGIONS`, end e of a region (0 the lower, 1 the upper).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr import LinearExpression

from mincache.algebra.service_cost import REGIONS, ServiceTable, cacheable, loading_cost
from mincache.algebra.uplink import Tangents, full_band_snr, upload_expression
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.solving.feasible import frame_starts

_THOUSANDTHS = 1000.0
_ENDS = (0, 1)


def add_cache(model: Any, instance: Instance, domain: Any) -> None:
    """Add `cache[t,m]` and the limit on storage (11d); a model that cannot be cached is fixed at 0.

    Storage is in thousandths of the capacity, so that a solver's absolute tolerance of 1e-6 is the
    evaluator's.
    """
    size = instance.models.size_gb / instance.server.storage_gb
    fits = cacheable(instance).tolist()
    room = (_THOUSANDTHS * np.minimum(size, 2.0)).tolist()
    bounds = [[(0, int(fit)) for fit in row] for row in fits]
    model.cache = pyo.Var(model.slots, model.models, domain=domain, bounds=lambda _, t, m: bounds[t][m])

    def storage(block: Any, t: int) -> Any:
        return linear((room[m], block.cache[t, m]) for m in block.models) <= _THOUSANDTHS

    model.storage_limit = pyo.Constraint(model.slots, rule=storage, doc="(11d), in thousandths")


def add_frames(model: Any, instance: Instance) -> None:
    """Hold the cache to what it is in the first slot of the frame."""
    first = set(frame_starts(instance).tolist())
    later = [t for t in model.slots if t not in first]

    def held(block: Any, t: int, m: int) -> Any:
        return linear([(1.0, block.cache[t, m]), (-1.0, block.cache[t - 1, m])]) == 0.0

    model.frame = pyo.Constraint(later, model.models, rule=held, doc="a frame's cache")


def add_loading(model: Any, instance: Instance) -> None:
    """Add `loaded[t,m]`, at least 1 where a model is cached that was not in the slot before.

    Its cost keeps it from more than that, so that it need not be binary.
    """
    frames = frame_starts(instance).tolist()
    model.loaded = pyo.Var(frames, model.models, domain=pyo.UnitInterval)

    def loads(block: Any, t: int, m: int) -> Any:
        before = [(1.0, block.cache[t - 1, m])] if t > 0 else []
        return linear([(1.0, block.loaded[t, m]), (-1.0, block.cache[t, m]), *before]) >= 0.0

    model.loading = pyo.Constraint(frames, model.models, rule=loads, doc="a model not there before")


def add_service(model: Any, instance: Instance, table: ServiceTable) -> None:
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


def add_regions(model: Any) -> None:
    """Add `region[t,n,r]`, binary: a hit's steps lie in one region, the weights of the others are 0."""
    model.region = pyo.Var(model.slots, model.users, REGIONS, domain=pyo.Binary)

    def chosen(block: Any, t: int, n: int, r: str) -> Any:
        ends = [(1.0, block.weight[t, n, r, e]) for e in _ENDS]
        return linear([*ends, (-1.0, block.region[t, n, r])]) == 0.0

    model.chosen = pyo.Constraint(model.slots, model.users, REGIONS, rule=chosen)


def add_uplink(model: Any, least_share: Array, tangents: Tangents) -> None:
    """Add `bandwidth_share[t,n]` and the limit (11e), with `upload_s[t,n]` above its tangents."""
    least = least_share.tolist()
    slope, offset = tangents.slope_s.tolist(), tangents.offset_s.tolist()
    model.bandwidth_share = pyo.Var(model.slots, model.users, bounds=lambda _, t, n: (least[t][n], 1.0))
    model.upload_s = pyo.Var(model.slots, model.users, domain=pyo.NonNegativeReals)

    def limit(block: Any, t: int) -> Any:
        return linear((1.0, block.bandwidth_share[t, n]) for n in block.users) <= 1.0

    def above(block: Any, t: int, n: int, k: int) -> Any:
        share, delay = block.bandwidth_share[t, n], block.upload_s[t, n]
        return linear([(1.0, delay), (-slope[t][n][k], share)]) >= offset[t][n][k]

    points = range(tangents.share.shape[-1])
    model.bandwidth_limit = pyo.Constraint(model.slots, rule=limit, doc="(11e)")
    model.tangent = pyo.Constraint(model.slots, model.users, points, rule=above, doc="below (4), convex")


def add_rate(model: Any, instance: Instance) -> None:
    """Hold `upload_s` to the delay at the rate (2) itself."""
    bits, snr = instance.trace.input_bits.tolist(), full_band_snr(instance).tolist()
    uplink_hz = instance.radio.uplink_hz

    def delay(block: Any, t: int, n: int) -> Any:
        share = block.bandwidth_share[t, n]
        return block.upload_s[t, n] >= upload_expression(bits[t][n], uplink_hz, snr[t][n], share, pyo.log)

    model.rate = pyo.Constraint(model.slots, model.users, rule=delay, doc="(2) and (4)")


def add_cost(model: Any, instance: Instance, table: ServiceTable) -> None:
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
        waits = (loading_cost(instance) * scale).tolist()
        terms += [(waits[t][m], loaded) for (t, m), loaded in model.loaded.items()]
    all_cloud = float(table.cloud_cost.sum() * scale)
    model.cost = pyo.Objective(expr=all_cloud + linear(terms), sense=pyo.minimize, doc="(11)")


def linear(terms: Iterable[tuple[float, Any]]) -> Any:
    """Return the sum of coefficient times variable over `terms` (much faster than adding them up)."""
    coefficients, variables = zip(*terms, strict=True)
    return LinearExpression(linear_coefs=list(coefficients), linear_vars=list(variables))


def _by_end(block: Any, t: int, n: int, coefficients: list[list[float]]) -> list[tuple[float, Any]]:
    """Return the weights of a user, each with its coefficient in a table [3][2]."""
    rows = zip(REGIONS, coefficients, strict=True)
    return [(row[e], block.weight[t, n, r, e]) for r, row in rows for e in _ENDS]
