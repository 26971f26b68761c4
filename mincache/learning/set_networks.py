"""Networks on sets: the same weights for every model and every user, in any order and number."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from mincache.learning.aggregates import FEATURES, USER_FEATURES
from mincache.learning.networks import perceptron


class SetNetwork(nn.Module):
    """Numbers for each model of a slot, from the features of all, whatever their order.

    In each block a perceptron sees a model beside the mean and the maximum of all requested ones.

    Args:
        width: units in each layer.
        blocks: how often models see each other.
        outputs: numbers out a model.
        inputs: numbers in a model.
    """

    def __init__(self, width: int, blocks: int, outputs: int, inputs: int = FEATURES) -> None:
        super().__init__()
        self.embed = perceptron(inputs, width, width)
        self.blocks = nn.ModuleList(perceptron(3 * width, width, width) for _ in range(blocks))
        self.head = perceptron(width, width, outputs)

    def forward(self, features: Tensor, requested: Tensor) -> Tensor:
        """Return the scores [..., M, outputs] of models [..., M, inputs], requested or not [..., M]."""
        mask = requested.unsqueeze(-1).to(features)
        count = mask.sum(dim=-2, keepdim=True).clamp(min=1.0)
        h = torch.relu(self.embed(features)) * mask
        for block in self.blocks:
            pooled = torch.cat([h.sum(dim=-2, keepdim=True) / count, h.amax(dim=-2, keepdim=True)], dim=-1)
            h = torch.relu(h + block(torch.cat([h, pooled.expand(*h.shape[:-1], -1)], dim=-1))) * mask
        scores: Tensor = self.head(h)
        return scores


class SlotNetwork(nn.Module):
    """Three scores for each model, and one for each user: what `decoding.Scores` says of them.

    Args:
        width: units in each layer; a user's has a quarter of them.
        blocks: see `SetNetwork`.
    """

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.models = SetNetwork(width, blocks, outputs=3)
        self.users = perceptron(USER_FEATURES, max(1, width // 4), 1)

    def forward(self, features: Tensor, requested: Tensor, users: Tensor) -> tuple[Tensor, ...]:
        """Return the scores `cache`, `want` and `serve` of models, [..., M], and `bandwidth` [..., N]."""
        return *self.models(features, requested).unbind(dim=-1), self.users(users).squeeze(-1)


@torch.no_grad()
def draw_weights(network: nn.Module, rng: np.random.Generator) -> None:
    """Draw all weights uniformly within 1 / sqrt(inputs) of their layer, from `rng` alone."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            for parameter in (layer.weight, layer.bias):
                bound = layer.in_features**-0.5
                parameter.copy_(torch.from_numpy(rng.uniform(-bound, bound, tuple(parameter.shape))))
