"""Programs that write solvers work against the judge as it is."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from mincache.cli.judging import arena

ARENA = Path(__file__).parents[2] / "examples" / "arena"
PATHS = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The example's folder with a task in it."""
    folder = tmp_path_factory.mktemp("arena") / "arena"
    shutil.copytree(ARENA, folder)
    words = ["init", str(folder / "task"), "--users", "3", "--libraries", "1"]
    told = CliRunner().invoke(arena, words, catch_exceptions=False)
    assert told.exit_code == 0
    return folder


def test_too_large_a_suite_is_refused(tmp_path):
    """More libraries than a suite may have are a line, as in a suite of one's own."""
    refused = CliRunner().invoke(arena, ["init", str(tmp_path / "task"), "--libraries", "20000"]).exception
    assert str(refused).startswith("instances: must be at most 10000")


@contextmanager
def stand_in(folder, pattern):
    """The port at which the stand-in answers with the programs whose names fit."""
    chosen = folder / f"chosen-{pattern[0]}"
    chosen.mkdir()
    for path in (folder / "programs").glob(pattern):
        shutil.copy(path, chosen)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, "stand_in.py", str(chosen), str(port)], cwd=folder)
    for _ in range(100):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield port
    server.kill()
    server.wait()


def run(folder, *words):
    """What a program prints that ends well."""
    done = subprocess.run(words, cwd=folder, env=os.environ | PATHS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_task_names_the_judges_call(place):
    """The call in the page works in the task's folder; its score is that of the entry to begin with."""
    task = place / "task"
    (call,) = re.findall(r"^mincache judge .*$", (task / "TASK.md").read_text(), re.MULTILINE)
    told = json.loads(run(task, *call.split()))
    assert told["passed"]
    assert 0.0 <= told["score"] < 0.1


def test_a_plain_loop_keeps_the_best(place):
    """The better program is kept; the broken one is told in a sentence and costs nothing else."""
    with stand_in(place, "[23]*.py") as port:
        lines = run(place, sys.executable, "best_of_n.py", "2", f"http://127.0.0.1:{port}/v1").splitlines()
    assert "name 'serve' is not defined" in lines[1]
    assert lines[-1].startswith("best: answer_1.py, ")


def test_openevolve_runs_as_it_is(place):
    """Its best program is the one that the judge has passed, with the judge's score."""
    pytest.importorskip("openevolve")
    with stand_in(place, "3*.py") as port:
        config = place / "config.yaml"
        config.write_text(config.read_text().replace("8011", str(port)))
        run(
            place,
            "openevolve-run",
            "-c",
            "config.yaml",
            "-i",
            "1",
            "-o",
            "evolved",
            "task/entry.py",
            "evaluator.py",
        )
    best = json.loads((place / "evolved/best/best_program_info.json").read_text())
    assert best["metrics"]["passed"] == 1.0
    assert "lowers a slot's cost most" in (place / "evolved/best/best_program.py").read_text()
