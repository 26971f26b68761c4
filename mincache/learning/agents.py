"""The two kinds of agents of `ddpg`, and its variants.

The plain agent has numbers for each user. The one on sets sees a slot as a set of models, and answers with
a caching and a serving score for each; bandwidth is shared equally. Its weights are shared by all models,
so that they are for any N and M.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from gymnasium.spaces import Box

from mincache.errors import InputError
from mincache.learning.networks import ACTION_NUMBERS, STATE_NUMBERS, Actor, Critic, SetActor, SetCritic
from mincache.learning.slot_sets import AGGREGATES, DECODER, Aggregates, Scores, decide
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions
from mincache.views.environment import AgentView, EdgeCachingVectorEnv
from mincache.views.episodes import Episodes
from mincache.views.observations import LIMIT

SET_FRACTION = 4
"""An agent on sets has this fraction of the units in a layer, since every model passes through them."""


class AgentVariant(NamedTuple):
    """One of the steps from the paper's agent to the best one: values of four parameters of `ddpg`.

    Attributes:
        observation: how a state is written.
        action: how raw actions become decisions.
        critic: what the critic sees.
        discount: omega in (15b).
    """

    observation: str
    action: str
    critic: str
    discount: float


VARIANTS: Mapping[str, AgentVariant] = MappingProxyType({
    "literal": AgentVariant("index", "softmax", "plain", 0.99),
    "one-hot": AgentVariant("one-hot", "softmax", "plain", 0.99),
    "in-order": AgentVariant("one-hot", "serve-in-order", "plain", 0.99),
    "matched": AgentVariant("counts", "serve-in-order", "matched", 0.99),
    "myopic": AgentVariant("counts", "serve-in-order", "matched", 0.0),
    "sets": AgentVariant("aggregates", "score-order", "sets", 0.0),
})  # fmt: skip
"""Each adds an idea to the one before it, so that a reader sees what each is worth."""


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
        if raw.shape != (T, ACTION_NUMBERS * M):
            raise InputError("action", f"must have shape {[T, ACTION_NUMBERS * M]}", str(list(raw.shape)))
        if not np.isfinite(raw).all():
            raise InputError("action", "must be finite", "NaN or infinity", "has the learner diverged?")
        scores = np.asarray(raw, dtype=np.float64)
        all_wanted, equal_share = np.ones((T, M)), np.zeros((T, instance.user_count))
        return decide(instance, Scores(scores[:, :M], all_wanted, scores[:, M:], equal_share))

    def observation_space(self, instance: Instance) -> Box:
        """Return the box that states lie in."""
        return Box(-LIMIT, LIMIT, (STATE_NUMBERS * instance.model_count,), np.float32)

    def action_space(self, instance: Instance) -> Box:
        """Return the box that raw actions lie in."""
        return Box(-1.0, 1.0, (ACTION_NUMBERS * instance.model_count,), np.float32)


@dataclass(frozen=True)
class SlotView:
    """What a `SlotNetwork` sees is the aggregates of a slot; what it says is scores of models and users.

    Attributes:
        candidates: fillings of the storage that are priced for each slot; see `slot_sets.decide`.
    """

    candidates: int = 1

    @property
    def versions(self) -> tuple[str, str]:
        """Name and version of the aggregates and of the decoder."""
        return AGGREGATES, DECODER

    def apply(self, instance: Instance) -> tuple[Array, Array, Array]:
        """Return what the network takes: features [T, M, ...], requested or not [T, M], users [T, N, ...]."""
        seen = Aggregates.of(instance)
        return seen.features, seen.requested, seen.users

    def invert(self, instance: Instance, scores: Scores) -> Decisions:
        """Return the feasible decisions that scores [T, ...] stand for."""
        return decide(instance, scores, self.candidates)


def view_of(observation: str, action: str) -> AgentView:
    """Return the view with these names.

    Raises:
        InputError: if there is none.
    """
    sets = SetView()
    return (
        sets if (observation, action) == (sets.observation, sets.action) else AgentView(observation, action)
    )


def environment(view: AgentView, source: Episodes, count: int) -> EdgeCachingVectorEnv:
    """Return `count` copies of the environment as an agent with this view sees it.

    Raises:
        InputError: if rules link the slots, and the view does not tell what is cached already.
    """
    if isinstance(view, SetView) and source.problem.rules.link_slots:
        used = ", ".join(source.problem.used_rules)
        raise InputError("scenario", "must not link slots for an agent on sets", used)
    return EdgeCachingVectorEnv(source, count, view=view)


def sizes(view: AgentView, problem: Instance) -> tuple[int, int]:
    """Return how many numbers a state and an action have."""
    (state_size,), (action_size,) = view.observation_space(problem).shape, view.action_space(problem).shape
    return state_size, action_size


def actor_of(view: AgentView, problem: Instance, hidden: int) -> Actor | SetActor:
    """Return an actor for instances like this one."""
    if isinstance(view, SetView):
        return SetActor(max(1, hidden // SET_FRACTION))
    return Actor(*sizes(view, problem), hidden)


def critic_of(view: AgentView, problem: Instance, hidden: int, matched: bool) -> Critic | SetCritic:
    """Return a critic for instances like this one."""
    if isinstance(view, SetView):
        return SetCritic(max(1, hidden // SET_FRACTION))
    state_size, _ = sizes(view, problem)
    return Critic(state_size, problem.user_count, problem.model_count, hidden, matched)
