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

from mincache.errors import InputError
from mincache.learning.slot_sets import (
    ACTION_NUMBERS,
    AGGREGATES,
    DECODER,
    STATE_NUMBERS,
    Aggregates,
    Scores,
    decide,
)
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions
from mincache.views.agent_view import AgentView, check_actions


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

    def sizes(self, instance: Instance) -> tuple[int, int]:
        """Return how many numbers a state and an action have.

        Raises:
            InputError: if rules link the slots: the view does not tell what is cached already.
        """
        if instance.rules.link_slots:
            used = ", ".join(instance.used_rules)
            raise InputError("scenario", "must not link slots for an agent on sets", used)
        return STATE_NUMBERS * instance.model_count, ACTION_NUMBERS * instance.model_count

    def apply(self, instance: Instance, memory: Array | None = None) -> Array:
        """Return the states of all slots, float32 [T, M (FEATURES + 1)]."""
        seen = Aggregates.of(instance)
        states = np.concatenate([seen.features, seen.requested[..., None]], axis=-1)
        return states.reshape(instance.slot_count, -1).astype(np.float32)

    def broken_limits(self, instance: Instance, raw: Array) -> Array:
        """Return zeros: scores of models alone are no decisions, and break nothing."""
        return np.zeros(len(raw), dtype=np.int64)

    def invert(self, instance: Instance, raw: Array, cache: Array | None = None) -> Decisions:
        """Return the feasible decisions of raw actions [T, 2 M]: all caching scores, then all serving ones.

        Raises:
            InputError: if they are of another shape, or not finite.
        """
        T, M = instance.slot_count, instance.model_count
        check_actions(raw, (T, ACTION_NUMBERS * M))
        scores = np.asarray(raw, dtype=np.float64)
        all_wanted, equal_share = np.ones((T, M)), np.zeros((T, instance.user_count))
        return decide(instance, Scores(scores[:, :M], all_wanted, scores[:, M:], equal_share))


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
