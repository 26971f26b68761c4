"""The best bandwidth and steps for given caches, so that a search need look for caches alone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from mincache.errors import InputError, excerpt
from mincache.exact.passes import FrameSearch, step_shares
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions, Solution


def serve(instance: Instance, cache: Array) -> Solution:
    """Return the best solution with this cache: exact bandwidth and denoising steps in every slot.

    The steps of a slot are a knapsack, solved by branch and bound. The cache itself is not judged:
    `evaluate` says whether it fits the storage. Under a floor on steps, a slot whose steps do not suffice
    for its hits gets none, which breaks the constraint `quality`.

    Raises:
        InputError: if the cache is not [T, M], 0 or 1, and the same within each frame.

    Example:
        >>> import mincache, numpy
        >>> instance = mincache.load("smoke-v1.l0.n10.t0")
        >>> cache = numpy.zeros((instance.slot_count, instance.model_count))
        >>> cache[:, :3] = 1  # the three most popular models
        >>> mincache.evaluate(instance, mincache.serve(instance, cache)).feasible
        True
    """
    found = serve_batch(instance, cache)
    if found.cache.ndim != 2:
        rule, advice = "must have the shape [T][M]", "for a batch of caches call mincache.serve_batch"
        raise InputError("cache", rule, f"{found.cache.ndim} axes", advice)
    return Solution.of(instance, found)


def serve_batch(instance: Instance, caches: Array) -> Decisions:
    """Return the best decisions with each of these caches [..., T, M], as `serve` finds them for one.

    They have the same leading axes, as `evaluate_batch` takes them.

    Raises:
        InputError: if the caches have another shape or other values, or change within a frame.

    Example:
        >>> import mincache, numpy
        >>> instance = mincache.load("smoke-v1.l0.n10.t0")
        >>> one_each = numpy.eye(instance.model_count)[:, None, :].repeat(instance.slot_count, axis=1)
        >>> scores = mincache.evaluate_batch(instance, mincache.serve_batch(instance, one_each))
        >>> scores.cost.shape == (instance.model_count,)
        True
    """
    cached = _checked(instance, caches)
    T, N, M = instance.slot_count, instance.user_count, instance.model_count
    search = _prepared(instance)
    by_slot = np.ascontiguousarray(cached.reshape(-1, T, M).swapaxes(0, 1))
    steps = search.served_steps(by_slot).swapaxes(0, 1).reshape(*cached.shape[:-1], N)
    return Decisions(cached, np.broadcast_to(search.bandwidth, steps.shape), step_shares(instance, steps))


def _checked(instance: Instance, caches: Array) -> Array:
    """Return caches as bool [..., T, M], which keep the instance's frames."""
    rule = "must be an array of numbers"
    try:
        values = np.asarray(caches)
    except ValueError:
        raise InputError("cache", rule, "rows of different lengths") from None
    if values.dtype.kind not in "biuf":
        raise InputError("cache", rule, f"an array of {values.dtype}")
    T, M, frame = instance.slot_count, instance.model_count, instance.rules.frame_slots
    if values.shape[-2:] != (T, M):
        raise InputError("cache", f"must have the shape [{T}][{M}]", str(list(values.shape)))
    cached = values.astype(bool)
    if not np.array_equal(cached, values):
        odd = values[cached != values][0].item()
        raise InputError("cache", "must be 0 or 1 everywhere", excerpt(odd))
    if frame > 1:
        slot = np.arange(T)
        changed = (cached != cached[..., slot - slot % frame, :]).any(axis=-1)
        if changed.any():
            rule = f"must stay the same within each frame of {frame} slots"
            raise InputError("cache", rule, f"another one in slot {int(np.argwhere(changed)[0, -1])}")
    return cached


@lru_cache(maxsize=16)
def _prepared(instance: Instance) -> FrameSearch:
    """Return what does not depend on the caches."""
    return FrameSearch(instance)
