"""What every solver with trained policies does: it finds the one for an instance, answers, and is trained."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from mincache.errors import InputError, optional_library
from mincache.generation.scenario import Scenario
from mincache.learning import policies
from mincache.learning.checkpoint import Checkpoint, arrays_of, restore
from mincache.learning.draws import Draws, TrainingSource
from mincache.learning.inference import AnyView, NetworkSolver, answer
from mincache.learning.policies import Policy, PolicyCard
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Solution
from mincache.solving import registry
from mincache.solving.contract import Learner, Run, Solver
from mincache.solving.online import OnlineSolver
from mincache.views.episodes import Episodes
from mincache.views.past_view import PastView

if TYPE_CHECKING:  # torch, which answering does without
    from torch import nn

    from mincache.learning.checkpoint import Part

MOST_UNITS = 2048  # units that a layer may have, so that no policy is too large a file to be read
Answering = Callable[[Instance], Solution]
TrainingWatcher = Callable[[int, float, Answering], None]
"""Hears of each round: episodes so far, mean reward of the round, and the agent as it now answers."""
MetricsLog = Callable[[int, Mapping[str, float]], None]
"""Hears of each round: episodes so far, and numbers on the round by name, such as the critic's loss."""


def check_libraries() -> None:
    """Check that the libraries for training are installed; answering needs none of them.

    Raises:
        MissingExtraError: with what to install.
    """
    for name in ("torch", "gymnasium"):
        optional_library(name, "ddpg", "training needs")


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread inside: networks this small lose by more, and answers would differ."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Pupil(ABC):
    """What is taught in a training.

    Attributes:
        network: what becomes the policy.
        view: how the network sees slots and says what to do.
        parts: everything that changes in a training, by name; nothing where it cannot go on from that.
        metrics: numbers on the last round, by name, for whoever watches.
    """

    network: nn.Module
    view: AnyView
    parts: Mapping[str, Part]
    metrics: Mapping[str, float] = MappingProxyType({})

    @abstractmethod
    def learn(self, done: int) -> float:
        """Learn from the round of episodes that follows the first `done`, and return its mean reward.

        Its randomness is a stream of that round's own, so that a training can go on from a checkpoint.
        """

    def weights(self) -> dict[str, Array]:
        """Return the network's weights by name."""
        return {name: weight.cpu().numpy() for name, weight in self.network.state_dict().items()}


class Schedule:
    """Parameters of every learner: the episodes of a training and of a round of it, and where it trains."""

    episodes: int
    environments: int
    device: str


@dataclass(frozen=True)
class PolicyLearner(Schedule, NetworkSolver, Learner):
    """A learner that answers with a policy file.

    Attributes:
        policy: file of a trained policy; a folder to look in for those that were trained with this solver's
            parameters for the instance, one a training seed; None for those of `policies.policy_files`.

    Class attributes:
        untrained: names of the parameters that a training does not depend on.
        fractions: names of those that lie in [0, 1].
    """

    untrained: ClassVar[tuple[str, ...]] = ("policy", "device")
    float16: ClassVar[bool] = False
    fractions: ClassVar[tuple[str, ...]] = ("discount", "target_rate", "noise_decay")

    policy: Path | None = None

    def __post_init__(self) -> None:
        for name, kind in registry.hints(type(self)).items():
            value, least, most = getattr(self, name), int(kind is int), sys.float_info.max
            rule = "must be >= 1" if least else "must be finite and >= 0"
            if name in ("hidden", "width", *self.fractions):
                most = 1 if name in self.fractions else MOST_UNITS
                rule = f"must lie in [{least}, {most}]"
            if isinstance(value, int | float) and not least <= value <= most:
                raise InputError(f"{self.title}.{name}", rule, str(value))
        if self.episodes % self.environments:
            rule = f"must be a multiple of environments = {self.environments}"
            raise InputError(f"{self.title}.episodes", rule, str(self.episodes))

    @property
    def every_problem(self) -> bool:
        """Whether one policy may be for every library and number of users, and is then trained on `Draws`."""
        return False

    @property
    def information(self) -> str:  # type: ignore[override]  # here parameters say what elsewhere a class does
        """What it sees before it decides: `past`, or `trace`."""
        return "past" if isinstance(self.view, PastView) else "trace"

    def kept_rules(self) -> tuple[str, ...]:
        """Return the rules that it keeps: one that sees the past alone keeps what its caches alone decide."""
        return OnlineSolver.rules if self.information == "past" else self.rules

    @abstractmethod
    def pupil(self, course: TrainingSource) -> Pupil:
        """Return what is to be trained on `course`, with first weights drawn from the course's seed."""

    def training_seeds(self) -> int:
        """Return how many policies the folder has for each problem; 1 without a folder."""
        named = self.policy is not None and self.policy.is_dir()
        return policies.training_seeds(self.data_files()) if named else 1

    def data_files(self) -> list[Path]:
        """Return the policies to look among."""
        if self.policy is None or self.policy.is_dir():
            return policies.policy_files(self.title, self.training(), self.policy)
        return [self.policy]

    def find(self, instance: Instance, repetition: int = 0) -> Path | str:
        """Return the policy for this instance that a repetition has, or why there is none."""
        asked, defaults = self.training(), type(self)().training()
        if self.policy is None or self.policy.is_dir():
            return policies.find_policy(self.title, asked, instance, self.policy, repetition)
        given = {name: value for name, value in asked.items() if value != defaults[name]}
        return policies.policy_name(self.policy, instance, self.title, given)

    def training(self) -> dict[str, Any]:
        """Return the parameters that a training depends on."""
        return {k: v for k, v in registry.parameters(self).items() if k not in self.untrained}

    def fit(self, scenario: Scenario, run: Run) -> Path:
        """Train with a seed from `run`; return the policy's file: `policy`, or a new one in a folder."""
        seed, users, path = int(run.rng.integers(2**31)), "", self.policy or Path()
        course: TrainingSource = Draws(scenario, seed)
        if not self.every_problem:
            course, users = Episodes(scenario, scenario.library(seed), seed), f".n{scenario.users}"
        if path.is_dir():
            path /= f"{self.title}{users}.s{seed}.safetensors"
        policies.write_policy(path, self.train(course))
        return path

    def train(
        self, course: TrainingSource, watch: TrainingWatcher | None = None, title: str = "",
        checkpoint: Checkpoint | None = None, log: MetricsLog | None = None,
    ) -> Policy:  # fmt: skip
        """Return a policy trained on `course`; the same course and parameters give the same policy.

        `title` says for people what it is for; `watch` and `log` hear of each round; where the training is
        kept, and goes on from, is `checkpoint`.
        """
        check_libraries()
        self._check_course(course)
        with one_thread():
            pupil = self.pupil(course)
            card = self._card(course, pupil.view, title)
            if checkpoint is not None and checkpoint.arrays:
                restore(pupil.parts, checkpoint.arrays)
            begun = 0 if checkpoint is None else checkpoint.episodes
            for done in range(begun + self.environments, self.episodes + 1, self.environments):
                reward = pupil.learn(done - self.environments)
                if log is not None:
                    log(done, {"mean_reward": reward, **pupil.metrics})
                if watch is not None:
                    network = self.network(Policy(card, pupil.weights()), pupil.view, course.problem)
                    watch(done, reward, partial(answer, network, pupil.view))
                if checkpoint is not None and pupil.parts:
                    checkpoint.save(done, arrays_of(pupil.parts))
        policy = Policy(card, pupil.weights())
        return policy.in_float16() if self.float16 else policy

    def _card(self, course: TrainingSource, view: AnyView, title: str) -> PolicyCard:
        one, general = course.problem, isinstance(course, Draws)
        return PolicyCard(
            solver=self.title, parameters=self.training(), title=title, versions=view.versions,
            seed=course.seed, problem=policies.ANY_PROBLEM if general else policies.problem_digest(one),
            users=None if general else one.user_count, models=None if general else one.model_count,
        )  # fmt: skip

    def _check_course(self, course: TrainingSource) -> None:
        if declined := Solver.supports(self, course.problem):
            raise InputError("scenario", "must have no rule that the learner does not keep", declined)
        if isinstance(course, Draws) and not self.every_problem:
            raise InputError("course", "must be episodes of one library", "draws of many")
        transitions = self.episodes * course.scenario.slots
        if transitions <= (warmup := getattr(self, "warmup", 0)):
            rule, advice = f"must be below {transitions}, the transitions of the training", "add episodes"
            raise InputError(f"{self.title}.warmup", rule, str(warmup), f"nothing would be learned: {advice}")
