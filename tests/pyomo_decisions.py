"""Decisions put into a Pyomo model, to be priced and held to its constraints there."""

from typing import Any

import numpy as np

from mincache import Decisions, Instance
from mincache.algebra.service_cost import REGIONS, ServiceTable
from mincache.problem.quantity import Array
from mincache.problem.requests import upload_s
from mincache.solving.feasible import frame_starts, hits


def load(model: Any, instance: Instance, decisions: Decisions) -> None:
    """Set a model's variables to decisions, to price them; a miss's steps to 0."""
    table = ServiceTable.of(instance)
    cached = np.asarray(decisions.cache, dtype=bool)
    hit = hits(instance, cached)
    steps = np.where(hit, decisions.step_share, 0.0) * instance.server.steps
    region, weight = _region_weights(table, hit, steps)
    _set(model.cache, cached)
    _set(model.bandwidth_share, decisions.bandwidth_share)
    _set(model.step_share, steps / instance.server.steps)
    _set(model.upload_s, upload_s(instance, np.asarray(decisions.bandwidth_share)))
    _set(model.weight, weight)
    if hasattr(model, "region"):
        _set(model.region, region)
    if hasattr(model, "loaded"):
        before = np.zeros_like(cached)
        before[1:] = cached[:-1]
        _set(model.loaded, (cached & ~before)[frame_starts(instance)])


def _region_weights(table: ServiceTable, hit: Array, steps: Array) -> tuple[Array, Array]:
    """Return which region [T, N, 3] each hit's steps lie in, and the weights of its ends [T, N, 3, 2]."""
    low, high = table.steps[..., 0], table.steps[..., 1]
    index = np.minimum((steps[..., None] > high).sum(axis=-1), len(REGIONS) - 1)
    region = hit[..., None] & (index[..., None] == np.arange(len(REGIONS)))
    width = np.where(high > low, high - low, 1.0)
    upper = (steps[..., None] - low) / width
    return region, region[..., None] * np.stack([1.0 - upper, upper], axis=-1)


def _set(variable: Any, values: Array) -> None:
    for data, value in zip(variable.values(), np.ravel(values).tolist(), strict=True):
        data.set_value(float(value), skip_validation=True)
