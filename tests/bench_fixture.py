"""A tiny suite and what it takes to run it, for the tests of the bench."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mincache.bench.limits import Limits
from mincache.bench.plan import Task, plan
from mincache.bench.worker import Job
from mincache.files.documents import digest
from mincache.generation.scenario import Scenario
from mincache.generation.suite_writing import generate
from mincache.generation.suites import Recipe, Suite
from mincache.solving.contents import Content
from mincache.solving.entrant import Entrant

FAULTS = Path(__file__).parent / "faults"
CLOUD_ONLY = Entrant("cloud-only", "cloud-only", "cloud-only", "cloud-only", kind="baseline")
on_linux = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="Linux alone can do this")


def tiny_suite(folder: Path, traces: int = 2) -> Suite:
    """Return a suite of `traces` instances with 2 slots, 3 users and 3 models."""
    scenario = Scenario(slots=2, users=3, models=3)
    recipe = Recipe(library_seed=1, trace_seed=2, libraries=1, users=(3,), traces=traces)
    return generate(folder, "tiny", recipe, scenario)


def file_entrant(spec: str, **fields) -> Entrant:
    """Return the entrant of a solver in tests/faults, `file.py:Class[...]`, without importing it."""
    path = FAULTS / spec.partition(":")[0]
    target = f"{FAULTS}/{spec.partition('[')[0]}"
    source = digest(path.read_bytes())
    return Entrant(
        target, f"{FAULTS}/{spec}", spec.partition("[")[0], spec, source=source, contents=(Content.of(path),),
        home=str(FAULTS), **fields,
    )  # fmt: skip


def tiny_tasks(
    folder: Path, *entrants: Entrant, repetitions: int = 1, traces: int = 2, **limits
) -> list[Task]:
    """Return the tasks of these entrants, or of `cloud-only`, on the tiny suite in `folder`."""
    chosen = entrants or (CLOUD_ONLY,)
    return plan(tiny_suite(folder, traces), chosen, repetitions, Limits(**{"wall_s": 30.0} | limits))


def job_of(task: Task, **changes) -> Job:
    """Return the job of a task, changed."""
    return Job(**vars(task.job) | changes)
