"""Keepers that hold a solver's libraries ready."""

import os
import subprocess
import sys

import pytest
from bench_fixture import job_of, on_linux, tiny_tasks

from mincache.bench.limits import Limits
from mincache.bench.supervisor import Supervisor, describe
from mincache.judging import messages
from mincache.solving.contents import libraries_loaded

pytestmark = on_linux

SOLVER = """
import sys
from dataclasses import dataclass

READY = "cycler" in sys.modules
import cycler
from mincache import Solution, Solver


@dataclass(frozen=True)
class Told(Solver):
    def solve(self, instance, run):
        run.log(ready=READY, drawn=__import__("random").random())
        return Solution.nothing_cached(instance)
"""


@pytest.fixture
def task(tmp_path):
    """A task of a solver that logs whether its library was there before it was imported."""
    pytest.importorskip("cycler")
    (tmp_path / "told.py").write_text(SOLVER)
    return tiny_tasks(tmp_path)[0]


def logged(outcome):
    """The numbers that a run logged, by name."""
    return {name: messages.unpack_logged(kept[0][1])[1] for name, kept in outcome.logged.items()}


def test_a_warm_run_finds_its_libraries_and_says_so(task, tmp_path):
    """What the keeper loaded is there, its time counts as the run's, and a cold run draws the same."""
    with Supervisor(pin=False) as keeper:
        entrant = describe(f"{tmp_path}/told.py:Told", keeper)
    assert entrant.loads == ("cycler",)
    cold_job = job_of(task, solver=entrant.spec, contents=())
    warm_job = job_of(task, solver=entrant.spec, contents=(), loads=entrant.loads)
    with Supervisor(pin=False) as keeper:
        cold, warm = (keeper.run(job, Limits(wall_s=30.0), task.read()) for job in (cold_job, warm_job))
    assert (cold.closing, warm.closing) == (messages.ANSWER, messages.ANSWER)
    assert (logged(cold)["ready"], logged(warm)["ready"]) == (0.0, 1.0)
    assert logged(cold)["drawn"] == logged(warm)["drawn"]
    assert cold.warm_s == 0.0
    assert 0.0 < warm.warm_s < warm.import_s


def test_what_is_not_installed_is_not_loaded(task, tmp_path, monkeypatch):
    """A module on the path of modules stays out of the keeper, and one that is nowhere is no fault."""
    mark = tmp_path / "mark"
    (tmp_path / "sly.py").write_text(f"open({str(mark)!r}, 'w')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    job = job_of(task, loads=("sly", "no_such_module", "..", "os"))
    with Supervisor(pin=False) as keeper:
        assert keeper.run(job, Limits(wall_s=30.0), task.read()).closing == messages.ANSWER
    assert not mark.exists()


def test_libraries_that_start_threads_leave_the_keeper_cold(tmp_path):
    """The process that was to load them ends, and the next one loads nothing."""
    program = """
import sys, sysconfig, threading, types
from mincache.bench import worker
worker._is_installed = lambda top: True
module = types.ModuleType("threading_library")
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "threading_library":
            threading.Thread(target=threading.Event().wait, daemon=True).start()
sys.meta_path.insert(0, Finder)
worker.load(["threading_library"])
print("still there")
"""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")


def test_packages_with_solvers_are_no_libraries():
    """Neither mincache nor Python's own modules nor those of a file are among what may be held ready."""
    assert libraries_loaded(["mincache.errors", "json", "numpy", "no_such_module"]) == ("numpy",)
