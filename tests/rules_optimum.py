"""The least cost of a tiny instance with rules, by trying every cache and every way to serve; slow and plain.

It leans on the evaluator for what a choice costs, and on nothing of the solvers.
"""

from __future__ import annotations

import itertools

import numpy as np

from mincache import Decisions, Instance, evaluate_batch
from mincache.exact import optimal_bandwidth
from mincache.problem.quantity import Array


def least_cost(instance: Instance) -> float:
    """Return the least cost of `instance`: dynamic programming over every cache of every slot.

    What a slot costs is told by its cache and the one before; who is served in it is tried out: every set
    of hits with A3 steps, and one more with what is left; others get the least that the rules ask for.
    """
    caches = np.array(list(itertools.product([False, True], repeat=instance.model_count)))
    frame = instance.rules.frame_slots
    split = optimal_bandwidth(instance)
    total = np.where(caches.any(axis=1), np.inf, 0.0)  # nothing is there before the first slot
    for t in range(instance.slot_count):
        cost = _transitions(instance, t, split[t], caches)
        if t % frame:
            cost = np.where(np.eye(len(caches), dtype=bool), cost, np.inf)
        total = (total[:, None] + cost).min(axis=0)
    return float(total.min()) / instance.slot_count


def _transitions(instance: Instance, t: int, split: Array, caches: Array) -> Array:
    """Return the least mean cost of slot `t`, [cache before, cache], infinite where a cache is impossible."""
    cost = np.full((len(caches), len(caches)), np.inf)
    for j, cache in enumerate(caches):
        plans = _plans(instance, t, cache)
        if not plans:
            continue
        shape = (len(caches), len(plans), instance.slot_count)
        shares = np.zeros((*shape, instance.user_count))
        bandwidth = np.full_like(shares, 1.0 / instance.user_count)
        shares[:, :, t], bandwidth[:, :, t] = np.array(plans), split
        held, before = np.zeros((2, *shape, instance.model_count), dtype=bool)
        held[:, :, t], before[:, :, t] = cache, caches[:, None]
        batch = evaluate_batch(instance, Decisions(held, bandwidth, shares), before)
        # What other slots are does not matter: they cache nothing, and only this slot's limits are asked.
        kept = ~batch.broken[..., [0, 1, 2, 3, 4, 6], t].any(axis=-1)
        cost[:, j] = np.where(kept, batch.slot_cost[..., t], np.inf).min(axis=1)
    return cost


def _plans(instance: Instance, t: int, cache: Array) -> list[Array]:
    """Return step shares [N] worth trying in slot `t`."""
    models, requested = instance.models, instance.trace.requested_model[t]
    floor, total = instance.rules.steps_floor, instance.server.steps
    hit = cache[requested]
    onset, full = models.steps_onset[requested], models.steps_saturation[requested]
    least = np.where(hit & (floor > 0.0), onset + floor * (full - onset), 0.0)
    plans = []
    for served in itertools.product([False, True], repeat=len(requested)):
        steps = np.where(np.array(served) & hit, np.maximum(full, least), least)
        left = total - steps.sum()
        if left < -1e-9 * total or (np.array(served) & ~hit).any():
            continue
        plans.append(steps / total)
        for n in np.flatnonzero(hit & ~np.array(served)):
            part = steps.copy()
            part[n] = min(full[n], steps[n] + max(left, 0.0))
            plans.append(part / total)
    return plans
