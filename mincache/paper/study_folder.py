"""How much a reproduction runs, and the folder that it works in, where each thing is made once."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from mincache.bench import campaign, plan
from mincache.bench.executors import LocalExecutor
from mincache.bench.limits import Limits
from mincache.bench.plan import Task
from mincache.bench.supervisor import Supervisor, describe
from mincache.errors import InputError
from mincache.files.paths import make_folder
from mincache.generation.recipes import Recipe
from mincache.generation.scenario import Scenario
from mincache.generation.suite_writing import generate
from mincache.generation.suites import RECIPE_FILE, Suite
from mincache.judging import journal
from mincache.judging.machine import machine
from mincache.judging.records import Record
from mincache.paper.findings import FindingRow
from mincache.paper.measurements import Measurement, Measurements
from mincache.paper.trained import Trained, Training, train_all
from mincache.solving.entrant import Entrant, absolute

Settings = Mapping[str, str | float]
"""Parameters of a solver that differ from their defaults."""

_BUDGETS = (
    (2, 1), (5, 1), (10, 1), (20, 1), (50, 1), (100, 1), (10, 10), (20, 10), (20, 20), (50, 20), (50, 50),
    (50, 100), (100, 100), (100, 200),
)  # fmt: skip

_DECODERS = (
    "threshold-priority", "sum-to-one", "hits-alone", "softmax", "scaled-sigmoid", "serve-in-order",
    "priority-serve",
)  # fmt: skip


@dataclass(frozen=True)
class Size:
    """The size of a reproduction; the full one by default.

    Attributes:
        trainings: for each N how many DDPG policies are trained a library, each with a seed of its own.
        rates: the actor's learning rates in Fig. 3; the critic's are 10 times as large.
        draws: libraries that the ceilings and the table of dependences are measured on, a trace each.
        ddpg: what differs from DDPG's defaults in every training, for the smaller sizes.
        hcras: what differs from HCRAS' defaults wherever its budget is not what is studied.
    """

    name: str = "full"
    libraries: int = 5
    traces: int = 2
    trainings: Mapping[int, int] = field(default_factory=lambda: {10: 5, 12: 1, 14: 1, 16: 1, 18: 5})
    repetitions: int = 3
    rates: tuple[float, ...] = (1e-5, 1e-4, 1e-3, 1e-2)
    rate_seeds: int = 5
    draws: int = 100
    budgets: tuple[tuple[int, int], ...] = _BUDGETS
    budget_libraries: int = 5
    decoders: tuple[str, ...] = _DECODERS
    decoder_libraries: int = 2
    ddpg: Settings = field(default_factory=dict)
    hcras: Settings = field(default_factory=dict)
    slots: int = 50

    @property
    def users(self) -> tuple[int, ...]:
        """The numbers of users N."""
        return tuple(self.trainings)

    @property
    def ends(self) -> tuple[int, int]:
        """The least and the largest N, which the paper gives percentages for."""
        return min(self.users), max(self.users)


SIZES = {
    "full": Size(),
    "quick": Size(
        "quick", libraries=3, traces=1, trainings={10: 1, 14: 1, 18: 1}, repetitions=1, rate_seeds=2,
        draws=20, budgets=_BUDGETS[::2], budget_libraries=2, decoder_libraries=1, ddpg={"episodes": 200},
    ),
    "smoke": Size(
        "smoke", libraries=2, traces=1, trainings={10: 1, 18: 1}, repetitions=1, rates=(1e-4, 1e-2),
        rate_seeds=2, draws=2, budgets=((2, 1), (10, 5)), budget_libraries=2, decoders=("softmax",),
        decoder_libraries=0, ddpg={"episodes": 40, "warmup": 100, "batch": 32},
        hcras={"population": 10, "generations": 5}, slots=8,
    ),
}  # fmt: skip
"""The sizes by name. Small ones show that everything works; their numbers mean little."""

SEED = 41
"""Of all libraries and traces here; the standard suites are drawn with others."""
_POLICY = "ddpg[policy="

ShowStage = Callable[[str, int, int], None]
"""Hears what is being done, and how much of it is done of how much."""


@dataclass(frozen=True)
class Contestant:
    """Who takes part in a campaign, in one place (library, N) or in all."""

    role: str
    spec: str
    repetitions: int = 1
    place: tuple[int, int] | None = None


@dataclass
class StudyFolder:
    """A folder that studies work in, with the records of every campaign so far, by suite and key."""

    folder: Path
    size: Size
    workers: int = 1
    show: ShowStage = lambda stage, done, total: None
    records: dict[str, dict[str, Record]] = field(default_factory=dict)
    trained: dict[Training, Trained] = field(default_factory=dict)
    entrants: dict[str, Entrant] = field(default_factory=dict)

    def __post_init__(self) -> None:
        make_folder(self.folder)
        (self.folder / ".gitignore").write_text("*\n")

    def suite(self, name: str, libraries: int, users: Sequence[int], traces: int, **changes: Any) -> Suite:
        """Return a suite of Table I but for `changes`, drawn with this module's seed."""
        folder = self.folder / "suites" / name
        scenario = Scenario(slots=self.size.slots, **changes)
        recipe = Recipe(
            library_seed=SEED, trace_seed=SEED, libraries=libraries, users=tuple(users), traces=traces
        )
        if not (folder / RECIPE_FILE).is_file():
            return generate(folder, name, recipe, scenario)
        found = Suite(folder)
        if (found.content.recipe, found.content.scenario) == (recipe, scenario):
            return found
        raise InputError(str(folder), "must be the suite that this run draws", "another", "remove the folder")

    def train(self, stage: str, trainings: Sequence[Training]) -> list[Trained]:
        """Return the policies of trainings."""
        found = train_all(
            trainings, self.folder / "policies", self.workers,
            lambda done: self.show(stage, done, len(trainings)),
        )  # fmt: skip
        self.trained |= zip(trainings, found, strict=True)
        return found

    def measure(self, suite: Suite, contestants: Sequence[Contestant]) -> Measurements:
        """Return what contestants reach on a suite: a campaign, which goes on where it stopped."""
        self._describe({absolute(one.spec) for one in contestants})
        planned = [(one.role, task) for one in contestants for task in self._tasks(suite, one)]
        tasks = list({task.key: task for _, task in planned}.values())
        folder = self.folder / "campaigns" / suite.name
        done = count(len(tasks) - len(campaign.pending(folder, tasks)))
        self.show(suite.name, next(done), len(tasks))
        campaign.run(
            folder, tasks, LocalExecutor(self.workers),
            lambda record: self.show(suite.name, next(done), len(tasks)),
        )  # fmt: skip
        records = {record.cell.key: record for record in journal.read(folder)}
        self.records.setdefault(suite.name, {}).update({task.key: records[task.key] for task in tasks})
        return Measurements(Measurement.of(role, suite, records[task.key]) for role, task in planned)

    def _describe(self, specs: set[str]) -> None:
        """Find out what solvers are, those of which that is not known."""
        with Supervisor(pin=False) as keeper:
            self.entrants |= {spec: describe(spec, keeper) for spec in sorted(specs - self.entrants.keys())}

    def _tasks(self, suite: Suite, one: Contestant) -> list[Task]:
        entrants = [self.entrants[absolute(one.spec)]]
        tasks = plan.plan(suite, entrants, one.repetitions, Limits(wall_s=600.0))
        places = {entry.name: (entry.library, entry.users) for entry in suite.entries.values()}
        return [task for task in tasks if one.place in (None, places[task.cell.instance])]

    def provenance(self, study: str) -> dict[str, Any]:
        """Return how a study's findings came about: enough to run the same again, and what it took."""
        runs = [one for records in self.records.values() for one in records.values()]
        return {
            "command": f"mincache reproduce {study} --{self.size.name}",
            "size": asdict(self.size),
            "seed": SEED,
            "runs": dict(Counter(one.verdict for one in runs)),
            "runs_cpu_s": sum(one.cpu_s or 0.0 for one in runs),
            "trainings": len(self.trained),
            "trainings_cpu_s": sum(one.record.cpu_s for one in self.trained.values()),
            "solvers": sorted({one.cell.solver for one in runs if not one.cell.solver.startswith(_POLICY)}),
            "trained": sorted({one.spec for one in self.trained}),
            "machine": machine(),
        }

    def lines(self) -> dict[str, list[FindingRow]]:
        """Return a line for every run, by campaign, and for every training."""
        found = {name: list(map(_run_line, records.values())) for name, records in self.records.items()}
        if self.trained:
            found["trainings"] = list(map(_training_line, self.trained.values()))
        return found


def _run_line(one: Record) -> FindingRow:
    cell, score = one.cell, one.score
    return {
        "instance": cell.instance, "instance_sha256": cell.instance_sha256[:12], "solver": cell.solver,
        "repetition": cell.repetition, "verdict": one.verdict, "cost": score.cost if score else None,
        "hit_ratio": score.hit_ratio if score else None, "solve_s": one.solve_s,
    }  # fmt: skip


def _training_line(one: Trained) -> FindingRow:
    training, record = one.training, one.record
    return {
        "policy": one.policy.name, "policy_sha256": record.policy_sha256[:12], "spec": training.spec,
        "suite": training.suite.name, "library": training.library, "users": training.users,
        "seed": training.seed, "environment_steps": record.environment_steps, "cpu_s": record.cpu_s,
        "validation_gap": record.curve[-1].validation_gap,
    }  # fmt: skip
