"""Solvers given as Python objects become text that a child makes the same solver of."""

import itertools
import json
import linecache
import subprocess
import sys
import textwrap
import types

import pytest

from mincache import InputError, Run, evaluate, load
from mincache.solving import registry
from mincache.solving.sources import source_of, spec_of

SMOKE = load("smoke-v1.l0.n10.t0")

IMPORTS = """
import numpy as np
import xml.dom.minidom
from dataclasses import dataclass
from typing import ClassVar, Literal
from mincache import Instance, Run, Solution, Solver, serve
"""

HELPERS = """
KEPT = 2
NAMES = {"a": (1, 2.5), "b": None}

def fill(instance, order):
    cache = np.zeros((instance.slot_count, instance.model_count))
    cache[:, order[:KEPT]] = 1
    return again(cache, 3)

def again(cache, depth):
    return fill_nothing(cache) if depth == 0 else again(cache, depth - 1)

def fill_nothing(cache):
    return cache

class Base(Solver):
    def order(self, instance):
        return np.argsort(instance.models.size_gb)
"""

MINE = """
@dataclass(frozen=True)
class Mine(Base):
    "Caches the smallest models."
    kind: ClassVar[str] = "heuristic"
    mode: Literal["small", "large"] = "small"
    share: float = 0.5

    def solve(self, instance: Instance, run: Run) -> Solution:
        assert NAMES["b"] is None and xml.dom.minidom.parseString
        order = self.order(instance)
        table = order if self.mode == "small" else order[::-1]
        return serve(instance, fill(instance, table))
"""

numbers = itertools.count()


@pytest.fixture
def notebook(monkeypatch):
    """Return a function that runs cells as a notebook does, and returns the namespace."""

    def run(*cells, known=None):
        module = types.ModuleType(f"notebook_{next(numbers)}")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        vars(module).update(known or {})
        for cell in cells:
            name = f"<cell {next(numbers)}>"
            linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)
            exec(compile(cell, name, "exec", dont_inherit=True), vars(module))
        return module

    return run


def loaded(kind, tmp_path):
    """Return the class that a child loads from the source of another."""
    path = tmp_path / "mine.py"
    path.write_text(source_of(kind))
    return registry.load(f"{path}:{kind.__name__}")


def test_a_class_of_a_notebook_is_the_same_in_a_file(notebook, tmp_path):
    """With what it uses of other cells: imports, constants, functions that call each other, a base class."""
    mine = notebook(IMPORTS, HELPERS, "LATER = object()", MINE).Mine
    again = loaded(mine, tmp_path)
    for mode in ("small", "large"):
        assert again(mode).solve(SMOKE, Run.seeded(0)) == mine(mode).solve(SMOKE, Run.seeded(0))
    assert again.__doc__ == "Caches the smallest models."
    assert "LATER" not in source_of(mine)
    assert source_of(mine) == source_of(mine)


def test_postponed_annotations_stay_postponed(notebook, tmp_path):
    """A cell that postpones annotations may name types in them that only checkers know."""
    cell = "from __future__ import annotations\n" + MINE.replace("run: Run)", "run: OnlyForCheckers)")
    mine = notebook(IMPORTS, HELPERS, cell).Mine
    assert loaded(mine, tmp_path)().solve(SMOKE, Run.seeded(0)) == mine().solve(SMOKE, Run.seeded(0))


def test_local_names_are_not_taken_for_the_notebooks(notebook, tmp_path):
    """A variable of a method that is called as one of the notebook brings nothing with it."""
    mine = notebook(IMPORTS, HELPERS, "table = order = object()", MINE).Mine
    assert loaded(mine, tmp_path)().mode == "small"


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ("KEPT = np.arange(3)", "received KEPT, of type ndarray; make it a parameter, or move"),
        ("KEPT = float('nan')", "received KEPT, of type float"),
        (
            'exec("def fill_nothing(cache):\\n return cache")',
            "its fill_nothing too; received none to be found",
        ),
        ("fill_nothing = lambda cache: cache", "received fill_nothing, of type function"),
    ],
)
def test_what_has_no_source_is_refused(notebook, before, told):
    """In one line, which names it."""
    mine = notebook(IMPORTS, HELPERS, before, MINE).Mine
    with pytest.raises(InputError, match="solver Mine: must ") as caught:
        source_of(mine)
    assert told in str(caught.value)


def test_a_class_without_source_is_refused(notebook):
    """As one typed into a prompt that keeps none."""
    module = notebook(IMPORTS, HELPERS)
    exec(MINE, vars(module))
    with pytest.raises(InputError, match="solver Mine: must have its source in a file or a cell"):
        source_of(module.Mine)


def test_a_class_inside_a_function_is_refused(notebook, tmp_path):
    """What it closes over does not stand in its source."""
    cell = "def make():\n" + textwrap.indent(MINE, "    ") + "\n    return Mine"
    mine = notebook(IMPORTS, HELPERS, cell).make()
    with pytest.raises(InputError, match=r"must be defined at the top level .* received make.<locals>.Mine"):
        spec_of(mine, tmp_path)


def test_installed_solvers_go_by_name(tmp_path):
    """As text, object or class, with the parameters that differ from their defaults."""
    spec = "genetic[generations=3]"
    assert spec_of(spec, tmp_path) == spec
    assert spec_of(registry.make(spec), tmp_path) == spec
    assert spec_of(registry.load("lru"), tmp_path) == "lru"
    assert list(tmp_path.iterdir()) == []


def test_a_class_of_a_file_goes_by_its_file(tmp_path):
    """Nothing is written for it."""
    path = tmp_path / "own.py"
    path.write_text(IMPORTS + HELPERS + MINE)
    kind = registry.load(f"{path}:Mine")
    assert spec_of(kind(share=0.25), tmp_path / "sources") == f"{path}:Mine[share=0.25]"
    assert not (tmp_path / "sources").exists()


def test_a_parameter_without_text_is_refused(tmp_path):
    """A child could not be told of it."""
    path = tmp_path / "own.py"
    path.write_text(
        IMPORTS + HELPERS + MINE.replace("share: float = 0.5", 'many: tuple = ()\n    title: str = ""')
    )
    kind = registry.load(f"{path}:Mine")
    with pytest.raises(InputError, match=r"solver Mine\.many: must be a tuple; received '\(1, 2\)'"):
        spec_of(kind(many=(1, 2)), tmp_path)
    with pytest.raises(
        InputError, match=r"solver Mine\.title: must be a value that text can give; received 5"
    ):
        spec_of(kind(title=5), tmp_path)


def test_what_is_no_dataclass_is_refused(tmp_path):
    """Its parameters could not be told."""
    path = tmp_path / "own.py"
    path.write_text(IMPORTS + HELPERS + MINE.replace("@dataclass(frozen=True)", ""))
    namespace = {"__name__": "own"}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    with pytest.raises(InputError, match="solver Mine: must be a dataclass"):
        spec_of(namespace["Mine"], tmp_path)


SCRIPT = """
import mincache
if __name__ != "__main__":
    raise RuntimeError("the script is run again in the child")
results = mincache.run("smoke-v1", [Mine, Mine(mode="large"), "cloud-only"], seconds=20, folder={folder!r})
import json
print(json.dumps({{f"{{r.cell.solver}} {{r.cell.instance}}": r.score.cost for r in results.records}}))
"""


def test_the_class_of_a_script_takes_part_in_a_campaign(notebook, tmp_path):
    """The script itself is not run again; each run costs what it costs here, and another call goes on."""
    (tmp_path / "script.py").write_text(
        IMPORTS + HELPERS + MINE + SCRIPT.format(folder=str(tmp_path / "out"))
    )
    printed = [
        subprocess.run(
            [sys.executable, str(tmp_path / "script.py")], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    costs = json.loads(printed[0])
    assert json.loads(printed[1]) == costs
    assert len(costs) == 12
    assert len((tmp_path / "out" / "records.jsonl").read_text().splitlines()) == 12
    mine = notebook(IMPORTS, HELPERS, MINE).Mine
    for mode, label in (("small", "Mine.py:Mine"), ("large", "Mine.py:Mine[mode=large]")):
        here = evaluate(SMOKE, mine(mode).solve(SMOKE, Run.seeded(0))).cost
        assert costs[f"{label} {SMOKE.name}"] == here
