import csv
import io
import json
import subprocess
import sys
import urllib.request

import pytest
from board_fixture import smoke_campaign
from click.testing import CliRunner
from command_fixture import here

from mincache.cli.leaderboard import leaderboard
from mincache.cli.main import cli
from mincache.errors import InputError


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    """A campaign on smoke-v1."""
    return smoke_campaign(tmp_path_factory.mktemp("campaign"))


def invoke(*arguments):
    """Run `mincache leaderboard` with these arguments."""
    return CliRunner().invoke(leaderboard, [str(argument) for argument in arguments])


def test_the_verb_may_be_left_out(campaign):
    """A folder alone prints the table, options before or after it."""
    named = invoke("table", campaign)
    assert named.exit_code == 0
    assert "random-allocation" in named.output
    assert invoke(campaign).output == named.output
    assert invoke("--format", "table", campaign).output == named.output


def test_the_formats_hold_the_same_rows(campaign):
    """JSON and CSV name the solvers of the terminal table in its order."""
    rows = json.loads(invoke(campaign, "--format", "json").output)["tables"][0]["rows"]
    listed = csv.DictReader(io.StringIO(invoke(campaign, "--format", "csv").output))
    assert [row["solver"] for row in rows] == [row["solver"] for row in listed]
    assert sorted(row["solver"] for row in rows) == ["cloud-only", "random-allocation"]
    assert [(row["covered"], row["seeds"]) for row in rows if row["solver"] != "cloud-only"] == [(4, 2)]


def test_the_single_and_the_virtual_best_stand_below_the_rows(campaign):
    """They have no rank, the means of the least gaps and costs, and stand in JSON too; one row has none."""
    lines = [line.split() for line in invoke(campaign).output.splitlines()]
    (single,) = [line for line in lines if line[1:3] == ["single", "best:"]]
    (virtual,) = [line for line in lines if line[1:3] == ["virtual", "best"]]
    assert single[0] == virtual[0] == "-"
    (table,) = json.loads(invoke(campaign, "--json").output)["tables"]
    least = min(table["rows"], key=lambda row: row["mean_cost"])
    best = table["bests"]
    assert single[3] == best["single_best"] == least["solver"]
    assert best["single_best_cost"] == pytest.approx(least["mean_cost"])
    assert best["virtual_best_gap"] <= best["single_best_gap"] == pytest.approx(least["gap"])
    assert f"{best['virtual_best_gap']:.2%}" in virtual
    assert f"{best['virtual_best_cost']:.3f}" in virtual
    assert "virtual best" not in invoke(campaign, "--solver", "cloud-only").output


def test_rows_can_be_chosen(campaign):
    """--solver keeps the rows named."""
    shown = invoke(campaign, "--solver", "cloud-only", "--format", "json").output
    assert [row["solver"] for row in json.loads(shown)["tables"][0]["rows"]] == ["cloud-only"]


def test_no_campaign_is_a_plain_refusal(tmp_path):
    """A folder without a journal is refused in one line."""
    refused = invoke(tmp_path).exception
    assert isinstance(refused, InputError)
    assert "\n" not in str(refused)


@pytest.mark.parametrize("words", [["leaderboard"], ["compare"]])
def test_a_folder_that_holds_nothing_may_be_of_a_campaign(words, tmp_path):
    """The refusal of a folder that is missing or empty says both that it could be."""
    for folder, received in ((tmp_path / "none", "no such folder"), (tmp_path, "neither")):
        refused = CliRunner().invoke(cli, [*words, str(folder)]).exception
        rule = "must be the folder of a campaign or a leaderboard"
        assert str(refused).endswith(f"{rule}; received {received}")


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_a_board_without_an_entry_that_verifies_has_no_table(form, tmp_path):
    """The refusal says how to find out why."""
    (tmp_path / "smoke-v1" / "mine").mkdir(parents=True)
    refused = invoke("table", tmp_path, "--format", form).exception
    assert str(refused).endswith(f"received none; mincache leaderboard verify {tmp_path} tells why")


def test_a_folder_without_entries_is_not_rebuilt(tmp_path):
    """Rebuilding what is no board is refused, and nothing is written into it."""
    refused = invoke("rebuild", tmp_path).exception
    assert isinstance(refused, InputError)
    assert str(refused) == f"{tmp_path}: must be a board with at least one entry; received none"
    assert not list(tmp_path.iterdir())


def test_damaged_lines_are_noted(campaign, tmp_path):
    """A table says how many lines of the journal were passed over; other verbs say so on standard error."""
    lines = (campaign / "records.jsonl").read_bytes()
    (tmp_path / "records.jsonl").write_bytes(lines + b'{"sha256":"cut off')
    said = f"{tmp_path}: 1 damaged line passed over."
    assert said in invoke(tmp_path).output
    assert said in json.loads(invoke(tmp_path, "--format", "json").output)["tables"][0]["notes"]
    assert invoke("chart", tmp_path, "-o", tmp_path / "gap.svg").stderr == f"note: {said}\n"
    assert "damaged" not in invoke(campaign).output


def test_publish_and_verify(campaign, tmp_path):
    """What is published verifies; with one byte of the page changed it does not."""
    board = tmp_path / "board"
    assert invoke("publish", campaign, "-o", board, "--author", "A. Author").exit_code == 0
    verified = invoke("verify", board)
    assert verified.exit_code == 0, verified.output
    page = board / "README.md"
    page.write_text(page.read_text().replace("A. Author", "B. Author"))
    verified = invoke("verify", board)
    assert verified.exit_code == 1
    assert "wrong README.md\n      differs from what the entries give" in verified.output
    told = json.loads(invoke("verify", board, "--json").output)
    assert {part for part, wrong in told.items() if wrong} == {"README.md"}
    assert any(part.startswith("smoke-v1/cloud-only-") for part in told)
    assert invoke("rebuild", board).exit_code == 0
    assert invoke("verify", board).exit_code == 0


def test_the_site_and_the_charts_are_written(campaign, tmp_path):
    """A board becomes a site, and records become a chart for a paper."""
    invoke("publish", campaign, "--author", "A. Author", "-o", tmp_path / "board")
    assert invoke("build", tmp_path / "board", "-o", tmp_path / "site").exit_code == 0
    assert (tmp_path / "site" / "index.html").is_file()
    drawn = invoke("chart", campaign, "--kind", "gap", "-o", tmp_path / "gap.svg")
    assert drawn.exit_code == 0, drawn.output
    assert (tmp_path / "gap.svg").read_text().startswith("<svg")


def test_a_chart_of_chosen_solvers_has_them_alone(campaign, tmp_path):
    """The profile of one solver leaves out the other, which would change it."""
    options = ("--kind", "profile", "--solver", "cloud-only", "-o", tmp_path / "one.svg")
    assert invoke("chart", campaign, *options).exit_code == 0
    drawn = (tmp_path / "one.svg").read_text()
    assert "cloud-only" in drawn
    assert "random-allocation" not in drawn


def test_a_site_is_served_on_loopback(tmp_path):
    """The server answers on 127.0.0.1 with the site's files."""
    (tmp_path / "index.html").write_text("<!doctype html><title>here</title>")
    command = [sys.executable, "-u", "-m", "mincache.cli.main", "leaderboard", "serve", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            address = server.stdout.readline().split()[0]
            assert address.startswith("http://127.0.0.1:")
            with urllib.request.urlopen(address, timeout=10) as answer:
                assert b"here" in answer.read()
            port = address.rstrip("/").rpartition(":")[2]
            busy = here("leaderboard", "serve", str(tmp_path), "--port", port)
            assert (busy.returncode, busy.stderr.partition(";")[0]) == (2, "error: --port: must be free")
        finally:
            server.terminate()


@pytest.mark.parametrize(
    ("words", "instead"),
    [(["submit", "x"], "mincache leaderboard publish"), (["leaderboard", "pairs", "x"], "mincache compare")],
)
def test_a_verb_that_is_gone_names_the_one_that_does_its_work(words, instead):
    """One line and exit code 2, whatever else was given."""
    done = here(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"`{instead}" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_chart_tells_what_it_drew_as_json(campaign, tmp_path):
    """`chart --json` names the kind, the suite and the picture, which is there."""
    path = tmp_path / "profile.svg"
    told = json.loads(invoke("chart", campaign, "--kind", "profile", "-o", path, "--json").stdout)
    assert told == {"picture": str(path), "kind": "profile", "suite": "smoke-v1"}
    assert path.read_text().startswith("<svg")
