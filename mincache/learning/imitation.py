"""What to imitate: slots with the decisions of the exact method, and how far a network is from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from mincache.exact import optimum
from mincache.learning.set_networks import SetActor
from mincache.learning.slot_sets import STATE_NUMBERS, SetView
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import demand

_WANTING = 0.5  # weight of the error in what is wanted; that in the order is 1


class Examples:
    """Slots, `capacity` at most, and what is optimal in them; of fewer models than `models`, with others."""

    def __init__(self, capacity: int, models: int) -> None:
        self.count, shape = 0, (capacity, models)
        self.states = torch.zeros(capacity, models * STATE_NUMBERS)
        self.requested, self.decided = torch.zeros(2, *shape, dtype=torch.bool)
        self.cached = torch.zeros(shape)

    def add(self, instances: Sequence[Instance]) -> None:
        """Solve instances and add their slots."""
        for instance in instances:
            rows, M = slice(self.count, self.count + instance.slot_count), instance.model_count
            cache = optimum(instance).solution.cache
            self.states[rows, : M * STATE_NUMBERS] = torch.from_numpy(SetView().apply(instance))
            self.requested[rows, :M] = torch.from_numpy(demand(instance) > 0)
            self.cached[rows, :M] = torch.tensor(cache, dtype=torch.float32)
            self.decided[rows, :M] = torch.from_numpy(_decided(instance, cache))
            self.count += instance.slot_count

    def loss(self, network: SetActor, rows: Array) -> Tensor:
        """Return how far a network's scores of the slots with these numbers are from the optimum's."""
        slots = torch.from_numpy(rows)
        requested, cached = self.requested[slots], self.cached[slots]
        order, want = network.scores(self.states[slots]).chunk(2, dim=-1)
        wanted = _error(want, cached, requested & self.decided[slots])
        return _error(order, cached, requested) + _WANTING * wanted


def _decided(instance: Instance, cache: Array) -> Array:
    """Return which models are cached or would still fit, so that leaving them out was a choice, [T, M]."""
    size_gb = instance.models.size_gb
    free = instance.server.storage_gb - cache @ size_gb
    return np.asarray((cache > 0.0) | (size_gb <= free[:, None]))


def _error(score: Tensor, wanted: Tensor, where: Tensor) -> Tensor:
    """Return the mean cross entropy of scores and what they should say, where that matters."""
    error = binary_cross_entropy_with_logits(score, wanted, reduction="none")
    return (error * where).sum() / where.sum().clamp(min=1)
