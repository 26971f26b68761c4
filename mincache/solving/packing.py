"""Filling a capacity in order of priority, for many slots and candidates at once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mincache.problem.quantity import Array

_FEW = 40
"""So many items are packed faster without numpy."""


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
    if priority.size <= _FEW:
        return _pack_few(priority, size, capacity, wanted)
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


def _pack_few(priority: Array, size: Array, capacity: float | Array, wanted: Array) -> Array:
    """Do what `pack_by_priority` does, item by item."""
    rows = priority.reshape(-1, priority.shape[-1]).tolist()
    shape = priority.shape[:-1]
    free = (
        [capacity] * len(rows)
        if np.ndim(capacity) == 0
        else np.broadcast_to(capacity, shape).ravel().tolist()
    )
    sizes, asked = _rows(size, priority.shape), _rows(wanted, priority.shape)
    taken = []
    for values, own_sizes, own_asked, left in zip(rows, sizes, asked, free, strict=True):
        fits = [False] * len(values)
        for i in sorted(range(len(values)), key=values.__getitem__, reverse=True):
            if own_asked[i] and own_sizes[i] <= left:
                left -= own_sizes[i]
                fits[i] = True
        taken.append(fits)
    return np.array(taken, dtype=bool).reshape(priority.shape)


def _rows(values: Array, shape: tuple[int, ...]) -> list[list[Any]]:
    if values.ndim == 1:
        return [values.tolist()] * math.prod(shape[:-1])
    if values.shape != shape:
        values = np.broadcast_to(values, shape)
    rows: list[list[Any]] = values.reshape(-1, shape[-1]).tolist()
    return rows


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
