"""`ppo`: proximal policy optimisation, by Stable-Baselines3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from mincache.learning.stable_agents import StableAgentLearner


@dataclass(frozen=True)
class Ppo(StableAgentLearner):
    """Proximal policy optimisation as Stable-Baselines3 has it, unmodified.

    Source: J. Schulman et al., Proximal policy optimization algorithms, arXiv:1707.06347. Values are the
    library's own, but for these:

    1. A rollout is one episode of each environment, so that the policy improves every few slots.
    2. `discount` is 0, since no action changes what comes next; then the advantage is the reward's alone.
    3. `rate` and `spread`, the deviation of actions at first, are ours; the library's 0.0003 and 1 learn too
       slowly for so few slots.

    Attributes:
        policy: file of a trained policy, or a folder of them; None to look among those at hand.
        action: how raw actions become decisions, among `mincache.views.vector.REPAIRS`; or `cache-scores`:
            then caches are placed slot by slot, from the requests of the slots before.
        discount: what a reward one slot later is worth.
        episodes: traces to learn from.
        environments: episodes played side by side.
        rate: learning rate.
        batch: transitions a step.
        spread: standard deviation of actions at first.
        device: where to train.
    """

    title: ClassVar[str] = "ppo"
    algorithm: ClassVar[str] = "PPO"
    form: ClassVar[Mapping[str, str]] = MappingProxyType({"activation": "tanh", "squash": "clip"})

    action: str = "priority-serve"
    rate: float = 1e-3
    batch: int = 100
    spread: float = 0.4

    def options(self, slots: int, actions: int) -> dict[str, Any]:
        """Return what the algorithm is made with."""
        from math import log

        return {
            "learning_rate": self.rate, "n_steps": slots, "batch_size": self.batch,
            "policy_kwargs": {"log_std_init": log(self.spread)},
        }  # fmt: skip
