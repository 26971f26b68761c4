"""The best bandwidth and steps for given caches, so that a search need look for caches alone."""

from functools import lru_cache

import numpy as np

from mincache.errors import InputError, excerpt
from mincache.exact.passes import FrameSearch, step_shares
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions, Solution

prepared = lru_cache(maxsize=16)(FrameSearch)
"""What does not depend on the caches."""


def serve(instance: Instance, cache: Array) -> Solution:
    """Return the best solution with this cache: exact bandwidth and denoising steps in every slot.

    The cache, 0 or 1 in [T, M] and the same within each frame, may be too large. Under a floor on steps, a
    slot whose steps do not suffice for its hits gets none, which breaks the constraint `quality`.

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


def serve_batch(instance: Instance, caches: Array, first_slot: int | None = None) -> Decisions:
    """Return the best decisions with each of these caches [..., S, M], as `serve` finds them for one.

    They are of S slots from `first_slot` on, by default of all T.

    Example:
        >>> import mincache, numpy
        >>> instance = mincache.load("smoke-v1.l0.n10.t0")
        >>> one_each = numpy.eye(instance.model_count)[:, None, :].repeat(instance.slot_count, axis=1)
        >>> scores = mincache.evaluate_batch(instance, mincache.serve_batch(instance, one_each))
        >>> scores.cost.shape == (instance.model_count,)
        True
    """
    cached, first = _checked(instance, caches, first_slot), first_slot or 0
    S, N, search = cached.shape[-2], instance.user_count, prepared(instance)
    by_slot = np.ascontiguousarray(cached.reshape(-1, S, cached.shape[-1]).swapaxes(0, 1))
    steps = search.served_steps(by_slot, first).swapaxes(0, 1).reshape(*cached.shape[:-1], N)
    bandwidth = np.broadcast_to(search.bandwidth[first : first + S], steps.shape)
    return Decisions(cached, bandwidth, step_shares(instance, steps))


def _checked(instance: Instance, caches: Array, first_slot: int | None) -> Array:
    """Return caches as bool [..., S, M], which keep the instance's frames."""
    rule = "must be an array of numbers"
    try:
        values = np.asarray(caches)
    except ValueError:
        raise InputError("cache", rule, "rows of different lengths") from None
    if values.dtype.kind not in "biuf":
        raise InputError("cache", rule, f"an array of {values.dtype}")
    M, frame = instance.model_count, instance.rules.frame_slots
    S = instance.slot_count
    if first_slot is not None:
        S = values.shape[-2] if values.ndim > 1 else 1
        check_slots(instance, first_slot, S)
    if values.shape[-2:] != (S, M):
        raise InputError("cache", f"must have the shape [{S}][{M}]", str(list(values.shape)))
    cached = values.astype(bool)
    if not np.array_equal(cached, values):
        odd = values[cached != values][0].item()
        raise InputError("cache", "must be 0 or 1 everywhere", excerpt(odd))
    if frame > 1:
        slot = np.arange(S)
        changed = (cached != cached[..., slot - slot % frame, :]).any(axis=-1)
        if changed.any():
            rule = f"must stay the same within each frame of {frame} slots"
            raise InputError("cache", rule, f"another one in slot {int(np.argwhere(changed)[0, -1])}")
    return cached


def check_slots(instance: Instance, first: int, count: int) -> None:
    """Check that so many slots from `first` on are there, and begin a frame."""
    T, frame = instance.slot_count, instance.rules.frame_slots
    if not isinstance(first, int | np.integer) or not 0 <= first <= T - count:
        raise InputError("first_slot", f"must be a slot from 0 to {T - count}", excerpt(first))
    if first % frame or (count % frame and first + count < T):
        received = f"{count} slots from slot {first} on"
        raise InputError("first_slot", f"must begin whole frames of {frame} slots", received)


def checked_cache(field: str, cache: object, models: int) -> Array:
    """Return a cache of one slot, M numbers that must be 0 or 1, as bool [M]."""
    try:
        values = np.asarray(cache, dtype=np.float64)
    except (ValueError, TypeError):
        values = np.empty(0)
    if values.shape != (models,) or not np.isin(values, (0.0, 1.0)).all():
        raise InputError(field, f"must be an array of {models} numbers, 0 or 1", excerpt(cache))
    return np.asarray(values == 1.0)
