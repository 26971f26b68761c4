"""Keeping decisions within the limits and the instance's rules, for many candidates at once.

Searches and policies say in what order they would like to cache models and serve users; what is here takes
as much of that as the storage, the steps and the rules allow. Without rules it is the paper's problem.
"""

import numpy as np

from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import demand, least_steps
from mincache.problem.solution import Decisions

_HEADROOM = 1.0 - 1e-12  # part of a slot's steps that is handed out where a floor must hold: sums are rounded
NOT_WANTED = 1e308  # the size of what must not be packed, beyond any capacity
_FEW = 40  # so many items are packed faster without numpy


def fill_cache(instance: Instance, priority: Array, wanted: Array) -> Array:
    """Return the cache [..., T, M] of the wanted models, highest priority first, each if it still fits.

    Within a frame, what its first slot says holds. Under a floor on steps, a model fits only if the steps
    suffice for everybody who asks for it, in every slot of the frame. `priority` and `wanted` are [..., T,
    M]; ties go to the lower index.
    """
    size_gb, storage_gb, rules = instance.models.size_gb, instance.server.storage_gb, instance.rules
    first = frame_starts(instance) if rules.frame_slots > 1 else None
    if first is not None:
        priority, wanted = priority[..., first, :], wanted[..., first, :]
    if rules.steps_floor > 0.0:
        sizes, capacity = _resources(instance)
        taken = pack_resources(priority, np.where(wanted[..., None], sizes, NOT_WANTED), capacity)
    else:
        taken = pack_by_priority(priority, size_gb, storage_gb, wanted)
    if first is not None:
        taken = per_slot(instance, taken, axis=-2)
    return taken


def frame_starts(instance: Instance) -> Array:
    """Return the first slot of each frame."""
    return np.arange(0, instance.slot_count, instance.rules.frame_slots)


def per_slot(instance: Instance, values: Array, axis: int = 0) -> Array:
    """Return values of each frame for each of its slots: the axis has T entries then."""
    return np.repeat(values, np.diff(frame_starts(instance), append=instance.slot_count), axis=axis)


def linked_slots(instance: Instance) -> int:
    """Return how many slots in a row the rules link, 1 in the paper's problem: a frame, or all T slots."""
    if instance.rules.loading_s_per_gb > 0.0:
        return instance.slot_count
    return min(instance.rules.frame_slots, instance.slot_count)


def hits(instance: Instance, cache: Array) -> Array:
    """Return which requests are hits, bool [..., T, N]."""
    slots = np.arange(instance.slot_count)[:, None]
    return np.asarray(cache[..., slots, instance.trace.requested_model].astype(bool, copy=False))


def least_share(instance: Instance) -> Array:
    """Return the share of the steps that a hit on each model gets at least, [M]; 0 without a floor."""
    return np.asarray(least_steps(instance) / instance.server.steps)


def raise_to_floor(instance: Instance, cache: Array, step_share: Array) -> Array:
    """Return the shares with every hit raised to the floor; what more they ask for is scaled to fit."""
    if instance.rules.steps_floor == 0.0:
        return step_share
    least = _least_shares(instance, cache)
    more = np.maximum(step_share - least, 0.0)
    asked, room = more.sum(axis=-1, keepdims=True), _room(least)[..., None]
    fitting = np.divide(room, asked, out=np.ones_like(asked), where=asked > room)
    return np.asarray(least + more * fitting)


def round_feasibly(instance: Instance, decisions: Decisions) -> Decisions:
    """Return feasible decisions [T, ...] in compact form; what that takes from the floor is given back."""
    compact = decisions.compact()
    return compact._replace(step_share=raise_to_floor(instance, compact.cache, compact.step_share))


def serve(instance: Instance, cache: Array, priority: Array, wanted: Array) -> Array:
    """Return step shares [..., T, N]: A3 steps for the wanted hits in order, the floor (or none) for others.

    `cache` is [..., T, M], as `fill_cache` leaves it; `priority` and `wanted` are [..., T, N].
    """
    requested = instance.trace.requested_model
    needed = (instance.models.steps_saturation / instance.server.steps).take(requested)
    wanted = wanted & hits(instance, cache)
    if instance.rules.steps_floor == 0.0:
        served = pack_by_priority(priority, needed, 1.0, wanted)
        return np.where(served, needed, 0.0)
    least = _least_shares(instance, cache)
    served = pack_by_priority(priority, needed - least, _room(least), wanted)
    return np.where(served, needed, least)


def _least_shares(instance: Instance, cache: Array) -> Array:
    least = least_share(instance)[instance.trace.requested_model]
    return np.where(hits(instance, cache), least, 0.0)


def _room(least: Array) -> Array:
    """Return what share of the steps is left above the floor, [..., T]."""
    return np.asarray(np.maximum(_HEADROOM - least.sum(axis=-1), 0.0))


def _resources(instance: Instance) -> tuple[Array, Array]:
    """Return what a model takes of storage and each slot's steps, [frames, M, 1 + slots], and the limits."""
    M, length = instance.model_count, instance.rules.frame_slots
    frames = len(frame_starts(instance))
    share = np.zeros((frames * length, M))
    share[: instance.slot_count] = demand(instance) * least_share(instance)
    steps = share.reshape(frames, length, M).swapaxes(1, 2)
    size = np.broadcast_to(instance.models.size_gb[:, None], (frames, M, 1))
    capacity = np.full(1 + length, _HEADROOM)
    capacity[0] = instance.server.storage_gb
    return np.concatenate([size, steps], axis=2), capacity


def pack_by_priority(priority: Array, size: Array, capacity: float | Array, wanted: Array) -> Array:
    """Return which wanted items on the last axis are taken: highest priority first, each if it still fits.

    Args:
        priority: [..., I], any order of magnitude; ties go to the lower index.
        size: broadcastable to [..., I], in the unit of `capacity`.
        capacity: what the items taken may sum to; a number, or broadcastable to [...].
        wanted: [..., I], bool; other items are never taken.
    """
    needed = np.where(wanted, size, NOT_WANTED)
    items = priority.shape[-1]
    rows, needed = priority.reshape(-1, items), needed.reshape(-1, items)
    free = np.empty(priority.shape[:-1])
    free[...] = capacity
    pack = _pack_few if priority.size <= _FEW else _pack_many
    return pack(rows, needed, free.ravel()).reshape(priority.shape)


def _pack_few(priority: Array, needed: Array, free: Array) -> Array:
    """Do what `pack_by_priority` does in rows [K, I], item by item; what is not wanted is too large."""
    taken = []
    for values, sizes, left in zip(priority.tolist(), needed.tolist(), free.tolist(), strict=True):
        fits = [False] * len(values)
        for i in sorted(range(len(values)), key=values.__getitem__, reverse=True):
            if sizes[i] <= left:
                left -= sizes[i]
                fits[i] = True
        taken.append(fits)
    return np.array(taken, dtype=bool)


def _pack_many(priority: Array, needed: Array, free: Array) -> Array:
    """Do the same in one pass over the items in their order, all rows at once."""
    order = np.argsort(-priority, axis=-1, kind="stable")
    order += order.shape[1] * np.arange(len(order))[:, None]  # of all items, row after row
    fits = np.empty(order.shape[::-1], dtype=bool)
    for fit, size in zip(fits, needed.take(order.T), strict=True):
        np.less_equal(size, free, out=fit)
        np.subtract(free, size, out=free, where=fit)
    taken = np.empty(priority.shape, dtype=bool)
    taken.ravel()[order] = fits.T
    return taken


def pack_resources(priority: Array, sizes: Array, capacity: Array) -> Array:
    """Return which items are taken, as `pack_by_priority`, where each takes several resources at once.

    Args:
        priority: [..., I], any order of magnitude; ties go to the lower index.
        sizes: broadcastable to [..., I, R]; `NOT_WANTED` where an item must not be taken.
        capacity: broadcastable to [..., R], what the items taken may sum to.
    """
    *shape, items = priority.shape
    resources = np.shape(sizes)[-1]
    order = np.argsort(-priority, axis=-1, kind="stable").reshape(-1, items)
    order += items * np.arange(len(order))[:, None]  # of all items, row after row
    by_item = np.broadcast_to(sizes, (*shape, items, resources)).reshape(-1, resources)
    free = np.broadcast_to(capacity, (*shape, resources)).reshape(-1, resources).T.copy()
    fits = np.empty(order.shape[::-1], dtype=bool)
    # One pass over the items in their order, all slots and candidates at once: [R, rows].
    for fit, needed in zip(fits, by_item.take(order.T, axis=0).swapaxes(1, 2), strict=True):
        fit[:] = (needed <= free).all(axis=0) if resources > 1 else needed[0] <= free[0]
        free -= fit * needed
    taken = np.empty(priority.shape, dtype=bool)
    taken.ravel()[order] = fits.T
    return taken
