"""`mincache solvers`: what is listed, and what a check says of a solver that takes its process along."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bench_fixture import on_linux
from command_fixture import here

from mincache.solving import registry

HEADER = """
import os, time
from dataclasses import dataclass
from mincache import Solution, Solver

@dataclass(frozen=True)
class Odd(Solver):
    '''Odd in one way.'''

    size: int
    rate: float = 0.5

    def solve(self, instance, run):
"""


def solvers(*args, cwd):
    """Run the verb."""
    return here("solvers", *args, cwd=cwd)


def check(body, tmp_path, *options):
    """Check a solver with this body of `solve`; return the exit code and the checks."""
    (tmp_path / "odd.py").write_text(f"{HEADER}        {body}\n")
    done = solvers("check", "odd.py:Odd[size=3]", "--json", *options, cwd=tmp_path)
    return done.returncode, {one["name"]: one for one in json.loads(done.stdout)}


def test_the_list_for_programs(tmp_path):
    """Every installed solver with kind, parameters and defaults, or why it is not available."""
    rows = {row["solver"]: row for row in json.loads(solvers("list", "--json", cwd=tmp_path).stdout)}
    assert list(rows) == registry.names()
    genetic = {one["name"]: one for one in rows["genetic"]["parameters"]}
    assert genetic["population"] == {"name": "population", "type": "int", "default": 50}
    assert rows["cloud-only"]["kind"] == "baseline"
    assert rows["cloud-only"]["parameters"] == []


@pytest.mark.parametrize(
    ("body", "patience_s", "told"),
    [
        ("os.kill(os.getpid(), 11)", 60, "SIGSEGV"),
        ("os._exit(3)", 60, "exit status 3"),
        ("os._exit(0)", 60, "exit status 0"),
        ("time.sleep(1000)", 5, "nothing for 5 s after 'parameters parse'"),
    ],
)
def test_a_solver_that_ends_or_hangs_the_checks_is_told(body, patience_s, told, tmp_path):
    """The checks go in a process of their own: its end is a failed check, not the end of the command."""
    code, checks = check(body, tmp_path, "--patience", patience_s)
    assert code == 1
    assert checks["parameters parse"]["outcome"] == "passed"
    failed = checks["all checks run to their end"]
    assert told in failed["detail"]
    assert failed["advice"]


@on_linux
def test_the_checks_end_with_the_command(tmp_path):
    """Of a command that is killed no process goes on, whatever the solver is at."""
    body = f"open({str(tmp_path / 'pid')!r}, 'w').write(f'{{os.getpid()}}\\n'); time.sleep(1000)"
    (tmp_path / "odd.py").write_text(f"{HEADER}        {body}\n")
    words = [sys.executable, "-m", "mincache", "solvers", "check", "odd.py:Odd[size=3]"]
    command = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not (tmp_path / "pid").exists() or not (told := (tmp_path / "pid").read_text()).endswith("\n"):
        assert time.monotonic() < until
        time.sleep(0.05)
    command.kill()
    command.wait()
    while Path("/proc", told.strip()).exists():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_what_a_solver_prints_is_kept_apart(tmp_path):
    """A solver that prints does not spoil the results, and what it prints is not lost."""
    (tmp_path / "odd.py").write_text(
        f"{HEADER}        print('noise'); return Solution.nothing_cached(instance)\n"
    )
    command = [sys.executable, "-m", "mincache.cli.main", "solvers", "check", "odd.py:Odd[size=3]", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {one["outcome"] for one in json.loads(done.stdout)} == {"passed"}
    assert "noise" in done.stderr


def test_a_table_tells_what_to_do(tmp_path):
    """For people, a failure stands in a table with what was seen and what to do, and the counts below."""
    (tmp_path / "odd.py").write_text(f"{HEADER}        return 3\n")
    done = solvers("check", "odd.py:Odd[size=3]", cwd=tmp_path)
    assert done.returncode == 1
    assert "solve() returned int" in done.stdout
    assert "return a mincache.Solution" in done.stdout
    assert done.stdout.splitlines()[-1] == "1 passed, 10 failed"


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("odd.py:Nothing", "must define the class"),
        ("odd.py:Odd[sise=3]", "did you mean 'size'?"),
        ("odd.py:Odd", "size"),
        ("nothing.py:Odd", "must name an existing file"),
    ],
)
def test_a_solver_that_cannot_be_made_is_one_line_and_exit_code_2(spec, told, tmp_path):
    """A wrong name or parameter is bad input, though it is found in another process."""
    (tmp_path / "odd.py").write_text(f"{HEADER}        return None\n")
    done = solvers("check", spec, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_new_solver_tells_what_to_do_next(tmp_path):
    """`new` lists the files it wrote and the commands to go on with."""
    done = solvers("new", "my-solver", "-o", "somewhere", cwd=tmp_path)
    files, _, after = done.stdout.partition("\n\nnext:\n")
    assert all((tmp_path / path).is_file() for path in files.splitlines())
    assert after.splitlines()[0].split() == ["pip", "install", "-e", "somewhere"]
