"""`mincache reproduce`: words for the paper, folders for a row, and one line for anything else."""

import json

import pytest
from click.testing import CliRunner
from paper_fixture import TINY

from mincache.cli.reproduce import ABOUT, reproduce
from mincache.errors import InputError
from mincache.paper import studies, study_folder


def invoke(*arguments):
    """Run `mincache reproduce` with these arguments."""
    return CliRunner().invoke(reproduce, [str(argument) for argument in arguments])


@pytest.fixture
def tiny(monkeypatch):
    """Let --smoke be even smaller."""
    monkeypatch.setitem(study_folder.SIZES, "smoke", TINY)


def test_the_words_are_those_of_the_package():
    """The command line knows each word of the package, and `all`."""
    assert set(ABOUT) == {*studies.STUDIES, "all"}


def test_a_run_and_its_repetition(tiny, tmp_path):
    """A word writes its files and prints its tables; repeated or shown it prints them again."""
    first = invoke("fig3", "--smoke", "--workers", 1, "-o", tmp_path)
    assert first.exit_code == 0, first.output
    assert (tmp_path / "fig3.png").exists()
    assert "converged reward" in first.stdout
    shown = invoke("fig3", "--show", "-o", tmp_path)
    assert shown.exit_code == 0
    tables = first.stdout[: first.stdout.index("written:")]
    assert shown.stdout.strip() == tables.strip()
    again = invoke("fig3", "--smoke", "--workers", 1, "-o", tmp_path)
    assert again.stdout == first.stdout
    assert [line for line in again.stderr.splitlines() if "0 of" in line] == []


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("fig6", "--quick"), ("fig4", "--show", "-o", "does-not-exist")], ids=str
)
def test_refusals_are_one_line(arguments):
    """What is neither a word nor a row's folder, or holds no numbers, is refused in one line."""
    refused = invoke(*arguments).exception
    assert isinstance(refused, InputError)
    assert "\n" not in str(refused)


@pytest.mark.parametrize(
    "tables", [3, None, [1], {"claims": 3}, {"claims": [{}]}, {"claims": [{"users": []}]}]
)
def test_odd_numbers_are_not_shown(tables, tmp_path):
    """A file of numbers that was edited into something else is refused in one line with its path."""
    document = {"format": "mincache-paper/1", "what": "table", "record": {}, "tables": tables}
    (tmp_path / "table.json").write_text(json.dumps(document))
    refused = invoke("table", "--show", "-o", tmp_path).exception
    assert isinstance(refused, InputError)
    assert str(refused).startswith(f"{tmp_path / 'table.json'}: tables")


def test_a_row_goes_to_the_board(tmp_path):
    """A folder is taken for a row of a leaderboard, and one that is none refused."""
    refused = invoke(tmp_path, "-o", tmp_path / "again")
    assert isinstance(refused.exception, InputError)
    assert "a row's folder" in str(refused.exception)
    assert "published row" in invoke(tmp_path, "--help").output
