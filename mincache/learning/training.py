"""Training as the command line sees it: what a learner offers, how far it is, and what is kept of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from mincache.exact import optimum
from mincache.files.tables import StrictTable, TupleOf, Whole
from mincache.learning.checkpoint import Checkpoint
from mincache.learning.draws import Draws, TrainingSource
from mincache.learning.policies import Policy, PolicyCard
from mincache.problem.evaluation import evaluate
from mincache.problem.instance import Instance
from mincache.problem.solution import Solution
from mincache.solving import registry

RECORD_FORMAT: Literal["mincache-training/1"] = "mincache-training/1"
VALIDATION_TRACES = 4
VALIDATION_DRAWS = 20
TrainingWatcher = Callable[[int, float, Callable[[Instance], Solution]], None]
"""Hears of each round: episodes so far, mean reward of the round, and the agent as it now answers."""
MetricsLog = Callable[[int, Mapping[str, float]], None]
"""Hears of each round: episodes so far, and numbers on the round by name, such as the critic's loss."""


def check_libraries() -> None:
    """Check that the libraries for training are installed; answering needs none of them.

    Raises:
        MissingExtraError: with what to install.
    """
    for name in ("torch", "gymnasium"):
        try:
            import_module(name)
        except ModuleNotFoundError as error:
            raise registry.missing_extra("training", error) from None


@runtime_checkable
class Trainable(Protocol):
    """A solver that `mincache train` can train.

    It learns from the `Episodes` of one library and number of users; where its `every_problem` is true, also
    from `Draws`.
    """

    @property
    def episodes(self) -> int:
        """How many episodes a training has."""

    @property
    def device(self) -> str:
        """Where it trains."""

    @property
    def every_problem(self) -> bool:
        """Whether one policy may be for every library and number of users."""

    def train(
        self,
        course: Any,  # the Course that it learns from
        /,
        watch: TrainingWatcher | None = None,
        title: str = "",
        checkpoint: Checkpoint | None = None,
        **more: Any,
    ) -> Policy:
        """Return a policy trained on `course`, going on from the checkpoint; `log` is among the keywords."""


class CurvePoint(StrictTable):
    """How good the agent was at one time of its training.

    Attributes:
        episode: episodes so far.
        mean_reward: of the last round, exploration included; of a learner that imitates, minus its loss.
        validation_cost: mean cost on the validation traces, without exploration.
        validation_gap: how far above the optimum that is, as a fraction; None without an exact solver.
    """

    episode: Whole
    mean_reward: float
    validation_cost: float
    validation_gap: float | None = None


class TrainingRecord(StrictTable):
    """What stands beside a policy file.

    Attributes:
        format: `RECORD_FORMAT`.
        command: the command that makes the policy again.
        policy_sha256: of the policy file.
        card: the policy's.
        environment_steps: slots played, or learned from.
        wall_s: seconds of training, validation left out.
        cpu_s: processor seconds of the same.
        device: where it was trained.
        started: ISO 8601 time in UTC.
        environment: versions and machine.
        curve: how the agent got better.
    """

    format: Literal["mincache-training/1"] = RECORD_FORMAT
    command: str
    policy_sha256: str
    card: PolicyCard
    environment_steps: Whole
    wall_s: float
    cpu_s: float
    device: str
    started: str
    environment: dict[str, Any]
    curve: TupleOf[CurvePoint]


@dataclass
class Validation:
    """Instances that are neither trained on nor in any suite, and their optimal costs.

    Args:
        course: what is trained on; only the name of the stream is another.
        count: how many instances.
    """

    course: TrainingSource
    count: int = VALIDATION_TRACES
    instances: Sequence[Instance] = field(init=False)
    optimal_costs: Sequence[float] = field(init=False)

    def __post_init__(self) -> None:
        held_out = replace(self.course, purpose="validation")
        self.instances = [held_out.instance(i) for i in range(self.count)]
        self.optimal_costs = [evaluate(one, optimum(one).solution).cost for one in self.instances]

    def point(self, episode: int, reward: float, answer: Callable[[Instance], Solution]) -> CurvePoint:
        """Return how good an agent is now."""
        costs = [evaluate(instance, answer(instance)).cost for instance in self.instances]
        gap = float(np.mean(np.array(costs) / self.optimal_costs - 1.0))
        return CurvePoint(
            episode=episode, mean_reward=reward, validation_cost=float(np.mean(costs)), validation_gap=gap
        )


class Session:
    """One training: hears of each round, keeps the time and the curve, and goes on from a checkpoint.

    Args:
        learner: what is trained.
        course: what it is trained on.
        checkpoint: where it is kept as it goes.
        show: hears of the episodes so far after each round, and of each point of the curve.
        points: how many points the curve has.

    Raises:
        InputError: if torch cannot compute on the learner's device here.
    """

    def __init__(
        self,
        learner: Trainable,
        course: TrainingSource,
        checkpoint: Checkpoint,
        show: Callable[[int, CurvePoint | None], None],
        points: int = 10,
    ) -> None:
        from mincache.learning.compute import check_device  # torch: records are read without it

        check_device(learner.device)
        self._learner, self._course, self._checkpoint, self._show = learner, course, checkpoint, show
        self._every = max(1, learner.episodes // points)
        held_out = VALIDATION_DRAWS if isinstance(course, Draws) else VALIDATION_TRACES
        self._validation = Validation(course, held_out)
        self._stopwatch = Stopwatch(*checkpoint.notes.get("seconds", (0.0, 0.0)))
        self._curve = [CurvePoint(**point) for point in checkpoint.notes.get("curve", ())]
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._started = checkpoint.notes.setdefault("started", now)

    def train(self, title: str, log: MetricsLog | None = None) -> Policy:
        """Train, and return the policy.

        Args:
            title: for people: what the policy is for.
            log: hears of each round's metrics; for learners that have some.
        """
        self._stopwatch.resume()
        more = {} if log is None else {"log": log}
        policy = self._learner.train(self._course, self._hear, title, self._checkpoint, **more)
        self._stopwatch.pause()
        return policy

    def record(
        self, card: PolicyCard, policy_sha256: str, command: str, environment: dict[str, Any]
    ) -> TrainingRecord:
        """Return the record of the training.

        Args:
            card: the policy's.
            policy_sha256: of the policy file.
            command: what makes it again.
            environment: versions and machine.
        """
        return TrainingRecord(
            command=command,
            policy_sha256=policy_sha256,
            card=card,
            environment_steps=self._learner.episodes * self._course.scenario.slots,
            wall_s=self._stopwatch.wall_s,
            cpu_s=self._stopwatch.cpu_s,
            device=self._learner.device,
            started=self._started,
            environment=environment,
            curve=tuple(self._curve),
        )

    def _hear(self, episode: int, reward: float, answer: Callable[[Instance], Solution]) -> None:
        due = episode // self._every > len(self._curve) or episode >= self._learner.episodes
        self._stopwatch.pause()
        if due:
            self._curve.append(self._validation.point(episode, reward, answer))
        self._checkpoint.notes["curve"] = [point.model_dump() for point in self._curve]
        self._checkpoint.notes["seconds"] = (self._stopwatch.wall_s, self._stopwatch.cpu_s)
        self._show(episode, self._curve[-1] if due else None)
        self._stopwatch.resume()


class Stopwatch:
    """Wall-clock and processor seconds, with pauses.

    Args:
        wall_s: wall-clock seconds counted before.
        cpu_s: processor seconds counted before.
    """

    def __init__(self, wall_s: float = 0.0, cpu_s: float = 0.0) -> None:
        self.wall_s, self.cpu_s = wall_s, cpu_s
        self._since = (0.0, 0.0)

    def resume(self) -> None:
        """Count from now."""
        self._since = (time.perf_counter(), time.process_time())

    def pause(self) -> None:
        """Stop counting."""
        self.wall_s += time.perf_counter() - self._since[0]
        self.cpu_s += time.process_time() - self._since[1]
