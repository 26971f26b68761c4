"""What a campaign consists of: every instance x solver x repetition, as cells."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from mincache.bench.limits import Limits
from mincache.bench.worker import Job
from mincache.errors import InputError, did_you_mean, excerpt, in_file
from mincache.files.documents import digest, read_bytes
from mincache.files.paths import absolute_path
from mincache.generation.suites import Suite
from mincache.judging.records import Cell
from mincache.solving.entrant import Entrant

_OF_THE_SOLVER = ("name", "source", "files", "modules", "version")
LIMITS = ("wall_s", "cpu_s", "memory_bytes", "evaluations", "threads")
"""The limits that are a part of what a run is."""
MOST_RUNS = 1_000_000
ONE_RUN = "it counts as one without randomness: one run an instance is planned"
"""What `plan` makes of a solver that could not be described."""


@dataclass(frozen=True)
class Task:
    """A cell, and what it takes to run it."""

    cell: Cell
    entrant: Entrant
    limits: Limits
    instance_path: Path
    best_known: float | None = None

    @cached_property
    def key(self) -> str:
        """The cell's."""
        return self.cell.key

    def read(self) -> bytes:
        """Return the instance's document.

        Raises:
            DocumentError: if its file is no longer the one that was planned.
        """
        with in_file(self.instance_path):
            data = read_bytes(self.instance_path)
            if digest(data) != self.cell.instance_sha256:
                raise InputError(
                    "sha256", "must be as planned", "another file", "see: mincache instances verify"
                )
            return data

    @property
    def job(self) -> Job:
        """What the child is told."""
        cell, entrant = self.cell, self.entrant
        return Job(
            entrant.spec, cell.stream, cell.wall_s, cell.evaluations, contents=entrant.contents,
            libraries=entrant.libraries, home=entrant.home, started_in=str(absolute_path(".")),
            hash_seed=hash_seed(cell.seed, cell.repetition),
            information=entrant.information, loads=entrant.loads if self.limits.warm else (),
        )  # fmt: skip


def plan(
    suite: Suite, entrants: Sequence[Entrant], repetitions: int, limits: Limits, seed: int = 0,
    instances: Iterable[str] = (),
) -> list[Task]:  # fmt: skip
    """Return the tasks of a campaign, instance by instance, each cell once.

    A solver that is not stochastic runs once for each of its training seeds, whatever `repetitions` says.
    Only instances that one of the patterns `instances` fits take part, all without any.

    Raises:
        InputError: if two solvers would go by the same name in tables, no instance fits a pattern, or there
            are more than `MOST_RUNS` runs.
    """
    _check_labels(entrants)
    chosen = _fitting(suite, instances)
    counts = [repetitions if one.stochastic else one.training_seeds for one in entrants]
    if (count := len(chosen) * sum(counts)) > MOST_RUNS:
        raise InputError("campaign", f"must have at most {MOST_RUNS} runs", str(count), "ask for fewer seeds")
    tasks = (
        task(suite.name, suite.path(entry.name), entry.name, entry.sha256, entrant, repetition, limits, seed,
             entry.best_known)
        for entry in suite.entries.values()
        if entry.name in chosen
        for entrant, repeated in zip(entrants, counts, strict=True)
        for repetition in range(repeated)
    )  # fmt: skip
    return list({one.key: one for one in tasks}.values())


def task(
    suite: str, instance_path: Path, instance: str, instance_sha256: str, entrant: Entrant, repetition: int,
    limits: Limits, seed: int = 0, best_known: float | None = None,
) -> Task:  # fmt: skip
    """Return the task of one run."""
    cell = Cell(
        suite=suite, instance=instance, instance_sha256=instance_sha256, solver=entrant.label,
        libraries=entrant.libraries, parameters=entrant.parameters, repetition=repetition, seed=seed,
        **{f"solver_{name}": getattr(entrant, name) for name in _OF_THE_SOLVER},
        **{name: getattr(limits, name) for name in LIMITS},
    )  # fmt: skip
    return Task(cell, entrant, limits, instance_path, best_known)


def _fitting(suite: Suite, patterns: Iterable[str]) -> set[str]:
    chosen = set()
    for pattern in patterns:
        fitting = {name for name in suite.entries if fnmatchcase(name, pattern)}
        if not fitting:
            advice = did_you_mean(pattern, list(suite.entries), f"see: mincache instances show {suite.name}")
            raise InputError("instances", f"must name some of {suite.name}", excerpt(pattern), advice)
        chosen |= fitting
    return chosen or set(suite.entries)


def shard(tasks: Iterable[Task], index: int, count: int) -> Iterator[Task]:
    """Yield the tasks of shard `index` (from 1) of `count`: the same cells whatever the order.

    Versions of libraries and the solver's code have no say, for they may differ from machine to machine.
    """
    same = {"solver_modules": "", "libraries": {}, "solver_source": "", "solver_version": ""}
    numbered = ((int(one.cell.model_copy(update=same).key, 16), one) for one in tasks)
    return (one for number, one in numbered if number % count == index - 1)


def hash_seed(seed: int, repetition: int) -> int:
    """Return the seed of Python's hashes for a repetition: the order of sets depends on it."""
    return (seed * 1_000_003 + repetition) % (1 << 32)


def _check_labels(entrants: Sequence[Entrant]) -> None:
    known: dict[str, Entrant] = {}
    for entrant in entrants:
        other = known.setdefault(entrant.label, entrant)
        if (other.source, other.parameters) != (entrant.source, entrant.parameters):
            received = f"{other.spec} and {entrant.spec}"
            raise InputError("solver", "must have a label of its own", received, "rename one")
