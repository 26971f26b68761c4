"""An agent that sees a slot as a set of models: its view, environment, actor and critic.

It answers with a caching and a serving score for each model, where the plain agent has numbers for each
user; bandwidth is shared equally. Weights are shared by all models, so that they are for any N and M.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from gymnasium.spaces import Box
from torch import Tensor, nn

from mincache.errors import InputError
from mincache.learning.aggregates import AGGREGATES, FEATURES, Aggregates
from mincache.learning.decoding import DECODER, Scores, decide
from mincache.learning.set_networks import SetNetwork
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions
from mincache.views.environment import AgentView, EdgeCachingVectorEnv
from mincache.views.episodes import Episodes
from mincache.views.observations import LIMIT

_SEEN = FEATURES + 1  # numbers a model in a state: its features, and whether anyone asks for it
_SAID = 2  # numbers a model in an action


@dataclass(frozen=True)
class SetView(AgentView):
    """States are the aggregates of a slot, model by model; actions are two scores for each model."""

    observation: str = AGGREGATES.partition("/")[0]
    action: str = DECODER.partition("/")[0]

    def __post_init__(self) -> None:
        """Any name but the defaults would be another view."""

    @property
    def versions(self) -> tuple[str, str]:
        """Name and version of the aggregates and of the decoder."""
        return AGGREGATES, DECODER

    def apply(self, instance: Instance, memory: Array | None = None) -> Array:
        """Return the states of all slots, float32 [T, M (FEATURES + 1)]."""
        seen = Aggregates.of(instance)
        states = np.concatenate([seen.features, seen.requested[..., None]], axis=-1)
        return states.reshape(instance.slot_count, -1).astype(np.float32)

    def invert(self, instance: Instance, raw: Array, cache: Array | None = None) -> Decisions:
        """Return the feasible decisions of raw actions [T, 2 M]: all caching scores, then all serving ones.

        Raises:
            InputError: if they are of another shape, or not finite.
        """
        T, M = instance.slot_count, instance.model_count
        if raw.shape != (T, _SAID * M):
            raise InputError("action", f"must have shape {[T, _SAID * M]}", str(list(raw.shape)))
        if not np.isfinite(raw).all():
            raise InputError("action", "must be finite", "NaN or infinity", "has the learner diverged?")
        scores = np.asarray(raw, dtype=np.float64)
        all_wanted, equal_share = np.ones((T, M)), np.zeros((T, instance.user_count))
        return decide(instance, Scores(scores[:, :M], all_wanted, scores[:, M:], equal_share))

    def observation_space(self, instance: Instance) -> Box:
        """Return the box that states lie in."""
        return Box(-LIMIT, LIMIT, (_SEEN * instance.model_count,), np.float32)

    def action_space(self, instance: Instance) -> Box:
        """Return the box that raw actions lie in."""
        return Box(-1.0, 1.0, (_SAID * instance.model_count,), np.float32)


class SetVectorEnv(EdgeCachingVectorEnv):
    """Copies of the environment, seen as sets of models.

    Raises:
        InputError: if rules link the slots: this state does not tell what is cached already.
    """

    def __init__(self, source: Episodes, num_envs: int = 1) -> None:
        if source.problem.rules.link_slots:
            used = ", ".join(source.problem.used_rules)
            raise InputError("scenario", "must not link slots for an agent on sets", used)
        super().__init__(source, num_envs, view=SetView())


class SetActor(nn.Module):
    """The policy pi on sets: two scores in (-1, 1) for each model.

    Args:
        hidden: units in each layer.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.models = SetNetwork(hidden, 1, outputs=_SAID)

    def scores(self, state: Tensor) -> Tensor:
        """Return the unbounded scores [B, 2 M] of states [B, M (FEATURES + 1)]."""
        features, requested = _models_of(state)
        scores: Tensor = self.models(features, requested)
        return scores.transpose(-1, -2).flatten(start_dim=-2)

    def forward(self, state: Tensor) -> Tensor:
        """Return the actions [B, 2 M] of states: the scores through tanh."""
        return torch.tanh(self.scores(state))


class SetCritic(nn.Module):
    """The value Q(s, a) as a sum over the requested models, each seen with its scores and all others.

    Args:
        hidden: units in each layer.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.models = SetNetwork(hidden, 1, outputs=1, inputs=FEATURES + _SAID)

    def forward(self, state: Tensor, action: Tensor) -> Tensor:
        """Return the values [B] of actions [B, 2 M] in states [B, M (FEATURES + 1)]."""
        features, requested = _models_of(state)
        scores = action.reshape(len(action), _SAID, -1).transpose(-1, -2)
        worth: Tensor = self.models(torch.cat([features, scores], dim=-1), requested)
        return (worth.squeeze(-1) * requested).sum(dim=-1)


def _models_of(state: Tensor) -> tuple[Tensor, Tensor]:
    """Return the features [B, M, FEATURES] in states, and whether anyone asks for the model, [B, M]."""
    models = state.reshape(len(state), -1, _SEEN)
    return models[..., :FEATURES], models[..., FEATURES]
