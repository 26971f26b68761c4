"""What a solver's answers depend on is known by content, and a change of it is seen."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
from bench_fixture import job_of, on_linux, tiny_tasks

from mincache.bench.limits import Limits
from mincache.bench.supervisor import Supervisor, describe
from mincache.judging import messages
from mincache.solving import registry
from mincache.solving.contents import Content, changed, late_modules, libraries_of, modules_of

pytestmark = on_linux

SOLVER = """
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
import random
import numpy as np
from mincache import Solution, Solver
{above}
def double(x):
    return 2 * x

@dataclass(frozen=True)
class Mine(Solver):
    stochastic: ClassVar[bool] = True
    table: Path = Path("t.txt")
    def solve(self, instance, run):
        {within}
        print(np.random.rand(), random.random(), list({{f"m{{k}}" for k in range(9)}}), flush=True)
        raise ValueError("done")
"""


def write(folder, above="", within="pass"):
    """Write a solver into a folder, and return its spec."""
    (folder / "mine.py").write_text(SOLVER.format(above=above, within=within))
    (folder / "t.txt").write_text("1")
    return f"{folder / 'mine.py'}:Mine"


@pytest.fixture(scope="module")
def keeper():
    """A keeper."""
    with Supervisor(pin=False) as one:
        yield one


@pytest.mark.parametrize(
    ("above", "within"),
    [("import helper", "pass"), ("", "import helper"), ("from pack.deep import part", "pass"),
     ("import other", "pass")],
    ids=["at the top", "within solve", "package", "in turn"],
)  # fmt: skip
def test_modules_beside_it_are_part_of_a_solver(tmp_path, keeper, above, within):
    """A module beside a solver's file can be imported wherever, and its content makes another solver."""
    (tmp_path / "pack/deep").mkdir(parents=True)
    for name in ("helper", "pack/__init__", "pack/deep/__init__", "pack/deep/part"):
        (tmp_path / f"{name}.py").write_text("SCALE = 1\n")
    (tmp_path / "other.py").write_text("def late():\n    import helper\n")
    spec = write(tmp_path, above, within)
    before = describe(spec, keeper)
    assert describe(spec, keeper) == before
    changing = tmp_path / ("pack/deep/part.py" if "pack" in above else "helper.py")
    changing.write_text("SCALE = 2\n")
    after = describe(spec, keeper)
    assert (after.source, after.label) == (before.source, before.label)
    assert after.modules != before.modules
    assert changed(before.contents, {}) != ""
    assert changed(after.contents, after.libraries) == ""


def test_relative_defaults_mean_the_folder_of_the_command(tmp_path, keeper, monkeypatch):
    """A relative path, given or by default, is looked up from where the command was started."""
    spec = write(tmp_path)
    monkeypatch.chdir(tmp_path)
    default, given = describe(spec, keeper), describe(f"{spec}[table=./t.txt]", keeper)
    assert default.parameters == given.parameters
    assert f"table={tmp_path / 't.txt'}" in default.spec
    assert "table" not in default.label
    (tmp_path / "t.txt").write_text("2")
    assert describe(spec, keeper).parameters != default.parameters


def output(keeper, task, spec, repetition):
    """Return what a solver printed in a repetition."""
    stream = (*task.cell.stream[:3], repetition)
    job = job_of(task, solver=spec, contents=(), stream=stream, hash_seed=repetition)
    outcome = keeper.run(job, task.limits, task.read())
    assert outcome.closing == messages.RAISED
    return outcome.output.splitlines()[0]


def test_global_generators_are_seeded_from_the_stream(tmp_path, keeper):
    """Repetitions differ in numpy's and Python's generators and in set order; each repeats, in any keeper."""
    (task,) = tiny_tasks(tmp_path / "suite", traces=1)
    spec = write(tmp_path)
    first = [output(keeper, task, spec, number) for number in range(3)]
    assert all(len(set(parts)) == 3 for parts in zip(*(line.split()[:2] for line in first), strict=True))
    with Supervisor(pin=False) as other:
        assert [output(other, task, spec, number) for number in (2, 1, 0)] == first[::-1]


def test_a_run_sees_few_variables(tmp_path, monkeypatch):
    """Of the environment a run sees what programs need to start, and what was asked for by name."""
    (task,) = tiny_tasks(tmp_path / "suite", traces=1)
    monkeypatch.setenv("MY_SECRET", "s3cret")
    monkeypatch.setenv("MY_LICENCE", "l1cence")
    spec = write(tmp_path, "import os", "print(sorted(os.environ.items()))")
    job = job_of(task, solver=spec, contents=())
    with Supervisor(pin=False) as one:
        for asked in ((), ("MY_LICENCE",)):
            output = one.run(job, Limits(wall_s=30.0, environment=asked), task.read()).output
            assert b"'PATH'" in output
            assert b"s3cret" not in output
            assert (b"l1cence" in output) == bool(asked)


def test_an_unchanged_file_is_known_without_reading_it(tmp_path):
    """The time of its last change and its size are enough; else its bytes decide."""
    path = tmp_path / "a"
    path.write_text("one")
    known = Content.of(path)
    assert known.holds()
    path.write_text("two")
    assert not known.holds()
    path.write_text("one")
    assert known.holds()
    os.unlink(path)
    assert changed([known], {}) == "a"
    assert changed([], libraries_of({"numpy"}) | {"numpy": "0"}) == "the version of numpy"


def test_late_modules_are_told(tmp_path, monkeypatch):
    """A module that came in afterwards and that no plan knows goes by its path from the solver's folder."""
    import importlib

    (tmp_path / "came_late.py").write_text("X = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    importlib.import_module("came_" + "late")
    told = late_modules(before, [], str(tmp_path))
    assert told == {"came_late.py": Content.of(tmp_path / "came_late.py").sha256}


def test_a_made_up_file_is_no_part_of_a_solver(monkeypatch):
    """A module that a library makes as it runs may call its file as it likes; there is none to read."""
    made_up = ModuleType("made_up")
    made_up.__file__ = "_made_up.py"
    monkeypatch.setitem(sys.modules, "made_up", made_up)
    contents, _ = modules_of(registry.load("cloud-only"), ["made_up"])
    assert contents
    assert all(Path(content.path).is_absolute() for content in contents)


def test_what_python_compiles_does_not_count(keeper, tmp_path):
    """Of a solver's contents none lies in a folder that Python fills while it runs."""
    described = [describe(one, keeper) for one in ("cloud-only", write(tmp_path))]
    assert not [one.path for entrant in described for one in entrant.contents if "__pycache__" in one.path]
