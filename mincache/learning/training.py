"""A training as the command line sees it: how far it is, how good it gets, and what is kept of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

import numpy as np
from pydantic import Field

from mincache.errors import InputError, excerpt
from mincache.exact import optimum
from mincache.files.tables import PairOf, StrictTable, TupleOf, Whole, validated
from mincache.learning.checkpoint import Checkpoint
from mincache.learning.draws import Draws, TrainingSource
from mincache.learning.learner import Answering, PolicyLearner
from mincache.learning.policies import Policy, PolicyCard
from mincache.learning.torch_setup import check_device
from mincache.problem.evaluation import evaluate
from mincache.problem.quantity import Array

RECORD_FORMAT: Literal["mincache-training/1"] = "mincache-training/1"
VALIDATION_TRACES = 4
VALIDATION_DRAWS = 20
MetricsLog = Callable[[int, Mapping[str, float]], None]
"""Hears of each round: episodes so far, and numbers on the round by name, such as the critic's loss.

`validation_gap` is NaN but where the curve has a point.
"""


class CurvePoint(StrictTable):
    """How good the agent was at one time of its training.

    Attributes:
        episode: episodes so far.
        mean_reward: of the last round, exploration included; of a learner that imitates, minus its loss.
        validation_cost: mean cost on the validation traces, without exploration.
        validation_gap: how far above the optimum that is, as a fraction.
    """

    episode: Whole
    mean_reward: float
    validation_cost: float
    validation_gap: float | None = None


class TrainingRecord(StrictTable):
    """What stands beside a policy file.

    Attributes:
        command: the command that makes the policy again.
        environment_steps: slots played, or learned from.
        wall_s: seconds of training, validation left out.
        cpu_s: processor seconds of the same.
        started: ISO 8601 time in UTC.
        environment: versions and machine.
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
    curve: TupleOf[CurvePoint] = Field(min_length=1)


class _Notes(StrictTable):
    """What a session keeps in a checkpoint."""

    curve: TupleOf[CurvePoint] = ()
    seconds: PairOf[float] = (0.0, 0.0)
    started: str = ""


class Validation:
    """Instances of a course that are neither trained on nor in any suite, and their optimal costs."""

    def __init__(self, course: TrainingSource) -> None:
        held_out = replace(course, purpose="validation")
        count = VALIDATION_DRAWS if isinstance(course, Draws) else VALIDATION_TRACES
        self._instances = [held_out.instance(i) for i in range(count)]
        self._optimal = [evaluate(one, optimum(one).solution).cost for one in self._instances]

    def point(self, episode: int, reward: float, answer: Answering) -> CurvePoint:
        """Return how good an agent is now."""
        costs = [evaluate(instance, answer(instance)).cost for instance in self._instances]
        cost, gap = float(np.mean(costs)), float(np.mean(np.array(costs) / self._optimal - 1.0))
        return CurvePoint(episode=episode, mean_reward=reward, validation_cost=cost, validation_gap=gap)


class Session:
    """One training: hears of each round, keeps the time and the curve, and goes on from a checkpoint.

    Args:
        show: hears of the episodes so far after each round, and of each point of the curve.
        points: how many points the curve has.

    Raises:
        InputError: if torch cannot compute on the learner's device here.
    """

    def __init__(
        self,
        learner: PolicyLearner,
        course: TrainingSource,
        checkpoint: Checkpoint,
        show: Callable[[int, CurvePoint | None], None],
        points: int = 10,
    ) -> None:
        check_device(learner.device)
        self._learner, self._course, self._checkpoint, self._show = learner, course, checkpoint, show
        self._every = max(1, learner.episodes // points)
        self._validation = Validation(course)
        notes = validated(_Notes, checkpoint.notes)
        self._curve, self._spent_s, self._since_s = list(notes.curve), np.array(notes.seconds), _now_s()
        self._started = notes.started or datetime.now(UTC).isoformat(timespec="seconds")
        checkpoint.notes["started"] = self._started

    def train(self, title: str, log: MetricsLog | None = None) -> Policy:
        """Train, and return the policy; `title` says what it is for, `log` hears of each round's metrics."""
        self._since_s = _now_s()
        try:
            policy = self._learner.train(self._course, partial(self._hear, log), title, self._checkpoint)
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "alloc" not in str(error):  # torch's, where memory ends
                raise
            advice = "take a smaller batch, memory or network"
            raise InputError("training", "must fit into memory", excerpt(str(error)), advice) from None
        self._spent_s += _now_s() - self._since_s
        return policy

    def record(
        self, card: PolicyCard, policy_sha256: str, command: str, environment: dict[str, Any]
    ) -> TrainingRecord:
        """Return the record of the training, given what makes the policy again, and where it was made."""
        return TrainingRecord(
            command=command,
            policy_sha256=policy_sha256,
            card=card,
            environment_steps=self._learner.episodes * self._course.scenario.slots,
            wall_s=self._spent_s[0],
            cpu_s=self._spent_s[1],
            device=self._learner.device,
            started=self._started,
            environment=environment,
            curve=tuple(self._curve),
        )

    def _hear(
        self, log: MetricsLog | None, episode: int, metrics: Mapping[str, float], answer: Answering
    ) -> None:
        self._spent_s += _now_s() - self._since_s  # what follows is not on the clock
        due = episode // self._every > len(self._curve) or episode >= self._learner.episodes
        if due:
            self._curve.append(self._validation.point(episode, metrics["mean_reward"], answer))
        if log is not None:
            gap = self._curve[-1].validation_gap if due else None
            log(episode, {**metrics, "validation_gap": math.nan if gap is None else gap})
        self._checkpoint.notes["curve"] = [point.model_dump() for point in self._curve]
        self._checkpoint.notes["seconds"] = self._spent_s.tolist()
        self._show(episode, self._curve[-1] if due else None)
        self._since_s = _now_s()


def _now_s() -> Array:
    """Wall-clock and processor seconds."""
    return np.array([time.perf_counter(), time.process_time()])
