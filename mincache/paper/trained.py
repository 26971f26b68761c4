"""DDPG's policies: each trained as `mincache train` does it, once, and found again the next time."""

import json
import shlex
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from mincache.errors import InputError, in_file
from mincache.files.documents import digest, parse_json, read_bytes, write_bytes
from mincache.files.paths import make_folder
from mincache.files.tables import validated
from mincache.generation.suites import Suite
from mincache.judging.machine import machine
from mincache.learning.checkpoint import Checkpoint
from mincache.learning.learner import PolicyLearner
from mincache.learning.policies import write_policy
from mincache.learning.training import MetricsLog, Session, TrainingRecord
from mincache.solving import registry
from mincache.solving.entrant import Entrant
from mincache.views.episodes import Episodes

CURVE_POINTS = 50
"""Points of a training's curve: one a round, at 500 episodes and 10 environments."""
_CONVERGED = 0.1  # the last part of the episodes, over which the converged reward is a mean


@dataclass(frozen=True)
class Training:
    """One training: a learner on fresh traces for one library and N of the suite in a folder."""

    spec: str
    suite: Path
    library: int
    users: int
    seed: int

    @property
    def stem(self) -> str:
        """Name of its files: where it belongs, and a digest of all that its result depends on."""
        learner = registry.make(self.spec)
        assert isinstance(learner, PolicyLearner)
        source = Suite(self.suite).source
        identity = [
            Entrant.source_of(type(learner)), registry.parameters(learner), source.recipe.library_seed,
            source.scenario.model_dump(mode="json"), self.library, self.users, self.seed,
        ]  # fmt: skip
        key = digest(json.dumps(identity, sort_keys=True, default=str).encode())
        return f"{learner.title}.l{self.library}.n{self.users}.s{self.seed}.{key[:12]}"

    @property
    def command(self) -> str:
        """What makes the same policy."""
        where = ["--suite", self.suite, "--users", self.users, "--library", self.library]
        return shlex.join(map(str, ["mincache", "train", self.spec, *where, "--seed", self.seed]))


@dataclass(frozen=True)
class Trained:
    """A training, the file of its policy, and its record."""

    training: Training
    policy: Path
    record: TrainingRecord

    @property
    def converged_reward(self) -> float:
        """Mean reward of a slot at the end of the training, exploration included."""
        curve = self.record.curve
        start = (1.0 - _CONVERGED) * curve[-1].episode
        rewards = [point.mean_reward for point in curve if point.episode > start]
        return sum(rewards) / len(rewards)


def train_all(
    trainings: Sequence[Training], folder: Path, workers: int, show: Callable[[int], None]
) -> list[Trained]:
    """Return the policies of trainings in their order, training those that `folder` does not hold."""
    make_folder(folder)
    stems = {one: str((folder / one.stem).resolve()) for one in trainings}
    # Two spellings of one training have one file.
    waiting = {
        stem: one
        for one, stem in stems.items()
        if not all(Path(f"{stem}{ending}").is_file() for ending in (".json", ".safetensors"))
    }
    show(done := len(stems) - len(waiting))
    count = max(1, min(workers, len(waiting)))
    # Ctrl-C ends each process without a traceback; checkpoints keep what is done.
    at_interrupt = signal.SIGINT, signal.SIG_DFL
    with ProcessPoolExecutor(count, get_context("spawn"), signal.signal, at_interrupt) as pool:
        try:
            jobs = [pool.submit(train, one, stem) for stem, one in waiting.items()]
            for job in as_completed(jobs):
                job.result()
                show(done := done + 1)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    paths = [Path(f"{stems[one]}.safetensors") for one in trainings]
    return [
        Trained(one, path, _record(path.with_suffix(".json")))
        for one, path in zip(trainings, paths, strict=True)
    ]


def _record(path: Path) -> TrainingRecord:
    with in_file(path):
        record = validated(TrainingRecord, parse_json(read_bytes(path)))
        if record.policy_sha256 != digest(read_bytes(path.with_suffix(".safetensors"))):
            advice = "delete both to train it again"
            raise InputError("policy_sha256", "must be that of the policy beside it", "another", advice)
        return record


def train(training: Training, stem: str) -> None:
    """Train one policy.

    Raises:
        InputError: if that is not possible; it names the training among others.
    """
    try:
        _train(training, stem)
    except InputError as error:
        field = f"{training.spec}, seed {training.seed}: {error.field}"
        raise InputError(field, error.rule, error.received, error.advice) from None


def _train(training: Training, stem: str) -> None:
    learner = registry.make(training.spec)
    assert isinstance(learner, PolicyLearner)
    checkpoint = Checkpoint(Path(f"{stem}.checkpoint"), {"training": Path(stem).name})
    library, users = training.library, training.users
    course = Episodes.of_suite(str(training.suite), library, users, training.seed)
    session = Session(learner, course, checkpoint, lambda episode, point: None, CURVE_POINTS)
    title = f"library {library}, {users} users"
    finish(session, checkpoint, title, Path(f"{stem}.safetensors"), training.command)


def finish(
    session: Session, checkpoint: Checkpoint, title: str, path: Path, command: str,
    log: MetricsLog | None = None, float16: bool = False,
) -> TrainingRecord:  # fmt: skip
    """Train; write the policy and then, so that what has one is whole, its record."""
    policy = session.train(title, log)
    policy = policy.in_float16() if float16 else policy
    write_policy(path, policy)
    record = session.record(policy.card, digest(read_bytes(path)), command, machine())
    write_bytes(path.with_suffix(".json"), record.model_dump_json(indent=2).encode() + b"\n")
    checkpoint.remove()
    return record
