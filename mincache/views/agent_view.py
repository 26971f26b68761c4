"""How an agent sees slots and says what to do, without any library for reinforcement learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mincache.errors import InputError, one_of
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions
from mincache.views import observations, vector
from mincache.views.observations import OBSERVATIONS
from mincache.views.vector import REPAIRS


@dataclass(frozen=True)
class AgentView:
    """How an agent sees slots and says what to do.

    Class attributes:
        information: `slot` where each slot is seen before it is decided on; `past` where it is not.
    """

    information: ClassVar[str] = "slot"

    observation: str = "counts"
    action: str = "serve-in-order"

    def __post_init__(self) -> None:
        one_of("observation", self.observation, OBSERVATIONS)
        one_of("action", self.action, REPAIRS)

    @property
    def versions(self) -> tuple[str, str]:
        """Name and version of the observation and of the action, such as `counts/1`."""
        return f"{self.observation}/1", f"{self.action}/1"

    def sizes(self, instance: Instance) -> tuple[int, int]:
        """Return how many numbers a state and an action have."""
        memory = observations.memory_size(instance.rules, instance.model_count)
        return observations.observation_size(instance, self.observation) + memory, vector.size(instance)

    def apply(self, instance: Instance, memory: Array | None = None) -> Array:
        """Return the states (12) of all slots, float32 [T, size]."""
        states = observations.observe(instance, self.observation)
        return states if memory is None else np.concatenate([states, memory], axis=1)

    def invert(self, instance: Instance, raw: Array, cache: Array | None = None) -> Decisions:
        """Return the feasible decisions of raw actions [..., T, M + 2N] in [-1, 1], finite.

        Where the actions no longer decide what is cached, `cache` [..., T, M] does.
        """
        check_actions(raw, (instance.slot_count, vector.size(instance)))
        return REPAIRS[self.action](instance, vector.unit_cube(raw), cache)

    def broken_limits(self, instance: Instance, raw: Array) -> Array:
        """Return how many of the limits (11d)-(11f) raw actions [T, M + 2N] would break unrepaired, [T]."""
        if self.action not in REPAIRS:  # scores of models alone are no decisions, and break nothing
            return np.zeros(len(raw), dtype=np.int64)
        M, N = instance.model_count, instance.user_count
        cached_gb = (raw[:, :M] >= 0.0) @ instance.models.size_gb
        # A share is half of one more than its entry, so N shares within 1 have entries within 2 - N.
        with np.errstate(over="ignore", invalid="ignore"):
            shared = np.add.reduce(raw[:, M:].reshape(-1, 2, N), axis=2) > 2.0 - N
        return np.asarray(np.add.reduce(shared, axis=1) + (cached_gb > instance.server.storage_gb))


def check_actions(raw: Array, wanted: tuple[int, int]) -> None:
    """Check that raw actions end in the wanted shape and are finite."""
    if raw.shape[-2:] != wanted:
        raise InputError("action", f"must have shape {list(wanted)}", str(list(raw.shape)))
    if not np.isfinite(raw).all():
        raise InputError("action", "must be finite", "NaN or infinity", "has the learner diverged?")
