"""What `mincache solvers new` writes works as it stands; the pages on solvers install and run a package."""

import ast
import importlib
import shlex
import subprocess
import sys

import pytest
from command_fixture import here

from mincache import InputError
from mincache.solving import registry
from mincache.solving.conformance import check_solver
from mincache.solving.scaffold import class_name, write_file, write_package


@pytest.fixture(autouse=True)
def _forget_my_solver():
    """A solver's file goes by its own module name, which stays loaded in this process."""
    sys.modules.pop("my_solver", None)
    before = list(sys.path)
    yield
    sys.path[:] = before
    sys.modules.pop("my_solver", None)
    importlib.invalidate_caches()


def test_a_file_works_as_written(tmp_path):
    """The commands that are printed after a single file was written are the ones that work."""
    path, _, _, *commands = here("solvers", "new", "my-solver", "--file", cwd=tmp_path).stdout.splitlines()
    assert path == "my_solver.py"
    assert len(commands) == 3
    for line in commands:
        program, *words = shlex.split(line)
        again = here(*words, cwd=tmp_path)
        assert (program, again.returncode) == ("mincache", 0), f"{line}\n{again.stdout}{again.stderr}"


@pytest.mark.parametrize(("name", "called"), [("a", "A"), ("my-solver", "MySolver"), ("tabu-2", "Tabu2")])
def test_names(name, called, tmp_path):
    """A solver's file and class are called after it, and parse under any name."""
    path = write_file(name, tmp_path)
    assert class_name(name) == called
    assert path.name == name.replace("-", "_") + ".py"
    assert [node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)] == [
        called
    ]
    assert registry.load(f"{path}:{called}").stochastic


def test_what_is_written_is_tidy(tmp_path):
    """The code written passes ruff and mypy's strict checks, so that a new package begins clean."""
    write_package("my-solver", tmp_path / "my-solver")
    for tool in (["ruff", "check", "--select", "E,F,W,B,UP,D,ANN"], ["ruff", "format", "--check"]):
        ruff = [sys.executable, "-m", *tool, "--config", "line-length=110", str(tmp_path)]
        ignored = ["--ignore", "D107,D203,D213"] if tool[1] == "check" else []
        done = subprocess.run([*ruff, *ignored], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_it_keeps_the_contract(tmp_path):
    """The solver written passes every check."""
    path = write_file("my-solver", tmp_path)
    assert {check.outcome for check in check_solver(f"{path}:MySolver")} == {"passed"}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("genetic", "the installed solver 'genetic'"),
        ("torch", "the Python module 'torch'"),
        ("random", "the Python module 'random'"),
        ("class", "the Python module 'class'"),
        ("mincache", "the Python module 'mincache'"),
        ("MySolver", "such as my-solver"),
        ("my_solver", "such as my-solver"),
        ("../x", "such as my-solver"),
        ("", "such as my-solver"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(name, told, tmp_path):
    """A name that is taken, hides a module or is no name is refused, and nothing is written."""
    for write in (write_file, write_package):
        with pytest.raises(InputError, match="name") as refused:
            write(name, tmp_path / "folder")
        assert told in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path):
    """A file or a folder that is there already is left as it is."""
    (tmp_path / "my_solver.py").write_text("mine")
    with pytest.raises(InputError, match="must not exist yet"):
        write_file("my-solver", tmp_path)
    with pytest.raises(InputError, match="must be a new or empty folder"):
        write_package("my-solver", tmp_path)
    assert (tmp_path / "my_solver.py").read_text() == "mine"
