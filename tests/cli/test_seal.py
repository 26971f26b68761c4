"""A season on the command line: promise, freeze, reveal, verify."""

import contextlib
import io
import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from command_fixture import here

from mincache.cli.leaderboard import leaderboard
from mincache.cli.seal import seal
from mincache.errors import InputError

ROOT = Path(__file__).parents[2]


def call(*words, exit_code=0):
    """What a verb prints, its exit code as expected."""
    told = CliRunner().invoke(seal, list(map(str, words)), catch_exceptions=False)
    assert told.exit_code == exit_code, told.output
    return told.stdout


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    """The season of the examples, played: its folder, and what the script printed of its entries."""
    place = tmp_path_factory.mktemp("season")
    shutil.copytree(ROOT / "examples" / "season", place / "entries")
    printed, start = io.StringIO(), subprocess.run

    def run(words, **options):
        """Commands run in this process, for each process that is started for one takes a second."""
        return here(*words[1:]) if words[0] == "mincache" else start(words, **options)

    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.chdir(place)
        patch.syspath_prepend(place / "entries")
        patch.setattr(subprocess, "run", run)
        runpy.run_path(str(place / "entries/season.py"), run_name="__main__")
    del sys.modules["memorise"]
    table = printed.getvalue().rpartition("\nentry ")[2].splitlines()[1:]
    built = CliRunner().invoke(leaderboard, ["build", str(place / "board"), "-o", str(place / "site")])
    assert built.exit_code == 0, built.output
    return place, {line.split()[0]: line[75:].strip() for line in table}


def test_each_entry_gets_its_verdict(season):
    """Three honest entries hold, the look-up finds nothing, the patch is refused, the memory is found out."""
    verdicts = season[1]
    for honest in ("density-greedy", "popular-first", "local-search"):
        assert verdicts[honest] == "as good as on the public instances"
    assert verdicts["look_up.py:LookUp"] == "answers as if it cached nothing"
    assert verdicts["patch.py:Patch"] == "6 runs infeasible"
    assert verdicts["memorise.py:Memorise"] == "fitted to the public instances"


def test_the_pages_have_both_ranks(season):
    """The page of the sealed suite and that of the public one show ranks side by side, and the mark once."""
    for suite in ("public", "season"):
        text = (season[0] / "site" / "suites" / f"{suite}.html").read_text()
        assert ">sealed less public gap</th>" in text
        assert text.count(") fitted</td>") == 1


def test_what_was_compared_by_hand_is_the_same(season):
    """`seal compare` on the campaigns tells of each entry what the leaderboard does."""
    place, _ = season
    suite = ("--suite", place / "public")
    rows = json.loads(call("compare", place / "opened", place / "public-results", *suite, "--json"))
    assert {row["solver"]: row["fitted"] for row in rows}["memorise.py:Memorise"]
    assert {row["solver"]: row["sealed_rank"] for row in rows}["local-search"] == 1


def test_anybody_can_verify_with_the_published_files(season, tmp_path):
    """Without the secret's own file, the chain, the revealed secret, the suite and the results suffice."""
    place, _ = season
    shutil.copytree(place / "season", tmp_path / "season")
    (tmp_path / "season" / "secret.toml").unlink()
    told = json.loads(call("verify", tmp_path / "season", place / "opened", "--json"))
    assert told == {"lines": 8, "frozen": 6, "faults": []}


def test_a_run_of_another_entry_is_found(season, tmp_path):
    """Results that are not of a frozen entry are named, and so is a frozen one without a run."""
    place, _ = season
    other = tmp_path / "other"
    call("new", "--libraries", 2, "--users", 3, "-o", other, "--name", "season")
    call("freeze", other, "--solver", "cloud-only")
    call("reveal", other, "-o", tmp_path / "again")
    told = json.loads(call("verify", other, place / "opened", "--json", exit_code=1))
    assert "popular-first on season.i0 is not a frozen entry" in told["faults"]
    assert "cloud-only was frozen and has no run" in told["faults"]


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
    call("verify", tmp_path / "season", tmp_path / "opened", exit_code=2)  # there is no such folder
