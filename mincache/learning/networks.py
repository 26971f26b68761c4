"""The networks of DDPG in torch: perceptrons over a whole state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init
from torch.optim import Optimizer

from mincache.problem.quantity import Array
from mincache.views.observations import requests_start

_FINAL_BOUND = 3e-3


class AnyActor(nn.Module, ABC):
    """The policy pi: a raw action in (-1, 1) for each state."""

    @abstractmethod
    def scores(self, state: Tensor) -> Tensor:
        """Return the unbounded scores [B, action] of states [B, state]."""

    def forward(self, state: Tensor) -> Tensor:
        """Return the actions [B, action] of states [B, state]: the scores through tanh."""
        return torch.tanh(self.scores(state))

    @torch.no_grad()
    def act(self, states: Array) -> Array:
        """Return the same as float32 arrays, from whatever device the weights are on."""
        device = next(self.parameters()).device
        raw: Array = self(torch.as_tensor(states, device=device)).cpu().numpy()
        return raw


class Actor(AnyActor):
    """The policy pi as a perceptron over a whole state, with two hidden layers."""

    def __init__(self, state_size: int, action_size: int, hidden: int) -> None:
        super().__init__()
        self.layers = perceptron(state_size, hidden, hidden, action_size)

    def scores(self, state: Tensor) -> Tensor:
        """Return the unbounded scores [B, action] of states [B, state]."""
        scores: Tensor = self.layers(state)
        return scores


class Critic(nn.Module):
    """The value Q(s, a) of an action in a state, by two hidden layers.

    A matched critic also sees what these amount to for each model: products and sums that a perceptron would
    have to learn user by user. The state must then hold the requests as indicators.
    """

    def __init__(
        self, state_size: int, action_size: int, users: int, models: int, hidden: int, matched: bool = True
    ) -> None:
        super().__init__()
        self.users, self.models, self.matched = users, models, matched
        inputs = state_size + action_size + (users + 3 * models) * matched
        self.layers = perceptron(inputs, hidden, hidden, 1)

    def forward(self, state: Tensor, action: Tensor) -> Tensor:
        """Return the values [B] of actions [B, action] in states [B, state]."""
        seen = [state, action, *self._matches(state, action)] if self.matched else [state, action]
        values: Tensor = self.layers(torch.cat(seen, dim=1)).squeeze(-1)
        return values

    def _matches(self, state: Tensor, action: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return each user's cache score, and a model's requests and step scores times its cache score."""
        N, M, start = self.users, self.models, requests_start(self.users)
        requests = state[:, start : start + N * M].reshape(-1, N, M)
        cache_score = action[:, :M]
        step_score = (1.0 + action[:, M + N :]) / 2.0
        asked = requests.sum(dim=1) * (M / N)
        served = (step_score[:, None] @ requests).squeeze(1) * (M / N)
        own_model = (requests @ cache_score[..., None]).squeeze(-1)
        return own_model, asked * cache_score, served, served * cache_score


def perceptron(*sizes: int) -> nn.Sequential:
    """Return a perceptron with layers of these sizes and ReLU between them, its weights not drawn yet."""
    layers: list[nn.Module] = []
    device = torch.get_default_device()
    for inputs, outputs in pairwise(sizes):
        # Without torch's own initialisation, which would draw from its global generator.
        layers += [skip_init(nn.Linear, inputs, outputs, device=device), nn.ReLU()]  # type: ignore[no-untyped-call]  # torch's
    return nn.Sequential(*layers[:-1])


@torch.no_grad()
def draw_weights(network: nn.Module, rng: np.random.Generator) -> None:
    """Draw all weights uniformly within 1 / sqrt(inputs) of their layer, from `rng` alone.

    The last layer of an `Actor` or a `Critic` is drawn within 3e-3 (arXiv:1509.02971, Section 7).
    """
    last = network.layers[-1] if isinstance(network, Actor | Critic) else None
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            bound = _FINAL_BOUND if layer is last else layer.in_features**-0.5
            for parameter in (layer.weight, layer.bias):
                parameter.copy_(torch.from_numpy(rng.uniform(-bound, bound, tuple(parameter.shape))))


def step(optimiser: Optimizer, loss: Tensor) -> None:
    """Move an optimiser's weights down the gradient of a loss."""
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    optimiser.step()


def soft_update(target: nn.Module, online: nn.Module, rate: float) -> None:
    """(17), (18): move the target's weights towards the online network's by `rate` of the way."""
    for slow, fast in zip(target.parameters(), online.parameters(), strict=True):
        slow.data.lerp_(fast.data, rate)
