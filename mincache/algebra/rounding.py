"""From a relaxed answer to a feasible one: what fits of it, less what is not worth its loading."""

from collections.abc import Sequence

import numpy as np

from mincache.algebra.dual_bound import cheapest_paths
from mincache.algebra.service_cost import ServiceTable, cacheable, request_cost, sum_by_model
from mincache.problem.evaluation import evaluate_batch
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions
from mincache.solving.feasible import fill_cache, hits, least_share, linked_slots, serve

_NOTHING = 1e-9  # a relaxed value up to this is no reason to cache
_TIE = 1e-6  # what a user's saving weighs against its relaxed steps


def within_limits(shares: Array) -> Array:
    """Return shares [..., N] brought into [0, 1], and scaled down where they sum to more than 1."""
    inside = np.clip(shares, 0.0, 1.0)
    return np.asarray(inside / np.maximum(inside.sum(axis=-1, keepdims=True), 1.0))


def round_relaxed(instance: Instance, cache: Array, step_share: Array, bandwidth_share: Array) -> Decisions:
    """Return feasible decisions near a relaxed cache and steps, never worse than caching nothing.

    Models are cached by their relaxed values, users served by their relaxed steps, and what pays is kept.
    """
    chosen = fill_cache(instance, np.asarray(cache, dtype=float), cache > _NOTHING)
    shares = _served(instance, chosen, step_share)
    kept = chosen & _worthwhile(instance, chosen, shares)
    nothing = np.zeros_like(kept)
    pairs = [(kept, np.where(hits(instance, kept), shares, 0.0)), (nothing, np.zeros_like(shares))]
    pairs.append((kept, _served(instance, kept, step_share)))
    return cheapest(instance, [Decisions(held, bandwidth_share, steps) for held, steps in pairs])


def cheapest(instance: Instance, candidates: Sequence[Decisions]) -> Decisions:
    """Return the cheapest feasible candidate of each group of linked slots, put together; one must be."""
    T, length = instance.slot_count, linked_slots(instance)
    all_of_them = Decisions(*map(np.stack, zip(*candidates, strict=True)))
    batch = evaluate_batch(instance, all_of_them)
    feasible = ~batch.broken.any(axis=-2) & np.isfinite(batch.slot_cost)
    cost = np.where(feasible, batch.slot_cost, np.inf)
    best = np.add.reduceat(cost, np.arange(0, T, length), axis=-1).argmin(axis=0)
    return Decisions(*(array[np.repeat(best, length)[:T], np.arange(T)] for array in all_of_them))


def _served(instance: Instance, cache: Array, step_share: Array) -> Array:
    """Give hits A3 steps in order of their relaxed ones, ties by saving a step; the rest to one a slot."""
    least = least_share(instance)[instance.trace.requested_model]
    full = np.minimum(instance.models.steps_saturation / instance.server.steps, 1.0)
    full = np.maximum(full[instance.trace.requested_model], least)
    saving = _saving(instance, least, full)
    rate = saving / np.maximum(full - least, _NOTHING)
    priority = step_share / full + _TIE * rate / np.maximum(np.abs(rate).max(), _NOTHING)
    shares = serve(instance, cache, priority, saving > 0.0)
    left = np.maximum(1.0 - _NOTHING - shares.sum(axis=-1, keepdims=True), 0.0)
    more = np.minimum(np.maximum(shares, least) + left, full)
    gain = np.where(hits(instance, cache) & (shares < full), _saving(instance, shares, more), 0.0)
    slots, best = np.arange(instance.slot_count), gain.argmax(axis=-1)
    pays = gain[slots, best] > 0.0
    shares[slots[pays], best[pays]] = more[slots[pays], best[pays]]
    return shares


def _saving(instance: Instance, before: Array, after: Array) -> Array:
    """Return how much less each hit costs with one share of the steps than with another, [T, N]."""
    cost = request_cost(instance, True, np.stack([before, after], axis=-1) * instance.server.steps)
    return np.asarray(cost[..., 0] - cost[..., 1])


def _worthwhile(instance: Instance, cache: Array, shares: Array) -> Array:
    """Return when to hold each model that is cached, given everybody's steps: bool [T, M]."""
    edge = request_cost(instance, True, shares * instance.server.steps)
    extra = sum_by_model(instance, edge - ServiceTable.of(instance).cloud_cost)
    return cheapest_paths(instance, extra, cache & cacheable(instance))[1]
