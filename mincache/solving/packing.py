"""Filling a capacity in order of priority, for many slots and candidates at once."""

from __future__ import annotations

import numpy as np

from mincache.problem.quantity import Array


def pack_by_priority(priority: Array, size: Array, capacity: float | Array, wanted: Array) -> Array:
    """Take the wanted items along the last axis, highest priority first, each if it still fits.

    Args:
        priority: [..., I], any order of magnitude; ties go to the lower index.
        size: broadcastable to [..., I], in the unit of `capacity`.
        capacity: what the items taken may sum to; a number, or broadcastable to [...].
        wanted: [..., I], bool; other items are never taken.

    Returns:
        [..., I], bool: which items are taken.
    """
    order = np.argsort(-priority, axis=-1, kind="stable")
    sizes = np.take_along_axis(np.where(wanted, size, np.inf), order, axis=-1)
    free = np.broadcast_to(capacity, priority.shape[:-1])
    taken = np.zeros(priority.shape, dtype=bool)
    for i in range(priority.shape[-1]):  # one pass over the items, all slots and candidates at once
        fits = sizes[..., i] <= free
        free = np.where(fits, free - sizes[..., i], free)
        taken[..., i] = fits
    result = np.empty_like(taken)
    np.put_along_axis(result, order, taken, axis=-1)
    return result


def pack_resources(priority: Array, sizes: Array, capacity: Array, wanted: Array) -> Array:
    """Take the wanted items as `pack_by_priority` does, where each takes several resources at once.

    Args:
        priority: [..., I], any order of magnitude; ties go to the lower index.
        sizes: broadcastable to [..., I, R], what an item takes of each of R resources.
        capacity: [R], what the items taken may sum to.
        wanted: [..., I], bool; other items are never taken.

    Returns:
        [..., I], bool: which items are taken.
    """
    order = np.argsort(-priority, axis=-1, kind="stable")
    ordered = np.take_along_axis(
        np.broadcast_to(sizes, (*priority.shape, len(capacity))), order[..., None], -2
    )
    asked = np.take_along_axis(wanted, order, axis=-1)
    free = np.broadcast_to(capacity, (*priority.shape[:-1], len(capacity)))
    taken = np.zeros(priority.shape, dtype=bool)
    for i in range(priority.shape[-1]):
        fits = asked[..., i] & (ordered[..., i, :] <= free).all(axis=-1)
        free = np.where(fits[..., None], free - ordered[..., i, :], free)
        taken[..., i] = fits
    result = np.empty_like(taken)
    np.put_along_axis(result, order, taken, axis=-1)
    return result
