"""When to hold each model, were there no limits: for every model alone, the cheapest path through the frames.

At prices for storage and steps, rules that link slots leave nothing else to decide: in each frame a model is
cached or not, and to begin costs what loading it does. So a bound over the whole horizon, and which of the
models that fit are worth their loading, both come from a path through two states.
"""

from __future__ import annotations

import numpy as np

from mincache.algebra.service_cost import loading_cost, per_slot
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.solving.feasible import frame_starts


def cheapest_paths(instance: Instance, cached: Array, possible: Array) -> tuple[float, Array]:
    """Return the least cost of holding models, and when they are held, bool [T, M].

    Args:
        instance: whose frames and loading count.
        cached: [T, M], cost of a model that is cached above its cost when it is not, loading left out.
        possible: bool [T, M], where a model may be cached; the same in all slots of a frame.
    """
    first = frame_starts(instance)
    held = np.where(possible[first], np.add.reduceat(cached, first, axis=0), np.inf)
    cost, frames = _paths(held, loading_cost(instance)[first])
    return float(cost.sum()), per_slot(instance, frames)


def _paths(held: Array, load: Array) -> tuple[Array, Array]:
    """Return each model's least cost [M], and in which frames it is cached, bool [frames, M].

    Args:
        held: [frames, M], cost of a frame in which the model is cached; without it, a frame costs nothing.
        load: [frames, M], what comes on top where it was not cached in the frame before.
    """
    away_cost, held_cost = np.zeros(held.shape[1]), np.full(held.shape[1], np.inf)
    stayed, dropped = np.zeros((2, *held.shape), dtype=bool)  # was it cached before, on the best path here?
    for k in range(len(held)):
        stayed[k] = held_cost <= away_cost + load[k]
        dropped[k] = held_cost < away_cost
        best = np.minimum(held_cost, away_cost + load[k])
        away_cost, held_cost = np.minimum(away_cost, held_cost), held[k] + best
    path = np.zeros(held.shape, dtype=bool)
    now = held_cost < away_cost
    for k in reversed(range(len(held))):
        path[k] = now
        now = np.where(now, stayed[k], dropped[k])
    return np.minimum(away_cost, held_cost), path
