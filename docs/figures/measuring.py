"""What each learner is worth: trained from several seeds, measured on instances that none has seen.

Results are kept in a file as they come, and what is there already is not run again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mincache.exact import optimum
from mincache.files.documents import read_bytes, write_bytes
from mincache.generation import suites
from mincache.generation.scenario import Scenario
from mincache.learning import policies
from mincache.learning.draws import Draws, TrainingSource
from mincache.learning.learner import PolicyLearner
from mincache.problem.evaluation import evaluate
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.solving import registry, spec
from mincache.solving.contract import Run
from mincache.views.episodes import Episodes

LIBRARY_SEED = 101
"""Of the library that agents are compared on, and of those that general ones are measured on."""


@dataclass(frozen=True)
class Trial:
    """One training, measured.

    Attributes:
        learner: the solver as it was trained.
        answering: further parameters, which matter for its answers alone.
        where: what it was measured on.
        seed: of the training.
        gap: mean of its costs over the optimal ones, minus 1.
        train_cpu_s: processor seconds of the training.
    """

    learner: str
    answering: str
    where: str
    seed: int
    gap: float
    train_cpu_s: float

    @property
    def what(self) -> tuple[str, str, str, int]:
        """What was measured."""
        return self.learner, self.answering, self.where, self.seed


@dataclass(frozen=True)
class MeasuredTraining:
    """One training to make, and what to measure it on.

    Attributes:
        learner: the solver.
        seed: of the training.
        scenario: where everything is drawn from.
        users: N of the training and the measuring; several for a learner that is trained for all.
        general: whether it is trained for every library and N.
        answering: further parameters to try, each with all that is measured.
        count: traces to measure on, or libraries, for a general one with a trace each.
        suite: a suite that a general one is measured on too.
    """

    learner: str
    seed: int
    scenario: Scenario = field(default_factory=Scenario)
    users: tuple[int, ...] = (10,)
    general: bool = False
    answering: tuple[str, ...] = ("",)
    count: int = 10
    suite: str | None = None

    @property
    def course(self) -> TrainingSource:
        """What it is trained on."""
        if self.general:
            return Draws(self.scenario, self.seed)
        scenario = self.scenario.model_copy(update={"users": self.users[0]})
        return Episodes(scenario, scenario.library(LIBRARY_SEED), self.seed)

    def fields(self) -> Iterator[tuple[str, list[Instance]]]:
        """Yield what to measure it on, by name."""
        for users in self.users:
            scenario = self.scenario.model_copy(update={"users": users})
            # The same for every seed of a training, and in streams that no training draws from.
            held_out = [
                Episodes(scenario, scenario.library(LIBRARY_SEED, i if self.general else 0), 0, "held-out", i)
                for i in range(self.count)
            ]
            yield f"N = {users}", [one.instance(0) for one in held_out]
        if self.suite is not None:
            yield self.suite, list(suites.find(self.suite))

    @property
    def measured(self) -> list[tuple[str, str, str, int]]:
        """What its trials measure, as they name it."""
        where = [f"N = {users}" for users in self.users] + ([self.suite] if self.suite else [])
        return [(self.learner, how, place, self.seed) for place in where for how in self.answering]

    def run(self) -> list[Trial]:
        """Train and measure."""
        learner = registry.make(self.learner)
        assert isinstance(learner, PolicyLearner)
        start = time.process_time()
        policy = learner.train(self.course)
        seconds = round(time.process_time() - start, 1)
        with TemporaryDirectory() as folder:
            path = Path(folder) / "policy.safetensors"
            policies.write_policy(path, policy)
            return [
                Trial(self.learner, how, where, self.seed, self._gap(path, how, some), seconds)
                for where, some in self.fields()
                for how in self.answering
            ]

    def _gap(self, policy: Path, answering: str, instances: Sequence[Instance]) -> float:
        written = spec.Spec(spec.parse(self.learner).target).extended({"policy": policy})
        solver = registry.make(_with(written, answering))
        costs = [evaluate(one, solver.solve(one, Run.seeded(0))).cost for one in instances]
        optimal = [evaluate(one, optimum(one).solution).cost for one in instances]
        return round(float(np.mean(np.array(costs) / optimal - 1.0)), 6)


def run_all(jobs: Sequence[MeasuredTraining], kept: Path, workers: int = 1) -> list[Trial]:
    """Return the trials of all jobs in their order, and keep them in a file as they come.

    Args:
        jobs: what to run, unless `kept` has it.
        kept: the file.
        workers: processes at a time.
    """
    order = {what: place for place, what in enumerate(what for job in jobs for what in job.measured)}
    done = [Trial(**row) for row in json.loads(read_bytes(kept))] if kept.exists() else []
    done = [trial for trial in done if trial.what in order]
    have = {trial.what for trial in done}
    missing = [job for job in jobs if not have.issuperset(job.measured)]
    for measured in _finished(missing, workers):
        kinds = {trial.what for trial in measured}
        done = [trial for trial in done if trial.what not in kinds]
        done = sorted([*done, *measured], key=lambda trial: order[trial.what])
        rows = [json.dumps(asdict(trial)) for trial in done]
        write_bytes(kept, ("[\n" + ",\n".join(rows) + "\n]\n").encode())
    return done


def _finished(jobs: Sequence[MeasuredTraining], workers: int) -> Iterator[list[Trial]]:
    """Yield the trials of each job as it ends; one worker is this process."""
    if workers == 1:
        yield from map(MeasuredTraining.run, jobs)
        return
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for job in as_completed([pool.submit(MeasuredTraining.run, job) for job in jobs]):
            yield job.result()


def table(trials: Sequence[Trial]) -> str:
    """Return the trials as a Markdown table: means over the seeds, with 95 % intervals by Student's t."""
    lines = ["| learner | measured on | seeds | above the optimum | processor s |", "|---|---|---|---|---|"]
    groups: dict[tuple[str, str, str], list[Trial]] = {}
    for trial in trials:
        groups.setdefault((trial.learner, trial.answering, trial.where), []).append(trial)
    for (learner, answering, where), group in groups.items():
        gaps = 100.0 * np.array([trial.gap for trial in group])
        solver = _with(spec.parse(learner), answering)
        seconds = np.mean([trial.train_cpu_s for trial in group])
        interval = f"{gaps.mean():.2f} ± {half_width(gaps):.2f} %"
        lines.append(f"| `{solver}` | {where} | {len(gaps)} | {interval} | {seconds:.0f} |")
    return "\n".join(lines) + "\n"


def _with(written: spec.Spec, more: str) -> str:
    return str(written.extended(spec.parse_parameters(more, written.target)))


def half_width(values: Array, confidence: float = 0.95) -> float:
    """Return half the width of the confidence interval of the mean of independent values; nan for one."""
    from scipy.stats import t

    count = len(values)
    if count < 2:
        return float("nan")
    return float(t.ppf(0.5 + confidence / 2.0, count - 1) * values.std(ddof=1) / np.sqrt(count))
