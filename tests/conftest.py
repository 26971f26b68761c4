"""Settings that every test shares."""

from __future__ import annotations

import gc
import os
from pathlib import Path

# One thread a process: before numpy is imported anywhere.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

# One core a worker of pytest-xdist: campaigns then start one keeper each, and not one a core of the machine.
if hasattr(os, "sched_setaffinity"):
    _cores = sorted(os.sched_getaffinity(0))
    if 1 < int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) == len(_cores):
        os.sched_setaffinity(0, {_cores[int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))]})

# Modules and tests stay; collecting garbage among them takes a third of the time to find the tests.
gc.disable()

# ruff: noqa: E402  # for the same reasons
import pytest
from hypothesis import HealthCheck, Phase, settings

from mincache import Instance, Solution, read_instance, read_solution

# The same examples every time, and no time limit: a slow machine is no failure.
settings.register_profile(
    "mincache",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
# For `mutants.py`, which asks whether a test fails, not what the simplest example is.
settings.register_profile(
    "mutants",
    parent=settings.get_profile("mincache"),
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
)
settings.load_profile("mincache")

# With `--dist loadfile` these begin first, so that no core is idle at the end beside one of them.
LONGEST = (
    "test_commands.py", "test_examples.py", "test_run.py", "test_publish.py", "test_examples_folder.py",
    "test_browser.py", "test_every_solver.py", "test_seal.py", "test_docs_site.py", "test_studies.py",
    "test_notebook.py", "test_kills.py", "test_arena.py", "test_build.py", "test_stable_agents.py",
    "test_train.py", "test_inference.py", "test_main.py", "test_pyomo_model.py", "test_faults.py",
    "test_cluster.py", "test_suites_references.py",
)  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Let pytest-xdist keep the order of the files, where it would begin with those of many tests."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


def pytest_collection_finish() -> None:
    """Collect garbage again, of what the tests make alone."""
    gc.freeze()
    gc.enable()


GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def golden_folder() -> Path:
    """The folder of an ordinary golden case."""
    return GOLDEN / "score" / "case-1-plain"


@pytest.fixture
def instance(golden_folder: Path) -> Instance:
    """An ordinary instance."""
    return read_instance(golden_folder / "instance.json")


@pytest.fixture
def solution(golden_folder: Path) -> Solution:
    """A feasible solution of `instance`."""
    return read_solution(golden_folder / "solution.json")
