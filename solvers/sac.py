"""`sac`: soft actor-critic, by Stable-Baselines3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from mincache.learning.stable_agents import StableAgentLearner


@dataclass(frozen=True)
class Sac(StableAgentLearner):
    """Soft actor-critic as Stable-Baselines3 has it, unmodified.

    Source: T. Haarnoja et al., Soft actor-critic, arXiv:1801.01290 and arXiv:1812.05905. Values are the
    library's own, but for these:

    1. `updates` follow each step of `environments` at once, fewer than one a transition, for speed.
    2. `discount` is 0, since no action changes what comes next.
    3. `warmup` is 1,000 transitions with random actions, and both hidden layers have `hidden` units, as those
       of `ddpg`.
    """

    title: ClassVar[str] = "sac"
    algorithm: ClassVar[str] = "SAC"
    form: ClassVar[Mapping[str, str]] = MappingProxyType({"activation": "relu", "squash": "tanh"})

    rate: float = 3e-4
    batch: int = 256
    updates: int = 1
    warmup: int = 1_000
    hidden: int = 128

    def options(self, slots: int, actions: int) -> dict[str, Any]:
        """Return what the algorithm is made with."""
        return {
            "learning_rate": self.rate, "batch_size": self.batch, "gradient_steps": self.updates,
            "learning_starts": self.warmup, "buffer_size": self.episodes * slots,
            "policy_kwargs": {"net_arch": [self.hidden, self.hidden]},
        }  # fmt: skip
