"""What to imitate: slots with the decisions of the exact method, and how far a network is from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from mincache.exact import optimum
from mincache.learning.set_networks import SlotNetwork
from mincache.learning.slot_sets import FEATURES, USER_FEATURES, aggregates
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import demand

_WANTING, _SERVING, _BANDWIDTH = 0.5, 0.5, 0.5  # weights of the errors; that in the order is 1


class Examples:
    """Slots, `capacity` at most, and what is optimal in them.

    A slot of fewer `models` is padded with some that nobody asks for. Of its users only the first are kept.
    """

    def __init__(self, capacity: int, models: int, users: int) -> None:
        self.count = 0
        self.features = torch.zeros(capacity, models, FEATURES)
        self.requested = torch.zeros(capacity, models, dtype=torch.bool)
        self.cached = torch.zeros(capacity, models)
        self.decided = torch.zeros(capacity, models, dtype=torch.bool)
        self.served = torch.zeros(capacity, models)
        self.users = torch.zeros(capacity, users, USER_FEATURES)
        self.log_share = torch.zeros(capacity, users)

    def add(self, instances: Sequence[Instance]) -> None:
        """Solve instances and add their slots."""
        for instance in instances:
            rows, M = slice(self.count, self.count + instance.slot_count), instance.model_count
            best, seen = optimum(instance).solution, aggregates(instance)
            self.features[rows, :M] = torch.from_numpy(seen.features)
            self.requested[rows, :M] = torch.from_numpy(seen.requested)
            self.cached[rows, :M] = torch.tensor(best.cache)
            self.decided[rows, :M] = torch.from_numpy(_decided(instance, best.cache))
            self.served[rows, :M] = torch.from_numpy(_served(instance, best.step_share))
            self.users[rows] = torch.from_numpy(seen.users[:, : self.users.shape[1]])
            self.log_share[rows] = torch.from_numpy(np.log(best.bandwidth_share[:, : self.users.shape[1]]))
            self.count += instance.slot_count

    def loss(self, network: SlotNetwork, rows: Array) -> Tensor:
        """Return how far a network's scores of the slots with these numbers are from the optimum's."""
        slots = torch.from_numpy(rows)
        requested, cached = self.requested[slots], self.cached[slots]
        cache, want, serve, bandwidth = network(self.features[slots], requested, self.users[slots])
        order = _error(cache, cached, requested)
        wanted = _error(want, cached, requested & self.decided[slots])
        # What a model that is not cached would be served with is nobody's concern.
        steps = _error(serve, self.served[slots], requested & (cached > 0.0))
        shares = mse_loss(_centred(bandwidth), _centred(self.log_share[slots]))
        return order + _WANTING * wanted + _SERVING * steps + _BANDWIDTH * shares


def _served(instance: Instance, step_share: Array) -> Array:
    """Return the part of A3 steps that the users of each model get on average, [T, M]."""
    requested, asks = instance.trace.requested_model, np.arange(instance.model_count)
    full = (instance.models.steps_saturation / instance.server.steps)[requested]
    total = ((step_share / full)[..., None] * (requested[..., None] == asks)).sum(axis=1)
    return np.asarray((total / np.maximum(demand(instance), 1)).clip(0.0, 1.0))


def _decided(instance: Instance, cache: Array) -> Array:
    """Return which models are cached or would still fit, so that leaving them out was a choice, [T, M]."""
    size_gb = instance.models.size_gb
    free = instance.server.storage_gb - cache @ size_gb
    return np.asarray((cache > 0.0) | (size_gb <= free[:, None]))


def _error(score: Tensor, wanted: Tensor, where: Tensor) -> Tensor:
    """Return the mean cross entropy of scores and what they should say, where that matters."""
    error = binary_cross_entropy_with_logits(score, wanted, reduction="none")
    return (error * where).sum() / where.sum().clamp(min=1)


def _centred(logarithms: Tensor) -> Tensor:
    return logarithms - logarithms.mean(dim=-1, keepdim=True)
