"""What every solver with trained policies does: it is trained in rounds, and keeps what comes of it."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from mincache.errors import InputError
from mincache.generation.scenario import Scenario
from mincache.learning import policies
from mincache.learning.checkpoint import Checkpoint, arrays_of, restore
from mincache.learning.draws import Draws, TrainingSource
from mincache.learning.finding import PolicyFinder
from mincache.learning.inference import AnyView, answer
from mincache.learning.policies import Policy, PolicyCard
from mincache.learning.torch_setup import check_libraries, one_thread
from mincache.problem.instance import RULES, Instance
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
_MOST = 10**9  # of anything that is counted
Answering = Callable[[Instance], Solution]
TrainingWatcher = Callable[[int, Mapping[str, float], Answering], None]
"""Hears of each round: episodes so far, numbers such as `mean_reward`, and the agent as it now answers."""


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
class PolicyLearner(Schedule, PolicyFinder, Learner):
    """A solver that is trained, and answers with the policies that come of it.

    Class attributes:
        fractions: names of the parameters that lie in [0, 1].
    """

    float16: ClassVar[bool] = False
    fractions: ClassVar[tuple[str, ...]] = ("discount", "target_rate", "noise_decay")

    def __post_init__(self) -> None:
        for name, kind in registry.hints(type(self)).items():
            value, least, most = getattr(self, name), int(kind is int), sys.float_info.max
            if least or name in self.fractions:
                most = MOST_UNITS if name in ("hidden", "width") else _MOST if least else 1
            rule = "must be finite and >= 0" if most > _MOST else f"must lie in [{least}, {most}]"
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
        return "past" if getattr(self, "action", None) == PastView.action else "trace"

    def kept_rules(self) -> tuple[str, ...]:
        """Return the rules that it keeps: on sets all, of the past alone what its caches alone decide."""
        if self.every_problem:  # on sets caches are filled within all limits
            return RULES
        return OnlineSolver.rules if self.information == "past" else self.rules

    @abstractmethod
    def pupil(self, course: TrainingSource) -> Pupil:
        """Return what is to be trained on `course`, with first weights drawn from the course's seed."""

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
        checkpoint: Checkpoint | None = None,
    ) -> Policy:  # fmt: skip
        """Return a policy trained on `course`; the same course and parameters give the same policy.

        `title` is for people; `watch` hears of each round; a training goes on from its `checkpoint`.
        """
        check_libraries()
        self.check_course(course)
        with one_thread():
            pupil = self.pupil(course)
            card = self._card(course, pupil.view, title)
            if checkpoint is not None and checkpoint.episodes:
                restore(pupil.parts, checkpoint.arrays)
            begun = 0 if checkpoint is None else checkpoint.episodes
            for done in range(begun + self.environments, self.episodes + 1, self.environments):
                reward = pupil.learn(done - self.environments)
                if watch is not None:
                    network = self.network(Policy(card, pupil.weights()), pupil.view, course.problem)
                    numbers = {"mean_reward": reward, **pupil.metrics}
                    watch(done, numbers, partial(answer, network, pupil.view))
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

    def check_course(self, course: TrainingSource) -> None:
        """Refuse a course with rules that it does not keep, of many libraries, or too short to learn from."""
        if declined := Solver.supports(self, course.problem):
            raise InputError("scenario", "must have no rule that the learner does not keep", declined)
        if isinstance(course, Draws) and not self.every_problem:
            raise InputError("course", "must be episodes of one library", "draws of many")
        transitions = self.episodes * course.scenario.slots
        if transitions <= (warmup := getattr(self, "warmup", 0)):
            rule, advice = f"must be below {transitions}, the transitions of the training", "add episodes"
            raise InputError(f"{self.title}.warmup", rule, str(warmup), f"nothing would be learned: {advice}")
