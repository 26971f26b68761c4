"""From what a solver answers to what is feasible: shares within their limits, relaxed values rounded."""

from __future__ import annotations

import numpy as np

from mincache.algebra.repair import NOTHING, round_with_rules
from mincache.algebra.service_cost import ServiceTable, service_cost
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions

_ROUNDING = 1e-12  # of the storage: what adding up sizes that fit exactly can pass it by


def within_limits(shares: Array) -> Array:
    """Return shares [..., N] brought into [0, 1], and scaled down where they sum to more than 1."""
    inside = np.clip(shares, 0.0, 1.0)
    return np.asarray(inside / np.maximum(inside.sum(axis=-1, keepdims=True), 1.0))


def round_relaxed(instance: Instance, cache: Array, step_share: Array, bandwidth_share: Array) -> Decisions:
    """Return feasible decisions near a relaxed answer, never worse than caching nothing.

    Args:
        instance: the problem; with T = 1 where it has no rules.
        cache: [T, M], relaxed values in [0, 1].
        step_share: [T, N], relaxed.
        bandwidth_share: [T, N], feasible; taken as it is.
    """
    if instance.rules.used:
        return round_with_rules(instance, cache, step_share, bandwidth_share)
    return round_slot(instance, cache[0], step_share[0], bandwidth_share[0])


def round_slot(slot: Instance, cache: Array, step_share: Array, bandwidth_share: Array) -> Decisions:
    """Return feasible decisions near a relaxed answer, never worse than caching nothing.

    Args:
        slot: the problem, with T = 1.
        cache: [M], relaxed values in [0, 1].
        step_share: [N], relaxed.
        bandwidth_share: [N], feasible; taken as it is.
    """
    chosen = _fill_storage(slot, cache)
    steps = _serve(slot, chosen, step_share)
    chosen = chosen & ~_better_in_cloud(slot, steps)
    hit = chosen[slot.trace.requested_model[0]]
    share = np.where(hit, steps, 0.0) / slot.server.steps
    return Decisions(chosen[None], bandwidth_share[None], share[None])


def _fill_storage(slot: Instance, value: Array) -> Array:
    """Cache models in order of their value, while they fit."""
    cache = np.zeros(slot.model_count, dtype=bool)
    left_gb = slot.server.storage_gb * (1.0 + _ROUNDING)
    for m in np.argsort(-value, kind="stable"):
        if value[m] > NOTHING and slot.models.size_gb[m] <= left_gb:
            cache[m] = True
            left_gb -= slot.models.size_gb[m]
    return cache


def _serve(slot: Instance, cache: Array, step_share: Array) -> Array:
    """Give hits A3 steps in order of their relaxed steps, ties by saving a step; what is left to one."""
    requested = slot.trace.requested_model[0]
    full = np.minimum(slot.models.steps_saturation[requested], slot.server.steps)
    saving = np.where(cache[requested], _saving(slot, full), 0.0)
    relaxed = step_share * slot.server.steps / full
    steps, left = np.zeros(slot.user_count), slot.server.steps
    for n in np.lexsort((-saving / full, -relaxed)):
        if saving[n] > 0.0 and full[n] <= left:
            steps[n] = full[n]
            left -= full[n]
    unserved = (saving > 0.0) & (steps == 0.0)
    rest = np.where(unserved, _saving(slot, np.minimum(left, full)), 0.0)
    if rest.max() > 0.0:
        steps[rest.argmax()] = left
    return steps


def _saving(slot: Instance, steps: Array) -> Array:
    """Return how much less each hit costs with `steps` [N] than with none, [N]."""
    cost = service_cost(slot, True, np.stack([0.0 * steps, steps], axis=-1)[None])[0]
    return np.asarray(cost[:, 0] - cost[:, 1])


def _better_in_cloud(slot: Instance, steps: Array) -> Array:
    """Return which models' users would cost less in the cloud than as hits with `steps`, [M]."""
    extra = service_cost(slot, True, steps[None]) - ServiceTable.of(slot).cloud_cost
    return np.bincount(slot.trace.requested_model[0], extra[0], slot.model_count) > 0.0
