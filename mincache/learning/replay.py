"""Replay memory: the transitions met so far, drawn from uniformly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class Transitions(NamedTuple):
    """Rows of [s(t), a(t), r(t), s(t+1)], float32.

    Attributes:
        state: [B, state].
        action: [B, action].
        reward: [B].
        next_state: [B, state].
    """

    state: Tensor
    action: Tensor
    reward: Tensor
    next_state: Tensor


class Replay:
    """The last `capacity` transitions.

    Args:
        capacity: how many are kept; the oldest are overwritten.
        state_size: entries of a state.
        action_size: entries of an action.
        device: where they are kept.
    """

    def __init__(self, capacity: int, state_size: int, action_size: int, device: str = "cpu") -> None:
        shapes = ((capacity, state_size), (capacity, action_size), (capacity,), (capacity, state_size))
        self._memory = Transitions(*(torch.zeros(shape, device=device) for shape in shapes))
        self._capacity = capacity
        self._added = 0

    def __len__(self) -> int:
        return min(self._added, self._capacity)

    def add(self, transitions: Transitions) -> None:
        """Keep a batch of transitions."""
        count = len(transitions.reward)
        rows = torch.arange(self._added, self._added + count) % self._capacity
        for kept, new in zip(self._memory, transitions, strict=True):
            kept[rows] = new.to(kept)
        self._added += count

    def sample(self, count: int, rng: np.random.Generator) -> Transitions:
        """Draw `count` transitions, each kept one equally likely, with replacement."""
        rows = torch.from_numpy(rng.integers(len(self), size=count))
        return Transitions(*(kept[rows] for kept in self._memory))

    def rewards(self) -> Tensor:
        """Return the rewards kept so far."""
        return self._memory.reward[: len(self)]
