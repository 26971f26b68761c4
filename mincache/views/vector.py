"""The vector view: a slot's decisions as a point of the unit cube, for optimisers and for agents.

A point of [0, 1]^(M + 2N) holds a gene for each model's place in the cache, for each user's bandwidth and
for each user's steps; an agent's action (13) is such a point, stretched to [-1, 1]. The paper leaves open how
that becomes decisions within the limits and rules, so each way is a named repair here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mincache.errors import InputError, excerpt
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions
from mincache.solving.feasible import fill_cache, hits, raise_to_floor, serve

MINIMUM_BANDWIDTH_GENE = 1e-3
"""Bandwidth genes below this count as this, so that every user is served."""
_SOFTMAX_SPREAD = 3.0
"""Genes of 0 and 1 differ by e^(2 * spread), about 400 times, in share."""


class Repair(Protocol):
    """A function from points of the unit cube to feasible decisions."""

    def __call__(self, instance: Instance, points: Array, cache: Array | None = None) -> Decisions:
        """Return the decisions of points [..., T, M + 2N]; `cache` [..., T, M] counts if it is given."""


def size(instance: Instance) -> int:
    """Return the number of entries of a slot's point, M + 2N."""
    return instance.model_count + 2 * instance.user_count


def unit_cube(raw: Array) -> Array:
    """Return raw actions in [-1, 1] as float64 points of the unit cube."""
    points = np.maximum(raw, -1.0, dtype=np.float64)
    np.minimum(points, 1.0, out=points)
    points += 1.0
    points *= 0.5
    return points


def split(instance: Instance, points: Array) -> tuple[Array, Array, Array]:
    """Return the parts of points [..., T, M + 2N]: models [..., T, M], bandwidth and steps [..., T, N]."""
    M, N = instance.model_count, instance.user_count
    return points[..., :M], points[..., M : M + N], points[..., M + N :]


def unrepaired(instance: Instance, points: Array) -> Decisions:
    """Return the decisions that points [..., T, M + 2N] of the unit cube would be without any repair.

    A model is cached from the middle of its range upwards, and a share is the point's coordinate; what
    limits these decisions break tells how much of the work a repair does.
    """
    models, bandwidth, steps = split(instance, points)
    return Decisions(models >= 0.5, bandwidth, steps)


def threshold_priority(instance: Instance, points: Array, cache: Array | None = None) -> Decisions:
    """Models with a gene of at least 0.5, in order of their genes, as long as they fit; shares scaled.

    Shares are divided by their sum in slots where it passes 1, and left as they are elsewhere. Where genes no
    longer decide it, `cache` [..., T, M] says what is cached.
    """
    cache_genes, bandwidth_genes, step_genes = split(instance, points)
    cache = fill_cache(instance, cache_genes, wanted=cache_genes >= 0.5) if cache is None else cache
    steps = raise_to_floor(instance, cache, _scaled_down(step_genes))
    return Decisions(cache, _bandwidth(bandwidth_genes), steps)


def priority_serve(instance: Instance, points: Array, cache: Array | None = None) -> Decisions:
    """Storage as in `threshold_priority`; a hit is given A3 steps or none, in order of its step gene.

    At an optimum every user but one a slot gets A3 steps or none (or the floor); here all do.
    """
    cache_genes, bandwidth_genes, step_genes = split(instance, points)
    cache = fill_cache(instance, cache_genes, wanted=cache_genes >= 0.5) if cache is None else cache
    steps = serve(instance, cache, step_genes, wanted=step_genes >= 0.5)
    return Decisions(cache, _bandwidth(bandwidth_genes), steps)


def softmax(instance: Instance, points: Array, cache: Array | None = None) -> Decisions:
    """The literal reading: models from 0.5 in order of score; both shares are a softmax over all users."""
    models, bandwidth, steps = split(instance, points)
    cache = fill_cache(instance, models, wanted=models >= 0.5) if cache is None else cache
    return Decisions(cache, _softmax(bandwidth), raise_to_floor(instance, cache, _softmax(steps)))


def scaled_sigmoid(instance: Instance, points: Array, cache: Array | None = None) -> Decisions:
    """Models in order of score, each if it still fits; a hit is given its coordinate's part of A3 steps.

    The actor's bounded output is a sigmoid of its last layer. Misses get no steps, and where the hits'
    steps pass L all are scaled down. Bandwidth is a softmax over all users.
    """
    models, bandwidth, steps = split(instance, points)
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
    models, bandwidth, steps = split(instance, points)
    cache = _as_many_as_fit(instance, models) if cache is None else cache
    return Decisions(cache, _softmax(bandwidth), serve(instance, cache, steps, wanted=steps >= 0.5))


REPAIRS: dict[str, Repair] = {
    "threshold-priority": threshold_priority,
    "priority-serve": priority_serve,
    "softmax": softmax,
    "scaled-sigmoid": scaled_sigmoid,
    "serve-in-order": serve_in_order,
}
"""The repairs by name; one that would give other decisions gets another name, since policies rest on them."""


@dataclass(frozen=True)
class VectorView:
    """One way to read points of the unit cube as decisions."""

    repair: str = "threshold-priority"

    def __post_init__(self) -> None:
        if self.repair not in REPAIRS:
            raise InputError("repair", f"must be one of {', '.join(REPAIRS)}", excerpt(self.repair))

    def apply(self, instance: Instance) -> int:
        """Return the dimension of a slot's points, M + 2N; each coordinate lies in [0, 1]."""
        instance.check_rules()
        return size(instance)

    def invert(self, instance: Instance, points: Array) -> Decisions:
        """Return the feasible decisions of points [..., T, M + 2N]."""
        return REPAIRS[self.repair](instance, points)


def _bandwidth(genes: Array) -> Array:
    return _scaled_down(np.maximum(genes, MINIMUM_BANDWIDTH_GENE))


def _scaled_down(shares: Array) -> Array:
    return np.asarray(shares / np.maximum(shares.sum(axis=-1, keepdims=True), 1.0))


def _as_many_as_fit(instance: Instance, scores: Array) -> Array:
    return fill_cache(instance, scores, wanted=np.ones(scores.shape, dtype=bool))


def _softmax(points: Array) -> Array:
    weights = np.exp(2.0 * _SOFTMAX_SPREAD * points)
    weights /= np.add.reduce(weights, axis=-1, keepdims=True)
    return weights
