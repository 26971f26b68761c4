"""What can be decided when users are taken together: who asks for what, where, and at what cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mincache.algebra.service_cost import ServiceTable, loading_cost, sum_by_model
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.solving.feasible import frame_starts, per_slot


@dataclass(frozen=True, eq=False)
class Cells:
    """The models requested in each slot, and the frames in which caching one is of use.

    A cell is a model requested in a slot, ordered by slot and then by model. A holding is a model in a frame
    where it is requested, or is so in the first slot of the next one and then need not be loaded.

    Attributes:
        slot: [cells].
        model: [cells].
        count: [cells], how many ask for the model.
        cell: [T, N], which cell a request belongs to.
        least: [cells], steps of a hit at least.
        low: [cells], steps at which quality begins to improve, cut off at L.
        high: [cells], A3, cut off at L.
        low_saving: [cells], what a hit costs less with `low` steps than with `least`.
        high_saving: [cells], and with `high` steps.
        frame: [holdings].
        held_model: [holdings].
        holding: [cells], the holding that a cell belongs to.
        hit_cost: [cells], what all its requests cost more as hits with `least` steps than in the cloud.
        held_cost: [holdings], the same for all its cells.
        loads: [loads], the cells in which a model may have to be loaded, but for those of the first slot.
        before: [loads], the holding of the frame before.
        wait: [loads], what loading costs.
        first_wait: [holdings], what loading before the first slot costs.
        cloud_cost: [T], of all requests in the cloud.
    """

    slot: Array
    model: Array
    count: Array
    cell: Array
    least: Array
    low: Array
    high: Array
    low_saving: Array
    high_saving: Array
    frame: Array
    held_model: Array
    holding: Array
    hit_cost: Array
    held_cost: Array
    loads: Array
    before: Array
    wait: Array
    first_wait: Array
    cloud_cost: Array

    @classmethod
    def of(cls, instance: Instance) -> Cells:
        """Return the cells and holdings of `instance`."""
        T, M, F = instance.slot_count, instance.model_count, instance.rules.frame_slots
        table = ServiceTable.of(instance)
        place = instance.trace.requested_model + M * np.arange(T)[:, None]
        places, first, cell, count = np.unique(
            place.ravel(), return_index=True, return_inverse=True, return_counts=True
        )
        slot, model = np.divmod(places, M)
        steps, cost = (values.reshape(-1, 3, 2)[first] for values in (table.steps, table.edge_cost))

        wait = loading_cost(instance)[slot, model]
        key = slot // F * M + model
        loads = np.flatnonzero((wait > 0.0) & (slot >= F))
        keys = np.unique(np.concatenate([key, key[loads] - M]))
        holding = np.searchsorted(keys, key)
        hit = sum_by_model(instance, table.edge_cost[..., 0, 0] - table.cloud_cost)[slot, model]
        return cls(
            slot, model, count, cell.reshape(place.shape),
            least=steps[:, 0, 0], low=steps[:, 1, 0], high=steps[:, 1, 1],
            low_saving=cost[:, 0, 0] - cost[:, 1, 0], high_saving=cost[:, 0, 0] - cost[:, 1, 1],
            frame=keys // M, held_model=keys % M, holding=holding,
            hit_cost=hit, held_cost=np.bincount(holding, hit, keys.size),
            loads=loads, before=np.searchsorted(keys, key[loads] - M), wait=wait[loads],
            first_wait=np.bincount(holding, np.where(slot < F, wait, 0.0), keys.size),
            cloud_cost=table.cloud_cost.sum(axis=1),
        )  # fmt: skip

    @cached_property
    def rank(self) -> Array:
        """How many users before it ask for the same model in the same slot, for each request, [T, N]."""
        requests = self.cell.ravel()
        order = np.argsort(requests, kind="stable")
        rank = np.empty_like(requests)
        rank[order] = np.arange(requests.size) - np.repeat(np.cumsum(self.count) - self.count, self.count)
        return rank.reshape(self.cell.shape)

    def steps(self, served: Array, cached: Array) -> Array:
        """Return each request's steps, [T, N]: `high` for so many of a cell in turn, `least` for the others.

        Args:
            served: [cells], not necessarily whole: what is over is given to the next one.
            cached: [cells], in [0, 1]: how far the model is cached, and so how far each request is a hit.
        """
        hit = cached[self.cell]
        full = np.clip(served[self.cell] - self.rank * hit, 0.0, hit)
        return np.asarray(hit * self.least[self.cell] + full * (self.high - self.least)[self.cell])

    def cache(self, instance: Instance, held: Array) -> Array:
        """Return the values of holdings as those of models in slots, [T, M]; 0 elsewhere."""
        values = np.zeros((len(frame_starts(instance)), instance.model_count), dtype=held.dtype)
        values[self.frame, self.held_model] = held
        return per_slot(instance, values)
