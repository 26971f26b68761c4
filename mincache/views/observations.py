"""What an agent sees of a slot: the state (12) as a vector of numbers of order one.

Gains and sizes enter as logarithms. How the requests phi are written is a named choice.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from mincache.problem.instance import Instance, Rules
from mincache.problem.quantity import Array

LIMIT = 10.0
"""Every entry of an observation is clipped to [-LIMIT, LIMIT], so that the space of states is a box."""

_TYPICAL_GAIN = 1e-10  # at about 180 m in (3)
_TYPICAL_BITS = 6e7  # 7.5 MB, the middle of Table I's ranges


def observe(instance: Instance, name: str) -> Array:
    """Return the states (12) of the slots, float32 [T, size] within [-LIMIT, LIMIT].

    Each holds gamma, then h, d^in and d^op of each user, then the requests as one of `OBSERVATIONS` has them.
    """
    trace = instance.trace
    parts = (
        trace.skewness[:, None],
        np.log10(trace.channel_gain / _TYPICAL_GAIN),
        np.log2(trace.input_bits / _TYPICAL_BITS),
        np.log2(instance.models.output_bits / _TYPICAL_BITS).take(trace.requested_model),
    )
    states = np.concatenate([*parts, *OBSERVATIONS[name](instance)], axis=1, dtype=np.float32)
    drawn = states[:, : requests_start(instance.user_count)]
    np.maximum(drawn, -LIMIT, out=drawn)
    np.minimum(drawn, LIMIT, out=drawn)
    return states


def observation_size(instance: Instance, name: str) -> int:
    """Return the number of entries of a state."""
    return int(observe(instance.slot(0), name).shape[1])


def memory(rules: Rules, cached: Array, slots: Array) -> Array:
    """Return what an agent must know of the slots before, float32 [T, memory_size]; nothing without rules.

    First `cached` [T, M], what was cached before each slot; then, if a frame has several slots, where in its
    frame the slot of each number [T] stands, as a fraction of the frame.
    """
    if not rules.link_slots:
        return np.empty((len(cached), 0), dtype=np.float32)
    parts = [cached]
    if rules.frame_slots > 1:
        parts.append((slots % rules.frame_slots / rules.frame_slots)[:, None])
    return np.concatenate(parts, axis=1, dtype=np.float32)


def memory_size(rules: Rules, models: int) -> int:
    """Return the number of entries that `memory` adds to a state."""
    return rules.link_slots * models + (rules.frame_slots > 1)


def requests_start(users: int) -> int:
    """Return where the requests begin in an observation."""
    return 1 + 3 * users


def _index(instance: Instance) -> tuple[Array]:
    """The requests phi as the paper prints them, as indices, scaled to [0, 1)."""
    return (instance.trace.requested_model / instance.model_count,)


def _one_hot(instance: Instance) -> tuple[Array]:
    """An indicator of each user's model, [T, N M]."""
    return (_asks(instance).reshape(instance.slot_count, -1),)


def _counts(instance: Instance) -> tuple[Array, Array]:
    """`_one_hot`, then how many ask for each model relative to the mean N / M, [T, M]."""
    asks = _asks(instance)
    relative = _relative(instance.user_count, instance.model_count).take(np.add.reduce(asks, axis=1))
    return asks.reshape(len(asks), -1), relative


def _asks(instance: Instance) -> Array:
    """Whether each user asks for each model, bool [T, N, M]."""
    return _indicators(instance.model_count).take(instance.trace.requested_model, axis=0)


@cache
def _indicators(models: int) -> Array:
    return np.eye(models, dtype=bool)


@cache
def _relative(users: int, models: int) -> Array:
    """What `_counts` writes for 0 to N requests."""
    return np.minimum(np.arange(users + 1) / users * models, LIMIT)


OBSERVATIONS: dict[str, Callable[[Instance], tuple[Array, ...]]] = {
    "index": _index, "one-hot": _one_hot, "counts": _counts,
}  # fmt: skip
"""What writes the requests as arrays [T, any] side by side, by name; another way gets another name."""
