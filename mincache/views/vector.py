"""The vector view: a slot's decisions as a point of the unit cube, for any black-box optimiser.

A point of [0, 1]^(M + 2N) holds a gene for each model's place in the cache, for each user's bandwidth and
for each user's steps. A named repair turns any point into feasible decisions, so that a search never
leaves the feasible set; what a repair does decides more than how long one searches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mincache.errors import InputError, shown
from mincache.instance import Instance
from mincache.packing import pack_by_priority
from mincache.quantity import Array
from mincache.solution import Decisions

MINIMUM_BANDWIDTH_GENE = 1e-3
"""Bandwidth genes below this count as this, so that every user is served."""


def threshold_priority(instance: Instance, points: Array) -> Decisions:
    """Models with a gene of at least 0.5, in order of their genes, as long as they fit; shares scaled.

    Shares are divided by their sum in slots where it passes 1, and left as they are elsewhere.
    """
    cache_genes, bandwidth_genes, step_genes = _split(instance, points)
    cache = fill_storage(instance, cache_genes, wanted=cache_genes >= 0.5)
    return Decisions(cache, _bandwidth(bandwidth_genes), _scaled_down(step_genes))


def priority_serve(instance: Instance, points: Array) -> Decisions:
    """Storage as in `threshold_priority`; a hit is given A3 steps or none, in order of its step gene.

    At an optimum every user but one a slot gets A3 steps or none; here all do.
    """
    cache_genes, bandwidth_genes, step_genes = _split(instance, points)
    cache = fill_storage(instance, cache_genes, wanted=cache_genes >= 0.5)
    needed = instance.models.steps_saturation[instance.trace.requested_model] / instance.server.steps
    slots = np.arange(instance.slot_count)[:, None]
    hit = cache[..., slots, instance.trace.requested_model]
    served = pack_by_priority(
        step_genes, np.broadcast_to(needed, step_genes.shape), 1.0, wanted=hit & (step_genes >= 0.5)
    )
    return Decisions(cache, _bandwidth(bandwidth_genes), np.where(served, needed, 0.0))


REPAIRS: dict[str, Callable[[Instance, Array], Decisions]] = {
    "threshold-priority": threshold_priority,
    "priority-serve": priority_serve,
}
"""The repairs by name; each maps points [..., T, M + 2N] to feasible decisions [..., T, M or N]."""


@dataclass(frozen=True)
class VectorView:
    """One way to read points of the unit cube as decisions.

    Args:
        repair: one of `REPAIRS`.

    Raises:
        InputError: if there is no repair of that name.
    """

    repair: str = "threshold-priority"

    def __post_init__(self) -> None:
        if self.repair not in REPAIRS:
            raise InputError("repair", f"must be one of {', '.join(REPAIRS)}", shown(self.repair))

    def apply(self, instance: Instance) -> int:
        """Return the dimension of a slot's points, M + 2N; each coordinate lies in [0, 1]."""
        return instance.model_count + 2 * instance.user_count

    def invert(self, instance: Instance, points: Array) -> Decisions:
        """Return the feasible decisions of points [..., T, M + 2N]."""
        return REPAIRS[self.repair](instance, points)


def _split(instance: Instance, points: Array) -> tuple[Array, Array, Array]:
    M, N = instance.model_count, instance.user_count
    return points[..., :M], points[..., M : M + N], points[..., M + N :]


def fill_storage(instance: Instance, priority: Array, wanted: Array) -> Array:
    """Return the cache [..., T, M] of the wanted models, highest priority first, each if it still fits."""
    size = np.broadcast_to(instance.models.size_gb, priority.shape)
    return pack_by_priority(priority, size, instance.server.storage_gb, wanted)


def _bandwidth(genes: Array) -> Array:
    return _scaled_down(np.maximum(genes, MINIMUM_BANDWIDTH_GENE))


def _scaled_down(shares: Array) -> Array:
    return np.asarray(shares / np.maximum(shares.sum(axis=-1, keepdims=True), 1.0))
