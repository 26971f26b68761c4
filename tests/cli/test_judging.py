"""One call that tells how good a solver is, and why it is not better."""

import json

import pytest
from click.testing import CliRunner

from mincache import evaluate, load, solve, suite
from mincache.cli.judging import judge

SOLVER = """
from dataclasses import dataclass
from mincache import Solution, Solver


@dataclass(frozen=True)
class Mine(Solver):
    def solve(self, instance, run):
        {}
"""


def judged(*words, exit_code=0):
    """The object that the verb prints."""
    told = CliRunner().invoke(judge, [*map(str, words), "--json"], catch_exceptions=False)
    assert told.exit_code == exit_code, told.output
    return json.loads(told.stdout)


def test_the_score_is_the_mean_gap():
    """Gaps are those of the solver's costs to the suite's optima, and their parts add up to them."""
    told = judged("popular-first")
    assert told["passed"]
    entries = suite("smoke-v1").entries
    gaps = {name: solve(load(name), "popular-first").gap for name in entries}
    assert {run["instance"]: run["gap"] for run in told["runs"]} == pytest.approx(gaps, abs=1e-9)
    assert told["score"] == pytest.approx(sum(gaps.values()) / len(gaps))
    for run in told["runs"]:
        assert sum(run["parts"].values()) == pytest.approx(run["gap"], abs=1e-9)


def test_a_run_that_fails_counts_as_caching_nothing(tmp_path):
    """It has the cost of the cloud alone, and the stages say what happened, with what to do."""
    path = tmp_path / "mine.py"
    path.write_text(SOLVER.format("raise ValueError('lost')"))
    told = judged(f"{path}:Mine", "--instances", "*.l0.n10.*", exit_code=1)
    assert [one["passed"] for one in told["stages"]] == [True, False, False]
    assert all("lost" in one["seen"] and one["advice"] for one in told["stages"][1:])
    (run,) = told["runs"]
    instance = load(run["instance"])
    cloud = solve(instance, "cloud-only").solution
    assert run["cost"] == evaluate(instance, cloud).cost
    assert run["verdict"] != "verified"


def test_a_file_alone_stands_for_its_solver(tmp_path):
    """The one call needs no class: a file with one solver in it is enough."""
    path = tmp_path / "mine.py"
    path.write_text(SOLVER.format("return Solution.nothing_cached(instance)"))
    told = judged(path, "--instances", "*.l0.n10.*")
    assert told["passed"]
    assert told["score"] == judged(f"{path}:Mine", "--instances", "*.l0.n10.*")["score"]


@pytest.mark.parametrize("text", ["1 +", "import no_such_module", "raise SystemExit(3)"])
def test_a_file_that_does_not_load_is_told_in_its_stage(tmp_path, text):
    """No run is made; the first stage holds the reason in a sentence."""
    path = tmp_path / "mine.py"
    path.write_text(text)
    told = judged(path if text == "1 +" else f"{path}:Mine", exit_code=1)
    assert told["score"] is None
    assert [one["stage"] for one in told["stages"]] == ["loads"]
    assert told["stages"][0]["seen"]
    assert "\n" not in told["stages"][0]["seen"]
