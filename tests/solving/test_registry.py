"""Finding and making solvers, and one line for everything that is none."""

import dataclasses
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from mincache import Instance, Solver
from mincache.errors import InputError, MincacheError, MissingExtraError
from mincache.solving import registry

ROOT = Path(__file__).parents[2]

HEADER = """
from dataclasses import dataclass
from typing import *
from pathlib import Path
from mincache import Instance, Run, Solution, Solver

class Base(Solver):
    def solve(self, instance: Instance, run: Run) -> Solution:
        return Solution.nothing_cached(instance)
"""

PARAMETERS = """
@dataclass(frozen=True)
class Mine(Base):
    count: int = 3
    rate: float = 0.5
    label: str = "x"
    flag: bool = False
    limit: float | None = None
    old: Optional[int] = 7
    either: int | str = 0
    mode: Literal["fast", "slow"] = "fast"
    size: Literal[1, 2] = 1
    where: Path | None = None
    many: list[int] | None = None
    pair: tuple = ()
"""


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a solver file and returns its path."""

    def write(body, header=HEADER, name="mine.py"):
        path = tmp_path / name
        path.write_text(header + body)
        return path

    return write


def refusal(spec, kind=InputError):
    """Return the one line that refuses a solver."""
    with pytest.raises(kind) as caught:
        registry.make(spec)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 2500
    return str(caught.value)


# What is installed


def test_files_and_entry_points_agree():
    """Each file in solvers/ is one entry point's module, each entry point of ours a class in such a file."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][registry.GROUP]
    modules = sorted(
        target.partition(":")[0].removeprefix("mincache.solvers.") for target in declared.values()
    )
    files = sorted(path.stem for path in (ROOT / "solvers").glob("*.py") if path.stem != "__init__")
    assert modules == files
    installed = {entry.name: entry.value for entry in entry_points(group=registry.GROUP)}
    assert declared.items() <= installed.items(), "entry points are read when the project is installed"
    assert set(declared) <= set(registry.names())


NEEDS = {"external": "external.command: must name {instance}"}
"""What a solver says that cannot be made from its name alone."""


@pytest.mark.parametrize("name", registry.names())
def test_every_installed_solver_is_made(name):
    """Each solver is documented, and made from its name alone unless it says which parameter it needs."""
    kind = registry.load(name)
    assert issubclass(kind, Solver)
    assert kind.__doc__
    if name in NEEDS:
        assert NEEDS[name] in refusal(name)
        return
    solver = registry.make(name)
    assert type(solver) is kind
    assert set(registry.parameters(solver)) == {field.name for field in dataclasses.fields(kind)}


def test_no_solver_file_hides_a_library():
    """No solver is called as a module that it or others import."""
    names = {path.stem for path in (ROOT / "solvers").glob("*.py")}
    assert not names & (
        set(sys.stdlib_module_names) | {"pyomo", "torch", "numpy", "scipy", "pymoo", "highspy", "click"}
    )


def test_names_are_sorted():
    """The names come in order."""
    assert registry.names() == sorted(registry.names())


@pytest.mark.parametrize(
    ("spec", "advice"),
    [
        ("genetics", "did you mean 'genetic'?"),
        ("cloud_only", "did you mean 'cloud-only'?"),
        ("zzz", "known: bayes, cloud-only,"),
    ],
)
def test_unknown_name_gets_advice(spec, advice):
    """A name that is not installed is refused with the nearest one, or with all."""
    assert advice in refusal(spec)


# How a solver is written


@pytest.mark.parametrize(
    ("written", "parameter", "value"),
    [
        ("count=5", "count", 5),
        ("count = 5 ", "count", 5),
        ("count=-5", "count", -5),
        ("rate=1e-3", "rate", 0.001),
        ("rate=2", "rate", 2.0),
        ("label=a b", "label", "a b"),
        ("label='a,b=c'", "label", "a,b=c"),
        ('label="it\'s"', "label", "it's"),
        ("label=", "label", ""),
        ("label=None", "label", "None"),
        ("label=a=b", "label", "a=b"),
        ("flag=true", "flag", True),
        ("flag=False", "flag", False),
        ("limit=none", "limit", None),
        ("limit=None", "limit", None),
        ("limit=3", "limit", 3.0),
        ("old=none", "old", None),
        ("old=4", "old", 4),
        ("either=4", "either", 4),
        ("either=four", "either", "four"),
        ("mode=slow", "mode", "slow"),
        ("mode='slow'", "mode", "slow"),
        ("size=2", "size", 2),
        ("where=a/b.c", "where", Path.cwd() / "a/b.c"),
        ("", "count", 3),
        (",", "count", 3),
        ("count=5,", "count", 5),
        ("rate=1,count=5", "count", 5),
    ],
)
def test_parameters(write, written, parameter, value):
    """Parameters are read as their fields' types say; quotes hold commas; none is None where it may be."""
    solver = registry.make(f"{write(PARAMETERS)}:Mine[{written}]")
    assert registry.parameters(solver)[parameter] == value
    assert type(registry.parameters(solver)[parameter]) is type(value)


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("counts=5", "must have the parameter; received 'counts'; did you mean 'count'?"),
        ("zzz=5", "known: count, rate, label"),
        ("5", "parameters must look like name=value; received '5'"),
        ("=5", "must have the parameter; received ''"),
        ("count=5,count=6", "count: must be given once; received twice"),
        ("count=", "count: must be a whole number; received ''"),
        ("count=5.5", "count: must be a whole number; received '5.5'"),
        ("count=none", "count: must be a whole number; received 'none'"),
        ("count=" + "9" * 5000, "count: must be a whole number"),
        ("count=\n", "count: must be a whole number"),
        ("rate=fast", "rate: must be a number; received 'fast'"),
        ("flag=1", "flag: must be true or false; received '1'"),
        ("mode=medium", "mode: must be one of fast, slow; received 'medium'"),
        ("size=3", "size: must be one of 1, 2; received '3'"),
        ("many=[1]", "many: must be a list"),
        ("many=1", "many: must be a list"),
        ("pair=12", "pair: must be a tuple"),
        ("label='a", "must close its quotes"),
        ('label="', "must close its quotes"),
        ("count=\x1b[31m", "count: must be a whole number"),
        ("rate=0.5]", "rate: must be a number; received '0.5]'"),
    ],
)
def test_parameters_refused(write, written, line):
    """Unknown, doubled, unreadable and unfinished parameters are refused by name."""
    assert line in refusal(f"{write(PARAMETERS)}:Mine[{written}]")


@pytest.mark.parametrize(
    "spec",
    ["", " ", "[", "]", "[]", "genetic[", "genetic]", "genetic[a=1", "a[b]c", "genetic[a=1] x", "\n", "\0"],
)
def test_what_is_no_spec_is_refused(spec):
    """Anything that is no name, file or brackets in the right places is refused in one line."""
    refusal(spec)


# Files


def test_a_solver_in_a_file(write, instance: Instance):
    """A class in a file of one's own is found by FILE.py:CLASS, relative or absolute, and is run."""
    from mincache import Run, evaluate

    path = write(PARAMETERS)
    solver = registry.make(f"{path}:Mine")
    assert evaluate(instance, solver.solve(instance, Run.seeded(0))).feasible


def test_two_files_of_one_name(write, tmp_path):
    """Files of the same name in other folders are told apart."""
    (tmp_path / "other").mkdir()
    one = write("@dataclass(frozen=True)\nclass A(Base):\n    a: int = 1\n")
    two = write("@dataclass(frozen=True)\nclass A(Base):\n    b: int = 2\n", name="other/mine.py")
    made = [registry.make(f"{path}:A") for path in (one, two, one)]
    assert [registry.parameters(solver) for solver in made] == [{"a": 1}, {"b": 2}, {"a": 1}]


MINE = "@dataclass(frozen=True)\nclass Mine(Base):\n"
BROKEN = {
    "class Mine:\n    pass\n": "must be a dataclass derived from mincache.Solver",
    "class Mine(Base):\n    pass\n": "must be a dataclass derived from mincache.Solver",
    "Mine = 3\n": "must be a dataclass derived from mincache.Solver",
    "def Mine():\n    return 1\n": "must be a dataclass derived from mincache.Solver",
    "@dataclass(frozen=True)\nclass Mine(Solver):\n    pass\n": "must accept its parameters",
    f"{MINE}    a: int\n": "must accept its parameters",
    f"{MINE}    a: 'Missing' = 1\n": "must annotate its parameters",
    f"{MINE}    a: '1 +' = 1\n": "must annotate its parameters",
    f"{MINE}    def __post_init__(self):\n        {{}}['a\\nb']\n": "received KeyError",
    f"{MINE}    def __post_init__(self):\n        open('x')\n": "its parameters; received FileNotFoundError",
    f"{MINE}    def __post_init__(self):\n        exit(3)\n": "its parameters; received SystemExit: 3",
    "from pathlib import Path\n": "must define the class; received 'Mine'; known: Base",
    "class Min(Base):\n    pass\n": "must define the class; received 'Mine'; did you mean 'Min'?",
    "def broken(:\n": "must be importable; received SyntaxError",
    "1 / 0\n": "must be importable; received ZeroDivisionError",
    "raise RuntimeError('two\\nlines')\n": "must be importable; received RuntimeError: two lines",
    "import sys\nsys.exit(0)\n": "must be importable; received SystemExit",
    "from mincache import Nothing\n": "must be importable; received ImportError",
    "import mincache.nothing\n": "must be importable; received ModuleNotFoundError",
    "import numpy.nothing\n": "must be importable; received ModuleNotFoundError",
    "\x00": "must be importable; received",
}


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_broken_file_is_refused(write, body):
    """A file that is no solver, or cannot even be imported, is refused in one line that says why."""
    modules = set(sys.modules)
    assert BROKEN[body] in refusal(f"{write(body)}:Mine")
    assert "must be importable" not in BROKEN[body] or not any(
        "user" in name for name in set(sys.modules) - modules
    )


@pytest.mark.parametrize(
    ("module", "advice"),
    [
        (
            "torch_that_is_not_there",
            "needs torch_that_is_not_there, which is not installed: install torch_that_is_not_there",
        ),
        ("torch_that_is_not_there.nn", "needs torch_that_is_not_there, which is not installed"),
    ],
)
def test_missing_library_is_a_sentence(write, module, advice):
    """A solver whose library is missing says which one, and how to get it."""
    path = write(f"import {module}\n" + PARAMETERS)
    assert advice in refusal(f"{path}:Mine", MissingExtraError)


@pytest.mark.parametrize(
    ("module", "extra"), [("pyomo", "pyomo"), ("torch", "ddpg"), ("pymoo", "genetic"), ("numba", "compiled")]
)
def test_missing_library_of_an_extra_names_the_extra(write, module, extra, monkeypatch):
    """Where the library belongs to an extra, the sentence is the command that installs it."""
    for loaded in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, loaded)

    class Hidden:
        """Hides one library, as on a machine without it."""

        def find_spec(self, name, path=None, target=None):
            """Find nothing but raise for the hidden library."""
            if name.partition(".")[0] == module:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(sys, "meta_path", [Hidden(), *sys.meta_path])
    path = write(f"import {module}\n" + PARAMETERS)
    assert f"needs {module}, which is not installed: pip install 'mincache[{extra}]'" in refusal(
        f"{path}:Mine", MissingExtraError
    )


@pytest.mark.parametrize("path", ["nothing.py", "", ".", "..", "x" * 5000, "a\0b", "a\nb", "\ud800"])
def test_missing_file_is_refused(path, tmp_path, monkeypatch):
    """A file that is not there, or cannot be, is refused in one line."""
    monkeypatch.chdir(tmp_path)
    refusal(f"{path}.py:Mine")
    refusal(f"{path}:Mine")


def test_other_files_are_not_imported(write, tmp_path):
    """Only a .py file is imported."""
    path = write(PARAMETERS, name="mine.txt")
    assert "must be installed, or FILE.py:CLASS" in refusal(f"{path}:Mine")
    (tmp_path / "folder.py").mkdir()
    assert "must name an existing file" in refusal(f"{tmp_path / 'folder.py'}:Mine")


def test_every_refusal_is_a_mincache_error():
    """One except clause catches all of it."""
    for spec in ("nope", "nope.py:A", "genetic[", "genetic[a=1]"):
        with pytest.raises(MincacheError):
            registry.make(spec)


def test_a_file_alone_names_the_one_solver_in_it(write):
    """`mine.py` is `mine.py:Mine` wherever a solver is named, in Python too."""
    path = write(PARAMETERS)
    assert dataclasses.asdict(registry.make(f"{path}[count=4]"))["count"] == 4
    two = write(PARAMETERS + PARAMETERS.replace("Mine", "Other"), name="two.py")
    assert "two.py has Mine and Other" in refusal(str(two))
