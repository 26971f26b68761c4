"""The networks in torch: perceptrons over a whole state, and networks on sets of models.

On sets the same weights serve every model and every user, in any order and number.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init

from mincache.learning.agents import SetView
from mincache.learning.slot_sets import ACTION_NUMBERS, FEATURES, STATE_NUMBERS, USER_FEATURES
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.views.agent_view import AgentView
from mincache.views.observations import requests_start

SET_FRACTION = 4
"""An agent on sets has this fraction of the units in a layer, since every model passes through them."""
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
    """The policy pi as a perceptron over a whole state.

    Args:
        state_size: entries of a state.
        action_size: entries of an action.
        hidden: units in each of the two hidden layers.
    """

    def __init__(self, state_size: int, action_size: int, hidden: int) -> None:
        super().__init__()
        self.layers = perceptron(state_size, hidden, hidden, action_size)

    def scores(self, state: Tensor) -> Tensor:
        """Return the unbounded scores [B, action] of states [B, state]."""
        scores: Tensor = self.layers(state)
        return scores


class Critic(nn.Module):
    """The value Q(s, a) of an action in a state.

    A matched critic sees beside the state and the action what they amount to for each model: products and
    sums that a perceptron would otherwise have to learn user by user. The state must then hold the
    requests as indicators.

    Args:
        state_size: entries of a state.
        users: N.
        models: M.
        hidden: units in each of the two hidden layers.
        matched: whether it is a matched one.
    """

    def __init__(self, state_size: int, users: int, models: int, hidden: int, matched: bool = True) -> None:
        super().__init__()
        self.users, self.models, self.matched = users, models, matched
        inputs = state_size + (models + 2 * users) + (users + 3 * models) * matched
        self.layers = perceptron(inputs, hidden, hidden, 1)

    def forward(self, state: Tensor, action: Tensor) -> Tensor:
        """Return the values [B] of actions [B, M + 2N] in states [B, state]."""
        seen = [state, action, *self._matches(state, action)] if self.matched else [state, action]
        values: Tensor = self.layers(torch.cat(seen, dim=1)).squeeze(-1)
        return values

    def _matches(self, state: Tensor, action: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the cache score of each user's model, and three numbers a model.

        These are its requests times its cache score, the step scores of those who ask for it, and the
        product of the latter with its cache score.
        """
        N, M, start = self.users, self.models, requests_start(self.users)
        requests = state[:, start : start + N * M].reshape(-1, N, M)
        cache_score = action[:, :M]
        step_score = (1.0 + action[:, M + N :]) / 2.0
        asked = requests.sum(dim=1) * (M / N)
        served = (step_score[:, None] @ requests).squeeze(1) * (M / N)
        own_model = (requests @ cache_score[..., None]).squeeze(-1)
        return own_model, asked * cache_score, served, served * cache_score


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
    """Three scores for each model, and one for each user: what `slot_sets.Scores` says of them.

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


class SetActor(AnyActor):
    """The policy pi on sets: two scores in (-1, 1) for each model.

    Args:
        hidden: units in each layer.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.models = SetNetwork(hidden, 1, outputs=ACTION_NUMBERS)

    def scores(self, state: Tensor) -> Tensor:
        """Return the unbounded scores [B, 2 M] of states [B, M (FEATURES + 1)]."""
        scores: Tensor = self.models(*_models_of(state))
        return scores.transpose(-1, -2).flatten(start_dim=-2)


class SetCritic(nn.Module):
    """The value Q(s, a) as a sum over the requested models, each seen with its scores and all others.

    Args:
        hidden: units in each layer.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.models = SetNetwork(hidden, 1, outputs=1, inputs=FEATURES + ACTION_NUMBERS)

    def forward(self, state: Tensor, action: Tensor) -> Tensor:
        """Return the values [B] of actions [B, 2 M] in states [B, M (FEATURES + 1)]."""
        features, requested = _models_of(state)
        scores = action.reshape(len(action), ACTION_NUMBERS, -1).transpose(-1, -2)
        worth: Tensor = self.models(torch.cat([features, scores], dim=-1), requested)
        return (worth.squeeze(-1) * requested).sum(dim=-1)


def actor_of(view: AgentView, problem: Instance, hidden: int) -> AnyActor:
    """Return an actor for instances like this one."""
    if isinstance(view, SetView):
        return SetActor(max(1, hidden // SET_FRACTION))
    return Actor(*view.sizes(problem), hidden)


def critic_of(view: AgentView, problem: Instance, hidden: int, matched: bool) -> Critic | SetCritic:
    """Return a critic for instances like this one."""
    if isinstance(view, SetView):
        return SetCritic(max(1, hidden // SET_FRACTION))
    state_size, _ = view.sizes(problem)
    return Critic(state_size, problem.user_count, problem.model_count, hidden, matched)


def _models_of(state: Tensor) -> tuple[Tensor, Tensor]:
    """Return the features [B, M, FEATURES] in states, and whether anyone asks for the model, [B, M]."""
    models = state.reshape(len(state), -1, STATE_NUMBERS)
    return models[..., :FEATURES], models[..., FEATURES]


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

    The last layer of an `Actor` or a `Critic` is drawn within 3e-3, so that first outputs are near 0
    (arXiv:1509.02971, Section 7).
    """
    last = network.layers[-1] if isinstance(network, Actor | Critic) else None
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            bound = _FINAL_BOUND if layer is last else layer.in_features**-0.5
            for parameter in (layer.weight, layer.bias):
                parameter.copy_(torch.from_numpy(rng.uniform(-bound, bound, tuple(parameter.shape))))
