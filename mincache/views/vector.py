"""The vector view: a slot's decisions as a point of the unit cube, for optimisers and for agents.

A point of [0, 1]^(M + 2N) holds a gene for each model's place in the cache, for each user's bandwidth and
for each user's steps; an agent's action (13) is such a point, stretched to [-1, 1]. The paper leaves open how
that becomes decisions within the limits and rules, so each way is a named repair here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mincache.errors import one_of
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions
from mincache.solving.feasible import fill_cache, hits, raise_to_floor, serve

Repair = Callable[..., Decisions]
"""From an instance, points [..., T, M + 2N] and a cache that may count in place of theirs, to decisions."""
MINIMUM_BANDWIDTH_GENE = 1e-3
"""Bandwidth genes below this count as this, so that every user is served."""
_SOFTMAX_SPREAD = 3.0
"""Genes of 0 and 1 differ by e^(2 * spread), about 400 times, in share."""


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


@dataclass(frozen=True)
class Parts:
    """A repair part by part; genes [..., T, M] or [..., T, N] are those of one part of a point.

    Attributes:
        cache: from the models' genes to what is cached.
        bandwidth: from the users' bandwidth genes to shares.
        steps: from a cache and the users' step genes to shares of the steps.
    """

    cache: Callable[[Instance, Array], Array]
    bandwidth: Callable[[Array], Array]
    steps: Callable[[Instance, Array, Array], Array]

    def __call__(self, instance: Instance, points: Array, cache: Array | None = None) -> Decisions:
        """Return the decisions of points [..., T, M + 2N]; `cache` [..., T, M] counts if it is given."""
        models, bandwidth, steps = split(instance, points)
        cache = self.cache(instance, models) if cache is None else cache
        return Decisions(cache, self.bandwidth(bandwidth), self.steps(instance, cache, steps))


def _from_half(instance: Instance, genes: Array) -> Array:
    """Cache models from 0.5 on, in order of their genes, each if it still fits."""
    return fill_cache(instance, genes, wanted=genes >= 0.5)


def _as_many_as_fit(instance: Instance, genes: Array) -> Array:
    """Cache models in order of their genes, each if it still fits."""
    return fill_cache(instance, genes, wanted=genes >= 0.0)  # all: genes lie in [0, 1]


def _scaled_down(shares: Array) -> Array:
    """Divide shares by their sum in slots where it passes 1."""
    return np.asarray(shares / np.maximum(shares.sum(axis=-1, keepdims=True), 1.0))


def _bandwidth(genes: Array) -> Array:
    return _scaled_down(np.maximum(genes, MINIMUM_BANDWIDTH_GENE))


def _softmax(genes: Array) -> Array:
    weights = np.exp(2.0 * _SOFTMAX_SPREAD * genes)
    weights /= np.add.reduce(weights, axis=-1, keepdims=True)
    return weights


def _shared(instance: Instance, cache: Array, genes: Array) -> Array:
    return raise_to_floor(instance, cache, _scaled_down(genes))


def _softmax_shared(instance: Instance, cache: Array, genes: Array) -> Array:
    return raise_to_floor(instance, cache, _softmax(genes))


def _part_of_saturation(instance: Instance, cache: Array, genes: Array) -> Array:
    """Give hits their gene's part of A3 steps, all scaled down where that passes L, and misses none."""
    saturation = instance.models.steps_saturation[instance.trace.requested_model] / instance.server.steps
    asked = np.where(hits(instance, cache), genes * saturation, 0.0).clip(0.0, 1.0)
    return raise_to_floor(instance, cache, _scaled_down(asked))


def _all_or_none(instance: Instance, cache: Array, genes: Array) -> Array:
    """Give A3 steps to hits from 0.5 on, in order of their genes, as long as A3 is left; others the floor.

    At an optimum every user but one a slot gets A3 steps or none (or the floor); here all do.
    """
    return serve(instance, cache, genes, wanted=genes >= 0.5)


REPAIRS: dict[str, Repair] = {
    "threshold-priority": Parts(_from_half, _bandwidth, _shared),
    "priority-serve": Parts(_from_half, _bandwidth, _all_or_none),
    # The literal reading of the paper.
    "softmax": Parts(_from_half, _softmax, _softmax_shared),
    # The actor's bounded output is a sigmoid of its last layer.
    "scaled-sigmoid": Parts(_as_many_as_fit, _softmax, _part_of_saturation),
    "serve-in-order": Parts(_as_many_as_fit, _softmax, _all_or_none),
}
"""The repairs by name; one that would give other decisions gets another name, since policies rest on them."""


@dataclass(frozen=True)
class VectorView:
    """One way to read points of the unit cube as decisions."""

    repair: str = "threshold-priority"

    def __post_init__(self) -> None:
        one_of("repair", self.repair, REPAIRS)

    def apply(self, instance: Instance) -> int:
        """Return the dimension of a slot's points, M + 2N; each coordinate lies in [0, 1]."""
        instance.check_rules()
        return size(instance)

    def invert(self, instance: Instance, points: Array) -> Decisions:
        """Return the feasible decisions of points [..., T, M + 2N]."""
        return REPAIRS[self.repair](instance, points)
