"""The folder that a reproduction works in: suites, campaigns and policies, each made once and then found."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from mincache.bench import campaign, journal, plan
from mincache.bench.entrant import Entrant, absolute, describe
from mincache.bench.executors import LocalExecutor
from mincache.bench.limits import Limits
from mincache.bench.plan import Task
from mincache.bench.records import Record
from mincache.errors import InputError
from mincache.generation import suites
from mincache.generation.scenario import Scenario
from mincache.generation.suites import Recipe, Suite
from mincache.paper.measurements import Measurements, measured
from mincache.paper.sizes import Size
from mincache.paper.trained import Trained, Training, train_all

SEED = 41
"""Of all libraries and traces here; the standard suites are drawn with others."""

Show = Callable[[str, int, int], None]
"""Hears what is being done, and how much of it is done of how much."""


@dataclass(frozen=True)
class Contestant:
    """Who takes part in a campaign.

    Attributes:
        role: what tables call it.
        spec: the solver.
        repetitions: runs an instance.
        place: the (library, N) that it is for; None for all.
    """

    role: str
    spec: str
    repetitions: int = 1
    place: tuple[int, int] | None = None


@dataclass
class Workshop:
    """A working folder.

    Attributes:
        folder: where everything is kept.
        size: how much is run.
        workers: processes at a time.
        show: hears how far it is.
        records: of every campaign so far, by name and key.
        trained: every policy used so far.
    """

    folder: Path
    size: Size
    workers: int = 1
    show: Show = lambda stage, done, total: None
    records: dict[str, dict[str, Record]] = field(default_factory=dict)
    trained: dict[Training, Trained] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / ".gitignore").write_text("*\n")
        except OSError as error:
            raise InputError(
                "output", "must be a folder to write to", f"{self.folder}: {error.strerror}"
            ) from None

    def suite(
        self, name: str, scenario: Scenario, libraries: int, users: Sequence[int], traces: int
    ) -> Suite:
        """Return a suite, drawn with this module's seed.

        Raises:
            InputError: if the folder holds another one of this name.
        """
        folder = self.folder / "suites" / name
        scenario = scenario.model_copy(update={"slots": self.size.slots})
        recipe = Recipe(
            library_seed=SEED, trace_seed=SEED, libraries=libraries, users=tuple(users), traces=traces
        )
        if not (folder / suites.RECIPE_FILE).is_file():
            return suites.generate(folder, name, recipe, scenario)
        found = Suite(folder)
        if (found.content.recipe, found.content.scenario) != (recipe, scenario):
            raise InputError(
                str(folder), "must be the suite that this run draws", "another", "remove the folder"
            )
        return found

    def train(self, stage: str, trainings: Sequence[Training]) -> list[Trained]:
        """Return the policies of trainings."""
        found = train_all(
            trainings,
            self.folder / "policies",
            self.workers,
            lambda done: self.show(stage, done, len(trainings)),
        )
        self.trained |= zip(trainings, found, strict=True)
        return found

    def measure(self, suite: Suite, contestants: Sequence[Contestant]) -> Measurements:
        """Return what contestants reach on a suite: a campaign, which goes on where it stopped.

        Raises:
            MincacheError: if a run is not verified: nothing is averaged over what is left.
        """
        entrants = [(one, task) for one in contestants for task in self._tasks(suite, one)]
        tasks = list({task.key: task for _, task in entrants}.values())
        folder = self.folder / "campaigns" / suite.name
        done = len(tasks) - len(campaign.pending(folder, tasks, campaign.Redo()))
        self.show(suite.name, done, len(tasks))

        def progress(record: Record) -> None:
            nonlocal done
            done += 1
            self.show(suite.name, done, len(tasks))

        campaign.run(folder, tasks, LocalExecutor(self.workers), campaign.Redo(), progress)
        records = {record.cell.key: record for record in journal.read(folder)}
        self.records.setdefault(suite.name, {}).update({task.key: records[task.key] for task in tasks})
        return Measurements(measured(one.role, suite, records[task.key]) for one, task in entrants)

    def _tasks(self, suite: Suite, one: Contestant) -> list[Task]:
        return [
            plan.task(
                suite.name, suite.path(entry.name), entry.name, entry.sha256, _described(one.spec),
                repetition, Limits(wall_s=600.0), best_known=entry.best_known,
            )
            for entry in suite.entries.values()
            if one.place in (None, (entry.library, entry.users))
            for repetition in range(one.repetitions)
        ]  # fmt: skip


def cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _described(spec: str) -> Entrant:
    # The solvers here are the project's own, so that describing one needs no child.
    return describe(absolute(spec))
