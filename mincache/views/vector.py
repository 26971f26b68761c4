"""The vector view: a slot's decisions as a point of the unit cube, for any black-box optimiser.

A point of [0, 1]^(M + 2N) holds a gene for each model's place in the cache, for each user's bandwidth and
for each user's steps. A named repair turns any point into decisions within the limits and rules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mincache.errors import InputError, excerpt
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions
from mincache.solving.feasible import fill_cache, raise_to_floor, serve

MINIMUM_BANDWIDTH_GENE = 1e-3
"""Bandwidth genes below this count as this, so that every user is served."""


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


REPAIRS: dict[str, Callable[[Instance, Array], Decisions]] = {
    "threshold-priority": threshold_priority,
    "priority-serve": priority_serve,
}
"""The repairs by name; each maps points [..., T, M + 2N] to feasible decisions [..., T, M or N]."""


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
        return instance.model_count + 2 * instance.user_count

    def invert(self, instance: Instance, points: Array) -> Decisions:
        """Return the feasible decisions of points [..., T, M + 2N]."""
        return REPAIRS[self.repair](instance, points)


def _bandwidth(genes: Array) -> Array:
    return _scaled_down(np.maximum(genes, MINIMUM_BANDWIDTH_GENE))


def _scaled_down(shares: Array) -> Array:
    return np.asarray(shares / np.maximum(shares.sum(axis=-1, keepdims=True), 1.0))
