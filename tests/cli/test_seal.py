"""A season on the command line: promise, freeze, reveal, verify."""

import json
import shutil

import pytest
from click.testing import CliRunner

from mincache.cli.seal import seal
from mincache.errors import InputError

LOOKUP = """
from dataclasses import dataclass
from mincache import Solution, Solver
from mincache.generation import suites
from mincache.files.documents import read_solution


@dataclass(frozen=True)
class Looks(Solver):
    def solve(self, instance, run):
        name = sorted(suites.suite("smoke-v1").entries)[0]
        return read_solution(suites.suite("smoke-v1").folder / "solutions" / f"{name}.json")
"""


def call(*words, exit_code=0):
    """What a verb prints, its exit code as expected."""
    told = CliRunner().invoke(seal, list(map(str, words)), catch_exceptions=False)
    assert told.exit_code == exit_code, told.output
    return told.stdout


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """A season with an honest entry and one that looks its answers up, revealed."""
    place = tmp_path_factory.mktemp("season")
    (place / "looks.py").write_text(LOOKUP)
    call("new", "--libraries", 2, "--users", 3, "-o", place / "season", "--name", "season")
    solvers = ("--solver", "popular-first", "--solver", f"{place / 'looks.py'}:Looks")
    call("freeze", place / "season", *solvers, "--author", "A. Name")
    told = call("reveal", place / "season", "-o", place / "opened", "--json", exit_code=1)
    return place, json.loads(told)


def test_every_frozen_entry_runs_on_every_instance(opened):
    """The honest entry is verified throughout; the one that looks answers up has none to find."""
    _, told = opened
    assert told["instances"] == 2
    assert told["outcomes"]["popular-first"] == {"verified": 2}
    assert "verified" not in told["outcomes"]["looks.py:Looks"]


def test_anybody_can_verify_with_the_published_files(opened, tmp_path):
    """Without the secret's own file, the chain, the revealed secret, the suite and the results suffice."""
    place, _ = opened
    shutil.copytree(place / "season", tmp_path / "season")
    (tmp_path / "season" / "secret.toml").unlink()
    told = json.loads(call("verify", tmp_path / "season", place / "opened", "--json"))
    assert told == {"lines": 4, "frozen": 2, "faults": []}


def test_a_run_of_another_entry_is_found(opened, tmp_path):
    """Results that are not of a frozen entry are named, and so is a frozen one without a run."""
    place, _ = opened
    shutil.copytree(place / "season", tmp_path / "season")
    chain = tmp_path / "season" / "chain.jsonl"
    lines = chain.read_bytes().splitlines()
    other = tmp_path / "other"
    call("new", "--libraries", 2, "--users", 3, "-o", other, "--name", "season")
    call("freeze", other, "--solver", "cloud-only")
    call("reveal", other, "-o", tmp_path / "again")
    told = json.loads(call("verify", other, place / "opened", "--json", exit_code=1))
    assert "popular-first on season.i0 is not a frozen entry" in told["faults"]
    assert "cloud-only was frozen and has no run" in told["faults"]
    assert len(lines) == 4


def test_what_is_wrong_is_one_line(tmp_path):
    """A folder without a seal, a seal without an entry and a solver that does not load are refused."""
    with pytest.raises(InputError, match=r"chain\.jsonl"):
        call("verify", tmp_path)
    call("new", "--libraries", 1, "--users", 2, "-o", tmp_path / "season")
    with pytest.raises(InputError, match="must have a frozen entry"):
        call("reveal", tmp_path / "season", "-o", tmp_path / "opened")
    (tmp_path / "broken.py").write_text("1 +")
    with pytest.raises(InputError, match=r"broken\.py"):
        call("freeze", tmp_path / "season", "--solver", f"{tmp_path / 'broken.py'}:Mine")
    assert "not revealed yet" in call("verify", tmp_path / "season")
