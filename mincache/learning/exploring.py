"""Learning by playing: episodes are stepped, what is met is kept, and steps on draws of it follow."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mincache.generation.streams import generator
from mincache.learning.learner import Pupil
from mincache.problem.quantity import Array
from mincache.views.agent_view import AgentView

if TYPE_CHECKING:  # torch, which answering does without
    from torch import Tensor

    from mincache.learning.replay import Replay, Transitions


class Explorer(Pupil):
    """A pupil that plays an episode in each environment a round, and learns from a replay memory.

    Attributes:
        setting: the learner's parameters, among them `warmup`, `updates` and `batch`.
        rng: what the round draws from.
        measured: what the numbers are called that `update` returns.
    """

    setting: Any
    course: Any
    view: AgentView
    replay: Replay
    rng: np.random.Generator
    measured: ClassVar[tuple[str, ...]] = ("critic_loss", "value")

    @abstractmethod
    def explore(self, states: Array, noise: float, rng: np.random.Generator) -> Array:
        """Return raw actions [K, action] to play in states [K, state]."""

    @abstractmethod
    def update(self, batch: Transitions) -> Sequence[Tensor]:
        """Take a step on a batch, and return the numbers that `measured` names."""

    def learn(self, done: int) -> float:
        """Play an episode in each environment, learning; return the mean reward."""
        from mincache.views.environment import EdgeCachingVectorEnv

        rng = self.rng = generator(self.course.seed, self.setting.title, "round", done)
        noise = self.noise(done)
        self.metrics = {"noise": noise, **dict.fromkeys(self.measured, math.nan)}
        env = EdgeCachingVectorEnv(self.course, self.setting.environments, view=self.view)
        states, _ = env.reset(seed=self.course.seed, options={"episode": done})
        total, steps, over = 0.0, 0, False
        while not over:
            raw = self.explore(states, noise, rng)
            next_states, rewards, _, truncated, _ = env.step(raw)
            over = bool(truncated.all())
            self.keep(states, raw, rewards, next_states, steps, over)
            if len(self.replay) >= self.setting.warmup:
                self.take_steps(rng)
            states, total, steps = next_states, total + float(rewards.mean()), steps + 1
        return total / steps

    def noise(self, done: int) -> float:
        """Return the noise's standard deviation, or the part of random actions, after `done` episodes."""
        first, last = self.setting.noise_first, self.setting.noise_last
        progress = min(1.0, done / max(1.0, self.setting.noise_decay * self.setting.episodes))
        return float(first + (last - first) * progress)

    def keep(
        self, states: Array, raw: Array, rewards: Array, next_states: Array, step: int, over: bool
    ) -> None:
        """Keep what a step of all environments was; `over` says whether it was the last of the episodes."""
        self.replay.add(states, raw, rewards, next_states)

    def take_steps(self, rng: np.random.Generator) -> None:
        """Take the steps that follow a step of the environments."""
        self.replay.fix_reward_scale()
        for _ in range(self.setting.updates):
            found = self.update(self.replay.sample(self.setting.batch, rng))
        numbers = (float(number) for number in found)
        self.metrics = {**self.metrics, **dict(zip(self.measured, numbers, strict=True))}
