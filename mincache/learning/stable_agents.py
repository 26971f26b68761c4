"""Algorithms of Stable-Baselines3, unmodified, as learners: they train there, and answer in numpy."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from mincache.errors import InputError, excerpt, one_of
from mincache.learning.draws import TrainingSource
from mincache.learning.inference import AnyView, Network
from mincache.learning.learner import PolicyLearner, Pupil
from mincache.learning.policies import Policy
from mincache.learning.policy_solver import exported, exported_network
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.solving import registry
from mincache.views.agent_view import AgentView
from mincache.views.past_view import PastView
from mincache.views.vector import REPAIRS


@dataclass(frozen=True)
class StableAgentLearner(PolicyLearner):
    """A learner whose training is an algorithm's of Stable-Baselines3.

    Class attributes:
        algorithm: what the library calls it.
        form: how its policy's layers are joined and its output is bounded, as `export_policy` tells it.

    Attributes:
        action: how raw actions become decisions, among `mincache.views.vector.REPAIRS`; or `cache-scores`:
            then caches are placed slot by slot, from the requests of the slots before.
        discount: what a reward one slot later is worth.
        environments: episodes played side by side.
    """

    algorithm: ClassVar[str]
    form: ClassVar[Mapping[str, str]]

    action: str = "serve-in-order"
    discount: float = 0.0
    episodes: int = 500
    environments: int = 10
    device: str = "cpu"

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(f"{self.title}.action", self.action, [*REPAIRS, PastView.action])

    @property
    def view(self) -> AgentView:
        """How the agent sees slots, and how its actions become decisions."""
        past = PastView()
        return past if self.action == past.action else AgentView(action=self.action)

    @abstractmethod
    def options(self, slots: int, actions: int) -> dict[str, Any]:
        """Return what the algorithm is made with, for episodes of T slots, beside what all are."""

    def network(self, policy: Policy, view: AnyView, instance: Instance) -> Network:
        """Return the network of a policy, whose weights are checked."""
        return exported_network(policy, self.form, *self.view.sizes(instance))

    def pupil(self, course: TrainingSource) -> StableAgent:
        """Return an agent to be trained on `course`."""
        return StableAgent(self, course)


@dataclass(frozen=True)
class ReplayAgentLearner(StableAgentLearner):
    """A learner of those that draw from a replay memory: soft actor-critic and its like.

    Attributes:
        rate: learning rate.
        batch: transitions a step.
        updates: steps of Adam after each step of the environments.
        warmup: transitions with random actions before learning begins.
        hidden: units in each of the two hidden layers.
    """

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


class StableAgent(Pupil):
    """An agent of Stable-Baselines3. A training that is stopped begins anew: it has no parts."""

    def __init__(self, setting: StableAgentLearner, course: TrainingSource) -> None:
        try:
            import stable_baselines3
        except ModuleNotFoundError as error:
            raise registry.missing_extra("training", error) from None
        from mincache.views.stable_baselines import StableBaselinesVecEnv

        self.setting, self.view, self.parts = setting, setting.view, {}
        self.slots = course.scenario.slots
        env = StableBaselinesVecEnv(setting.environments, source=course, view=self.view)
        with _refusals(setting.title):
            self.trained = getattr(stable_baselines3, setting.algorithm)(
                "MlpPolicy", env, gamma=setting.discount, seed=course.seed % 2**32, device=setting.device,
                **setting.options(self.slots, self.view.sizes(course.problem)[1]),
            )  # fmt: skip
        self.network = self.trained.policy

    def learn(self, done: int) -> float:
        """Play an episode in each environment, learning; return the mean reward."""
        rewards: list[float] = []

        def hear(known: dict[str, Any], _: dict[str, Any]) -> bool:
            rewards.append(float(known["rewards"].mean()))
            return True

        with _refusals(self.setting.title):
            self.trained.learn(self.setting.environments * self.slots, hear, reset_num_timesteps=done == 0)
        return float(np.mean(rewards))

    def weights(self) -> dict[str, Array]:
        """Return the policy's weights by name."""
        return exported(self.trained)[1]


@contextmanager
def _refusals(title: str) -> Iterator[None]:
    """Say in one line what the library does not take, or that weights are no longer finite."""
    try:
        yield
    except InputError:
        raise
    except (AssertionError, ValueError) as error:
        rule = "must have parameters that Stable-Baselines3 can train with"
        raise InputError(
            title, rule, excerpt(str(error).partition("(")[0].strip()), "has the learner diverged?"
        ) from None
