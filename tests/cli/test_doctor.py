"""`mincache doctor` tells what is so."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
from wheel_fixture import ROOT, installed  # noqa: F401  # a fixture

from mincache.cli import doctor

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
FOR_DEVELOPERS = {"all", "dev", "docs", "outside"}


def run(*args, prelude="", options=(), variables=()):
    """Run the command, after some Python if need be."""
    code = f"import sys\n{prelude}\nsys.argv[0] = 'mincache'\nfrom mincache.cli.main import main\nmain()"
    words = [sys.executable, *options, "-c", code, *args]
    return subprocess.run(
        words, env=os.environ | dict(variables), capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def told(installed, tmp_path_factory):  # noqa: F811  # the fixture
    """What it prints for programs."""
    done = installed.run("mincache", "doctor", "--json", cwd=tmp_path_factory.mktemp("told"))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def bare(installed, tmp_path_factory):  # noqa: F811  # the fixture
    """A folder of links to the wheel's content and to all libraries but those of extras."""
    folder = tmp_path_factory.mktemp("bare")
    optional = {re.split(r"[^\w-]", line)[0] for lines in EXTRAS.values() for line in lines} - {"mincache"}
    modules = {name for name, homes in packages_distributions().items() if set(map(_plain, homes)) & optional}
    for path in [*installed.site_packages.iterdir(), *Path(sysconfig.get_path("purelib")).iterdir()]:
        name = path.name.removesuffix(".py")
        hidden = name in modules or _plain(name.partition("-")[0]) in optional
        if not hidden and path.suffix != ".pth" and not (folder / path.name).exists():
            (folder / path.name).symlink_to(path)
    return folder


def _plain(name):
    return name.replace("_", "-").lower()


def run_bare(folder, *args, prelude=""):
    """Run the command with the libraries in a folder alone."""
    return run(*args, prelude=prelude, options=["-S", "-P"], variables={"PYTHONPATH": str(folder)}.items())


def test_every_extra_is_listed_with_its_libraries(told):
    """Each extra of the distribution has a sentence, and the versions of what it brings."""
    assert told["extras"].keys() == EXTRAS.keys() - FOR_DEVELOPERS
    for about in told["extras"].values():
        assert about["enables"]
        assert about["libraries"]
        for library, number in about["libraries"].items():
            assert number == version(library)


def test_what_is_missing_is_told(bare):
    """Without the optional libraries every extra is missing, and a run works all the same."""
    done = run_bare(bare, "doctor", "--json")
    assert done.returncode == 0, done.stderr
    extras = json.loads(done.stdout)["extras"]
    assert not any(about["installed"] for about in extras.values())
    assert {number for about in extras.values() for number in about["libraries"].values()} == {None}
    assert f"pip install 'mincache[{','.join(extras)}]'" in run_bare(bare, "doctor").stdout


def test_extras_enable_what_is_said(bare):
    """The solvers that cannot be loaded without the extras are those that their sentences name."""
    rows = json.loads(run_bare(bare, "solvers", "list", "--json").stdout)
    missing = {row["solver"]: row["missing"] for row in rows if row["missing"]}
    words = {extra: set(re.findall(r"[\w-]+", sentence)) for extra, sentence in doctor.ENABLES.items()}
    for solver, sentence in missing.items():
        (extra,) = [extra for extra in words if f"mincache[{extra}]" in sentence]
        assert solver in words[extra], sentence
    named = set.union(*words.values()) & {row["solver"] for row in rows}
    assert named <= missing.keys() | {"decomposition"}, "which goes on without numba"


def test_limits_are_those_of_a_run(told):
    """The limits told are enforced in a run of this machine, and that run is verified."""
    assert told["limits"].keys() == {"wall_s", "cpu_s", "memory_bytes", "threads", "isolation"}
    assert all(about["how"] for about in told["limits"].values())
    assert told["trial"]["works"]
    if sys.platform == "linux":
        assert told["limits"]["wall_s"]["enforced"]
        assert told["limits"]["threads"]["enforced"]


def test_a_blind_system_is_told(monkeypatch):
    """Where the system does not tell what a process has started, its limits are not said to be enforced."""
    how = {"wall_s": "signals", "cpu_s": "polling", "memory_bytes": "polling", "threads": "variables",
           "isolation": "off (as asked for)"}  # fmt: skip
    monkeypatch.setattr(doctor, "sees_descendants", lambda: False)
    assert [name for name, about in doctor.limits(how).items() if about["enforced"]] == ["wall_s", "threads"]
    monkeypatch.setattr(doctor, "sees_descendants", lambda: True)
    assert [name for name, about in doctor.limits(how).items() if not about["enforced"]] == ["isolation"]


def test_a_run_that_does_not_work_is_told(tmp_path):
    """Where the system starts no process for a run the answer is negative: exit code 1, and the reason."""
    broken = "import os\ndef fork():\n    raise OSError('no more processes')\nos.fork = fork\n"
    (tmp_path / "sitecustomize.py").write_text(broken)
    done = run("doctor", variables={"PYTHONPATH": str(tmp_path)}.items())
    assert done.returncode == 1
    assert "a run does not work" in done.stdout
    assert "no more processes" in done.stdout
