"""Replay memory: the transitions met so far, drawn from uniformly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mincache.errors import InputError
from mincache.problem.quantity import Array


class Transitions(NamedTuple):
    """Rows of [s(t), a(t), r(t), s(t+1)], float32; the reward has shape [B], the others a column an entry."""

    state: Tensor
    action: Tensor
    reward: Tensor
    next_state: Tensor


class Replay:
    """The last `capacity` transitions, their rewards drawn shifted and scaled.

    Raises:
        InputError: if there is no memory for so many.
    """

    def __init__(self, capacity: int, state_size: int, action_size: int, device: str = "cpu") -> None:
        shapes = ((capacity, state_size), (capacity, action_size), (capacity,), (capacity, state_size))
        try:
            self._memory = Transitions(*(torch.zeros(shape, device=device) for shape in shapes))
        except RuntimeError:  # what torch raises where memory ends
            rule = f"must fit into memory, at {4 * (2 * state_size + action_size + 1)} bytes a transition"
            raise InputError("replay", rule, str(capacity), "keep fewer") from None
        self._capacity, self._added = capacity, 0
        self._shift_and_scale = torch.tensor([0.0, 0.0], dtype=torch.float64)

    def __len__(self) -> int:
        return min(self._added, self._capacity)

    def add(self, states: Array, actions: Array, rewards: Array, next_states: Array) -> None:
        """Keep a batch of transitions, arrays like those of `Transitions`."""
        count = len(rewards)
        rows = torch.arange(self._added, self._added + count) % self._capacity
        for kept, new in zip(self._memory, (states, actions, rewards, next_states), strict=True):
            kept[rows] = torch.as_tensor(new).to(kept)
        self._added += count

    def fix_reward_scale(self) -> None:
        """From the first call on, draw rewards less their mean by then, in units of their deviation."""
        if not self._shift_and_scale[1]:
            met = self._memory.reward[: len(self)].double()
            deviation = met.std(correction=0)
            self._shift_and_scale = torch.stack([met.mean(), deviation if deviation else deviation + 1.0])

    def sample(self, count: int, rng: np.random.Generator) -> Transitions:
        """Draw `count` transitions, each kept one equally likely, with replacement."""
        rows = torch.from_numpy(rng.integers(len(self), size=count))
        drawn = Transitions(*(kept[rows] for kept in self._memory))
        shift, scale = self._shift_and_scale.tolist()
        return drawn._replace(reward=(drawn.reward - shift) / (scale or 1.0))

    def state_dict(self) -> dict[str, Tensor]:
        """Return what is kept, by name, in the manner of torch's modules."""
        kept = {name: part[: len(self)] for name, part in self._memory._asdict().items()}
        return kept | {"added": torch.tensor(self._added), "shift_and_scale": self._shift_and_scale}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over what a memory of the same capacity kept."""
        self._added, self._shift_and_scale = int(state["added"]), state["shift_and_scale"]
        for name, part in self._memory._asdict().items():
            part[: len(self)] = state[name].to(part)
