"""Learning by playing on sets of models: each episode has a library, an N and limits of its own."""

from __future__ import annotations

import math

import numpy as np

from mincache.exact import optimum
from mincache.generation.streams import generator
from mincache.learning.exploring import Explorer
from mincache.learning.slot_sets import ACTION_NUMBERS, STATE_NUMBERS
from mincache.problem.evaluation import evaluate, evaluate_batch


class SetExplorer(Explorer):
    """A pupil that plays an instance at once: no slot turns on what is done in another.

    The memory holds slots of any number of models, with further ones that nobody asks for.
    """

    state_size: int

    def learn(self, done: int) -> float:
        """Answer an instance for each environment, learning; return minus the mean gap to the optimum."""
        rng, noise, rewards = generator(self.course.seed, "ddpg", "round", done), self.noise(done), []
        self.metrics = {"noise": noise, **dict.fromkeys(self.measured, math.nan)}
        for index in range(done, done + self.setting.environments):
            instance = self.course.instance(index)
            T, M = instance.slot_count, instance.model_count
            states = np.zeros((T + 1, self.state_size), dtype=np.float32)
            states[:T, : M * STATE_NUMBERS] = self.view.apply(instance)
            states[T] = states[T - 1]
            raw = self.explore(states[:T], noise, rng)
            scores = raw.reshape(T, ACTION_NUMBERS, -1)[..., :M].reshape(T, -1)
            cost = evaluate_batch(instance, self.view.invert(instance, scores)).slot_cost
            reward = 1.0 - cost / evaluate(instance, optimum(instance).solution).slot_cost
            self.replay.add(states[:T], raw, reward, states[1:])
            rewards.append(float(reward.mean()))
            if len(self.replay) >= self.setting.warmup:
                for _ in range(max(1, T // self.setting.environments)):
                    self.take_steps(rng)
        return float(np.mean(rewards))
