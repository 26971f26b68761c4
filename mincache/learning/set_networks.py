"""Networks on sets of models, in torch: the same weights serve every model and user."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mincache.learning.networks import Actor, AnyActor, Critic, perceptron
from mincache.learning.slot_sets import ACTION_NUMBERS, FEATURES, STATE_NUMBERS, SetView
from mincache.problem.instance import Instance
from mincache.views.agent_view import AgentView

SET_FRACTION = 4
"""An agent on sets has this fraction of the units in a layer, since every model passes through them."""


class SetNetwork(nn.Module):
    """Scores of each model of a slot, seen in each block beside mean and maximum of all requested ones."""

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


class SetActor(AnyActor):
    """The policy pi on sets: two scores in (-1, 1) for each model."""

    def __init__(self, hidden: int, blocks: int = 1) -> None:
        super().__init__()
        self.models = SetNetwork(hidden, blocks, outputs=ACTION_NUMBERS)

    def scores(self, state: Tensor) -> Tensor:
        """Return the unbounded scores [B, 2 M] of states [B, M (FEATURES + 1)]."""
        scores: Tensor = self.models(*_models_of(state))
        return scores.transpose(-1, -2).flatten(start_dim=-2)


class SetCritic(nn.Module):
    """The value Q(s, a) as a sum over the requested models, each seen with its scores and all others."""

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
    return Critic(*view.sizes(problem), problem.user_count, problem.model_count, hidden, matched)


def _models_of(state: Tensor) -> tuple[Tensor, Tensor]:
    """Return the features [B, M, FEATURES] in states, and whether anyone asks for the model, [B, M]."""
    models = state.reshape(len(state), -1, STATE_NUMBERS)
    return models[..., :FEATURES], models[..., FEATURES]
