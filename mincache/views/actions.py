"""From what a network says to feasible decisions: the action (13), a point of [-1, 1]^(M + 2N).

It scores each model's place in the cache, each user's bandwidth and each user's steps; the paper leaves open
how that becomes decisions within the limits and rules, so each way is a named, versioned map here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions
from mincache.solving.feasible import fill_cache, hits, raise_to_floor, serve
from mincache.views import vector

_SOFTMAX_SPREAD = 3.0
"""Scores of -1 and 1 differ by e^(2 * spread), about 400 times, in share."""


class Repair(Protocol):
    """A function from points of the unit cube to feasible decisions."""

    def __call__(self, instance: Instance, points: Array, cache: Array | None = None) -> Decisions:
        """Return the decisions of points [..., T, M + 2N]; `cache` [..., T, M] counts if it is given."""


@dataclass(frozen=True)
class ActionMap:
    """One way to read raw actions as feasible decisions.

    Attributes:
        version: changes whenever any action could come to mean other decisions; a policy is trained for
            one version.
        repair: from points [..., T, M + 2N] of the unit cube to feasible decisions.
    """

    version: int
    repair: Repair

    def decide(self, instance: Instance, raw: Array, cache: Array | None = None) -> Decisions:
        """Return the feasible decisions of raw actions [..., T, M + 2N], clipped; `cache` as in `Repair`."""
        return self.repair(instance, unit_cube(raw), cache)


def size(instance: Instance) -> int:
    """Return the number of entries of a slot's action, M + 2N."""
    return instance.model_count + 2 * instance.user_count


def unit_cube(raw: Array) -> Array:
    """Return raw actions in [-1, 1] as float64 points of the unit cube."""
    points = np.maximum(raw, -1.0, dtype=np.float64)
    np.minimum(points, 1.0, out=points)
    points += 1.0
    points /= 2.0
    return points


def unrepaired(instance: Instance, raw: Array) -> Decisions:
    """Return the decisions that raw actions [..., T, M + 2N] would be without any repair."""
    return vector.unrepaired(instance, unit_cube(raw))


def softmax(instance: Instance, points: Array, cache: Array | None = None) -> Decisions:
    """The literal reading: models from 0.5 in order of score; both shares are a softmax over all users."""
    models, bandwidth, steps = vector.split(instance, points)
    cache = fill_cache(instance, models, wanted=models >= 0.5) if cache is None else cache
    return Decisions(cache, _softmax(bandwidth), raise_to_floor(instance, cache, _softmax(steps)))


def scaled_sigmoid(instance: Instance, points: Array, cache: Array | None = None) -> Decisions:
    """Models in order of score, each if it still fits; a hit is given its coordinate's part of A3 steps.

    The actor's bounded output is a sigmoid of its last layer. Misses get no steps, and where the hits'
    steps pass L all are scaled down. Bandwidth is a softmax over all users.
    """
    models, bandwidth, steps = vector.split(instance, points)
    cache = _as_many_as_fit(instance, models) if cache is None else cache
    saturation = instance.models.steps_saturation[instance.trace.requested_model] / instance.server.steps
    asked = np.where(hits(instance, cache), steps * saturation, 0.0).clip(0.0, 1.0)
    shares = asked / np.maximum(asked.sum(axis=-1, keepdims=True), 1.0)
    return Decisions(cache, _softmax(bandwidth), raise_to_floor(instance, cache, shares))


def serve_in_order(instance: Instance, points: Array, cache: Array | None = None) -> Decisions:
    """Models in order of score, each if it still fits; a hit is given A3 steps or none.

    Steps go to the hits with a coordinate of at least 0.5, in order of it, as long as A3 is left, which is
    what an optimum looks like but for one user a slot. Bandwidth is a softmax over all users.
    """
    models, bandwidth, steps = vector.split(instance, points)
    cache = _as_many_as_fit(instance, models) if cache is None else cache
    return Decisions(cache, _softmax(bandwidth), serve(instance, cache, steps, wanted=steps >= 0.5))


ACTIONS: dict[str, ActionMap] = {
    "softmax": ActionMap(1, softmax),
    "scaled-sigmoid": ActionMap(1, scaled_sigmoid),
    "serve-in-order": ActionMap(1, serve_in_order),
    "threshold-priority": ActionMap(1, vector.threshold_priority),
    "priority-serve": ActionMap(1, vector.priority_serve),
}
"""The maps by name."""


def _as_many_as_fit(instance: Instance, scores: Array) -> Array:
    return fill_cache(instance, scores, wanted=np.ones(scores.shape, dtype=bool))


def _softmax(points: Array) -> Array:
    weights = np.exp(2.0 * _SOFTMAX_SPREAD * points)
    weights /= np.add.reduce(weights, axis=-1, keepdims=True)
    return weights
