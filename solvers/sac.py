"""`sac`: soft actor-critic, by Stable-Baselines3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mincache.learning.stable_agents import ReplayAgentLearner


@dataclass(frozen=True)
class Sac(ReplayAgentLearner):
    """Soft actor-critic as Stable-Baselines3 has it, unmodified.

    Source: T. Haarnoja et al., Soft actor-critic, arXiv:1801.01290 and arXiv:1812.05905. Values are the
    library's own, but for these:

    1. `updates` follow each step of `environments` at once, fewer than one a transition, for speed.
    2. `discount` is 0, since no action changes what comes next.
    3. `warmup` is 1,000 transitions with random actions, and both hidden layers have `hidden` units, as those
       of `ddpg`.

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
        device: where to train.
    """

    title: ClassVar[str] = "sac"
    algorithm: ClassVar[str] = "SAC"
