"""`td3`: twin delayed deep deterministic policy gradient, by Stable-Baselines3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mincache.learning.stable_agents import ReplayAgentLearner


@dataclass(frozen=True)
class Td3(ReplayAgentLearner):
    """Twin delayed deep deterministic policy gradient as Stable-Baselines3 has it, unmodified.

    Source: S. Fujimoto, H. van Hoof, D. Meger, Addressing function approximation error in actor-critic
    methods, arXiv:1802.09477. Values are the library's own, but for these:

    1. `updates` follow each step of `environments` at once, fewer than one a transition, for speed.
    2. `discount` is 0, since no action changes what comes next.
    3. `warmup` is 1,000 transitions with random actions, and both hidden layers have `hidden` units, as those
       of `ddpg`.
    4. Actions that are played have Gaussian noise, whose standard deviation `noise` is the source's; the
       library has none.

    Attributes:
        policy: file of a trained policy, or a folder of them; None to look among those at hand.
        action: how raw actions become decisions, among `mincache.views.vector.REPAIRS`; or `cache-scores`:
            then caches are placed slot by slot, from the requests of the slots before.
        discount: what a reward one slot later is worth.
        episodes: traces to learn from.
        environments: episodes played side by side.
        rate: learning rate.
        batch: transitions a step.
        updates: steps of Adam after each step of the environments.
        warmup: transitions with random actions before learning begins.
        hidden: units in each of the two hidden layers.
        noise: standard deviation of the noise in actions that are played, which lie in [-1, 1].
        device: where to train.
    """

    title: ClassVar[str] = "td3"
    algorithm: ClassVar[str] = "TD3"

    rate: float = 1e-3
    noise: float = 0.1

    def options(self, slots: int, actions: int) -> dict[str, Any]:
        """Return what the algorithm is made with."""
        from stable_baselines3.common.noise import NormalActionNoise

        noise = NormalActionNoise(np.zeros(actions), np.full(actions, self.noise))
        return super().options(slots, actions) | {"action_noise": noise}
