"""Entries from a real campaign: published, run again, and compared."""

import json
import shutil
from math import prod
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from mincache.board.entries import find_entry, read_entry
from mincache.board.verify import read_board, verify
from mincache.cli.compare import compare
from mincache.cli.leaderboard import leaderboard, publish
from mincache.cli.reproduce import reproduce
from mincache.cli.run import run
from mincache.errors import InputError, MincacheError
from mincache.generation.recipes import Recipe
from mincache.generation.scenario import Scenario
from mincache.generation.suite_writing import generate
from mincache.generation.suites import find_instance
from mincache.judging import journal
from mincache.judging.journal import line_of
from mincache.judging.records import Record
from mincache.learning.policies import Policy, PolicyCard, problem_digest, write_policy
from mincache.views.agent_view import AgentView


def invoke(command, *arguments):
    """Run a command with these arguments."""
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def reviewed(row, folder, *options):
    """Run a row again as a reviewer, anew where the machine was so busy that the times differ."""
    for _ in range(5):
        again = invoke(reproduce, row, "-o", folder, *options, "--by", "B. Reader")
        if "times differ" not in str(again.exception):
            break
        shutil.rmtree(folder)
    return again


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    """A campaign of two solvers on smoke-v1, run by the bench."""
    folder = tmp_path_factory.mktemp("campaign")
    solvers = ("--solver", "cloud-only", "--solver", "random-allocation")
    done = invoke(run, "smoke-v1", *solvers, "--seeds", 2, "--workers", 1, "-o", folder)
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture(scope="module")
def first(campaign, tmp_path_factory):
    """A board with both as entries, published once."""
    folder = tmp_path_factory.mktemp("first") / "board"
    published = invoke(publish, campaign, "--author", "A. Author", "-o", folder)
    assert published.exit_code == 0, published.output
    return folder


@pytest.fixture
def board(first, tmp_path):
    """That board, to be changed."""
    return shutil.copytree(first, tmp_path / "board")


def test_what_is_published_verifies(board):
    """Each entry and the page are as a reader finds them."""
    assert not any(verify(board).values())
    manifest = read_entry(find_entry(board / "smoke-v1" / "random-allocation")).manifest
    assert (manifest.authors, manifest.kind, manifest.stochastic) == (("A. Author",), "baseline", True)
    assert (manifest.records.lines, manifest.solutions.lines) == (8, 8)


def test_an_entry_names_its_author(campaign, tmp_path):
    """Nobody publishes anonymously."""
    refused = invoke(publish, campaign, "-o", tmp_path)
    assert refused.exit_code == 2
    assert "--author" in refused.output


def test_a_link_is_a_secure_address(campaign, tmp_path):
    """A link that could run something is refused, and nothing is written."""
    link = ("--link", "javascript:alert(1)")
    refused = invoke(publish, campaign, "--author", "A", *link, "-o", tmp_path / "board")
    assert isinstance(refused.exception, InputError)
    assert not (tmp_path / "board").exists()


def test_a_row_that_does_not_load_is_warned_of(board, tmp_path):
    """A row whose source ends the process that imports it is not reproduced, and a line says why."""
    row, name = find_entry(board / "smoke-v1" / "cloud-only"), "crash_at_import.py"
    (row / "source").mkdir()
    shutil.copy(Path(__file__).parents[1] / "faults" / name, row / "source" / name)
    manifest = row / "manifest.toml"
    manifest.write_text(manifest.read_text().replace('solver = "cloud-only"', f'solver = "{name}:Any"'))
    again = invoke(reproduce, row, "-o", tmp_path / "again", "--instances", 1)
    assert again.exit_code == 1
    assert f"{name}:Any did not load (" in again.stderr


def test_a_row_is_reproduced(board, tmp_path):
    """The same seeds give the same solutions, and a review by whoever made them makes the tier."""
    row = find_entry(board / "smoke-v1" / "random-allocation")
    again = reviewed(row, tmp_path / "again", "--instances", 2)
    assert again.exit_code == 0, again.output
    assert "reproduced: 4 of 4 solutions identical, 4 costs equal" in again.output
    (review,) = read_entry(row).reviews.values()
    assert (review.finding, review.by, review.records.lines) == ("reproduced", "B. Reader", 4)
    (table,) = read_board(board).tables()
    assert {r.solver: r.tier for r in table.rows}["random-allocation"] == "reproduced"


def test_an_author_cannot_reproduce(board, tmp_path):
    """An author, nobody, or who has reviewed it today already is refused before anything runs."""
    row, before = find_entry(board / "smoke-v1" / "cloud-only"), files(board)
    for by, said in {"A. author": "none of the row's authors", " ": "one line"}.items():
        refused = invoke(reproduce, row, "-o", tmp_path / "again", "--by", by).exception
        assert isinstance(refused, MincacheError)
        assert said in str(refused)
    assert files(board) == before
    assert not (tmp_path / "again").exists()
    assert reviewed(row, tmp_path / "again").exit_code == 0
    before = files(board)
    refused = invoke(reproduce, row, "-o", tmp_path / "again", "--by", "B. Reader").exception
    assert "must not have a review of today yet" in str(refused)
    assert files(board) == before


def test_nothing_is_replaced_unasked(campaign, board):
    """The same entry again is refused; another author's stands beside it; --replace writes one's own anew."""
    same = invoke(publish, campaign, "--author", "A. Author", "-o", board)
    assert isinstance(same.exception, InputError)
    assert "--replace" in str(same.exception)
    other = invoke(publish, campaign, "--author", "B. Author", "-o", board)
    assert other.exit_code == 0, other.output
    assert len(list((board / "smoke-v1").glob("*/"))) == 4
    again = invoke(publish, campaign, "--author", "A. Author", "--note", "anew", "--replace", "-o", board)
    assert again.exit_code == 0, again.output
    manifests = [read_entry(folder).manifest for folder in (board / "smoke-v1").glob("*/")]
    assert (
        sorted((m.authors[0], m.note) for m in manifests)
        == [("A. Author", "anew")] * 2 + [("B. Author", "")] * 2
    )


def changed(campaign, folder, change):
    """Copy a campaign into `folder`, each line of its journal changed."""
    shutil.copytree(campaign, folder)
    path = folder / "records.jsonl"
    path.write_bytes(b"".join(map(change, path.read_bytes().splitlines(keepends=True))))
    return folder


def with_cost(line, cost=1.0):
    """Return the line of a record whose cost was typed in, its hash made to fit."""
    record = Record.model_validate(json.loads(line)["record"])
    return line_of(record.model_copy(update={"score": record.score.model_copy(update={"cost": cost})}))


def files(folder):
    """Return the bytes of every file below a folder by its path, and None for every folder."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def without_solution(campaign):
    """Take away a solution that a record names."""
    next((campaign / "solutions").iterdir()).unlink()


def with_another_solution(campaign):
    """Put one solution in the place of another."""
    one, other, *_ = sorted((campaign / "solutions").iterdir())
    shutil.copy(one, other)


def as_it_is(campaign):
    """Change nothing of a campaign."""


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        (
            lambda made: (made / "records.jsonl").write_text("no record\n"),
            ("--replace",),
            "at least one record",
        ),
        (without_solution, ("--replace",), "no such file"),
        (with_another_solution, ("--replace",), "must have this SHA-256"),
        (as_it_is, (), "--replace writes it anew"),
        (as_it_is, ("--replace", "--suite", "paper-v1"), "must be 'smoke-v1'"),
        (as_it_is, ("--replace", "--link", "ftp://a"), "link"),
        (as_it_is, ("--replace", "--policies", "."), "must hold the policies"),
    ],
)
def test_a_refused_publication_leaves_the_board_as_it_was(change, options, said, campaign, board, tmp_path):
    """Whatever it is refused for, every file and folder of the board is the same to the byte."""
    change(shutil.copytree(campaign, tmp_path / "made"))
    before = files(board)
    refused = invoke(publish, tmp_path / "made", "--author", "A. Author", *options, "-o", board).exception
    assert isinstance(refused, MincacheError)
    assert said in str(refused)
    assert files(board) == before


def test_a_refused_suite_leaves_no_copy(tmp_path):
    """A board has no copy of a suite of one's own, and is not begun, if the campaign on it is refused."""
    recipe = Recipe(library_seed=1, trace_seed=2, libraries=1, users=(2,), traces=1)
    mine = generate(tmp_path / "tiny", "tiny", recipe, Scenario(slots=2))
    done = invoke(run, mine.folder, "--solver", "cloud-only", "--workers", 1, "-o", tmp_path / "own")
    assert done.exit_code == 0, done.output
    without_solution(tmp_path / "own")
    (tmp_path / "board").mkdir()
    sides = ("--author", "A. Author", "--suite", mine.folder, "-o", tmp_path / "board")
    assert isinstance(invoke(publish, tmp_path / "own", *sides).exception, MincacheError)
    assert files(tmp_path / "board") == {}
    (tmp_path / "board").rmdir()
    assert isinstance(invoke(publish, tmp_path / "own", *sides).exception, MincacheError)
    assert not (tmp_path / "board").exists()


@pytest.mark.parametrize("change", [lambda line: line, with_cost], ids=["same costs", "a cost typed in"])
def test_nobody_replaces_the_entry_of_another(change, campaign, board, tmp_path):
    """Of another author's --replace, also one that does not verify, the entries there keep every byte."""
    made = changed(campaign, tmp_path / "made", change)
    rows = [row for row in (board / "smoke-v1").iterdir() if row.is_dir()]
    before = [files(row) for row in rows]
    invoke(publish, made, "--author", "B. Author", "--replace", "-o", board)
    assert [files(row) for row in rows] == before


def test_reviews_stay_with_their_records(campaign, board, tmp_path):
    """With --replace, reviews of the same records stay; those of other records go, and a line names them."""
    row = find_entry(board / "smoke-v1" / "random-allocation")
    again = reviewed(row, tmp_path / "again", "--instances", 2)
    assert again.exit_code == 0, again.output
    before = read_entry(row).reviews
    sides = ("--solver", "random-allocation", "--author", "A. Author", "--replace", "-o", board)
    kept = invoke(publish, campaign, *sides, "--note", "anew")
    assert kept.exit_code == 0, kept.output
    assert (read_entry(row).manifest.note, read_entry(row).reviews) == ("anew", before)
    assert "B. Reader" not in kept.stderr
    other = invoke(publish, tmp_path / "again", *sides)
    assert "the reviews are of other records and go with these: reproduced by B. Reader" in other.stderr
    assert read_entry(find_entry(board / "smoke-v1" / "random-allocation")).reviews == {}


MINE = """
from dataclasses import dataclass
from mincache import Solver
from helper import answer

@dataclass(frozen=True)
class Mine(Solver):
    def solve(self, instance, run): return answer(instance)
"""
HELPER = """
import json, mincache, mine
def answer(instance): return mincache.Solution.nothing_cached(instance)
"""


def test_a_solver_in_a_file_is_published_with_its_source_and_reproduced(tmp_path, monkeypatch):
    """The file and what it imports beside it go into the entry; they run again, from any folder."""
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(MINE)
    Path("helper.py").write_text(HELPER)
    done = invoke(run, "smoke-v1", "--solver", "mine.py:Mine", "--workers", 1, "-o", "own")
    assert done.exit_code == 0, done.output
    published = invoke(publish, "own", "--author", "A. Author", "-o", "board")
    assert published.exit_code == 0, published.output
    (row,) = [path.resolve() for path in Path("board/smoke-v1").glob("*/")]
    assert (row / "source" / "mine.py").read_text() == MINE
    Path("mine.py").unlink()
    Path("helper.py").unlink()
    again = reviewed(row, "again")
    assert again.exit_code == 0, again.output
    assert "reproduced: 4 of 4 solutions identical" in again.output
    assert not any(read_board("board").wrong.values())
    refused = invoke(publish, "own", "--author", "B. Author", "-o", "board").exception
    assert str(refused).startswith("source: must hold mine.py as it was when the runs were made")
    Path("kept.py").write_text(MINE)
    renamed = invoke(publish, "own", "--author", "B. Author", "--source", "kept.py", "-o", "other")
    assert renamed.exit_code == 0, renamed.output
    assert [path.name for path in Path("other").glob("smoke-v1/*/source/*")] == ["mine.py"]


def test_a_suite_of_ones_own_has_a_board(tmp_path):
    """The board gets a copy of the suite, and verifies without the original."""
    recipe = Recipe(library_seed=1, trace_seed=2, libraries=1, users=(2,), traces=2)
    mine = generate(tmp_path / "tiny", "tiny", recipe, Scenario(slots=2))
    done = invoke(run, mine.folder, "--solver", "cloud-only", "--workers", 1, "-o", tmp_path / "own")
    assert done.exit_code == 0, done.output
    sides = ("--author", "A. Author", "-o", tmp_path / "board")
    assert "--suite" in str(invoke(publish, tmp_path / "own", *sides).exception)
    published = invoke(publish, tmp_path / "own", *sides, "--suite", mine.folder)
    assert published.exit_code == 0, published.output
    shutil.rmtree(mine.folder)
    assert not any(verify(tmp_path / "board").values())
    again = invoke(reproduce, tmp_path / "board" / "tiny" / "cloud-only", "-o", tmp_path / "again")
    assert again.exit_code == 0, again.output
    for name, said in (("evil.sh", "does not belong"), ("protocol.toml", "bogus: must be a known field")):
        (tmp_path / "board" / "tiny" / "suite" / name).write_text("bogus = 1\n")
        suite, entry = read_board(tmp_path / "board").wrong.values()
        assert said in suite[0]
        assert entry == ["its suite does not verify"]


def test_a_campaign_stands_beside_a_board(campaign, board):
    """The table has the rows of both; a suite is chosen by name, and one that is not there is refused."""
    told = invoke(
        leaderboard, "table", campaign, "--against", board, "--suite", "smoke-v1", "--format", "json"
    )
    assert told.exit_code == 0, told.output
    rows = json.loads(told.output)["tables"][0]["rows"]
    assert sorted((row["solver"].partition(" ")[0], row["tier"]) for row in rows) == [
        (solver, tier) for solver in ("cloud-only", "random-allocation") for tier in ("", "verified")
    ]  # fmt: skip
    refused = invoke(leaderboard, "table", board, "--suite", "paper-v1").exception
    assert str(refused) == "suite: must be one of smoke-v1; received 'paper-v1'"


def test_a_row_with_policies_is_reproduced_with_them(tmp_path):
    """A published row answers with the policies in its folder, those recorded, at the same costs."""
    row = Path(__file__).parents[2] / "leaderboard" / "paper-v1" / "ddpg"
    copy = shutil.copytree(row, tmp_path / "board" / "paper-v1" / row.name)
    again = invoke(reproduce, copy, "-o", tmp_path / "again", "--instances", 3)
    assert again.exit_code == 0, again.output
    assert "3 costs equal" in again.output
    assert "files are others" not in again.output
    (cell, *_) = [record.cell for record in journal.read(tmp_path / "again")]
    assert cell.parameters["policy"].startswith("policies@")
    shutil.rmtree(copy / "policies")
    (copy / "policies").mkdir()
    lost = invoke(reproduce, copy, "-o", tmp_path / "lost", "--instances", 1)
    assert lost.exit_code == 1
    assert "1 no longer verified" in lost.output


@pytest.mark.parametrize("row", ["paper-v1/ddpg", "ladder-v1/ppo-*", "paper-v2/ddpg-*sets*"])
def test_a_learned_row_of_the_board_is_reproduced_in_its_place(row, tmp_path):
    """A solver that is described where answers are hidden from it still finds the policies of its row."""
    (place,) = Path(__file__).parents[2].glob(f"leaderboard/{row}")
    again = invoke(reproduce, place, "-o", tmp_path / "again", "--instances", 1)
    assert again.exit_code == 0, again.output
    assert "largest 0.000%" in again.output


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A campaign of a learner that chose among policies in a folder, and the folder."""
    folder = tmp_path_factory.mktemp("learned")
    (row,) = Path(__file__).parents[2].glob("leaderboard/ladder-v1/droo-*")
    policies = shutil.copytree(row / "policies", folder / "agents")
    spec = f"droo[policy={policies}]"
    done = invoke(run, "ladder-v1", "--solver", spec, "--instances", "*.l0.n10.t0", "-o", folder / "runs")
    assert done.exit_code == 0, done.output
    return folder / "runs", policies


def test_policies_are_published_and_found_again(learned, tmp_path):
    """An entry gets the policies that its runs chose among, and is reproduced with them."""
    runs, policies = learned
    published = invoke(publish, runs, "--policies", policies, "--author", "A", "-o", tmp_path / "board")
    assert published.exit_code == 0, published.output
    (entry,) = tmp_path.glob("board/ladder-v1/droo-*")
    kept = {path.name for path in (entry / "policies").iterdir()}
    assert kept == {path.name for path in policies.iterdir()}
    again = invoke(reproduce, entry, "-o", tmp_path / "again")
    assert "3 of 3 solutions identical" in again.output


def test_policies_that_are_not_stored_are_asked_for(learned, tmp_path):
    """A row without its policies says so in one line, and is reproduced with those that are given."""
    runs, policies = learned
    assert invoke(publish, runs, "--author", "A", "-o", tmp_path / "board").exit_code == 0
    (entry,) = tmp_path.glob("board/ladder-v1/droo-*")
    refused = invoke(reproduce, entry, "-o", tmp_path / "again").exception
    assert isinstance(refused, InputError)
    assert "give their folder with --policies" in str(refused)
    again = invoke(reproduce, entry, "--policies", policies, "-o", tmp_path / "again")
    assert "3 of 3 solutions identical" in again.output


OWN = """
from dataclasses import dataclass
from pathlib import Path
from mincache.learning.policy_solver import PolicySolver

@dataclass(frozen=True)
class Own(PolicySolver):
    policies: Path | None = Path("agents")
    def predict(self, policy, states): return states @ policy.weights["w"]
"""


@pytest.mark.parametrize("named", ["", "[policies=agents/own.safetensors]"])
def test_an_own_agent_is_published_with_its_policies(named, tmp_path, monkeypatch):
    """A row is run again with the file or the folder of policies that it was given, or had by default."""
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(OWN)
    problem, view = find_instance("smoke-v1.l0.n10.t0"), AgentView()
    card = PolicyCard(
        solver="own", parameters={}, problem=problem_digest(problem), versions=view.versions, seed=1
    )
    weights = {"w": np.random.default_rng(0).normal(size=view.sizes(problem)).astype(np.float32)}
    Path("agents").mkdir()
    write_policy("agents/own.safetensors", Policy(card, weights))
    spec = f"own.py:Own{named}"
    done = invoke(run, "smoke-v1", "--solver", spec, "--instances", "*.l0.n10.t0", "-o", "runs")
    assert done.exit_code == 0, done.output
    without = invoke(publish, "runs", "--author", "A", "-o", "without")
    assert "does not store the policies" in without.stderr
    (entry,) = Path("without/smoke-v1").glob("own.py-own-*")
    assert "give their folder" in str(invoke(reproduce, entry, "-o", "refused").exception)
    published = invoke(publish, "runs", "--policies", "agents", "--author", "A", "-o", "board")
    assert published.exit_code == 0, published.output
    assert not published.stderr
    shutil.rmtree("agents")
    Path("own.py").unlink()
    (entry,) = Path("board/smoke-v1").glob("own.py-own-*")
    again = invoke(reproduce, entry, "-o", "again")
    assert again.exit_code == 0, again.output
    assert "reproduced: 1 of 1 solutions identical" in again.output
    assert "differ from" not in again.stderr


def test_a_learner_of_one_policy_is_published_with_it(learned, tmp_path):
    """A file named as the policy is stored, and the row names the same file when it is run again."""
    _, policies = learned
    spec = f"droo[policy={min(policies.glob('*.safetensors'))}]"
    done = invoke(run, "ladder-v1", "--solver", spec, "--instances", "*.l0.n10.*", "-o", tmp_path / "runs")
    assert "4 verified" in done.output, done.output
    given = ("--policies", min(policies.glob("*.safetensors")), "--author", "A")
    published = invoke(publish, tmp_path / "runs", *given, "-o", tmp_path / "board")
    assert published.exit_code == 0, published.output
    (entry,) = tmp_path.glob("board/ladder-v1/droo-*")
    again = reviewed(entry, tmp_path / "again")
    assert again.exit_code == 0, again.output
    assert not any(read_board(tmp_path / "board").wrong.values())


@pytest.mark.parametrize("change", ["another", "emptied", "foreign", "training"])
def test_other_policies_are_refused(change, learned, tmp_path):
    """Policies that no run names are refused in one line, and nothing is written."""
    runs, policies = learned
    given = shutil.copytree(policies, tmp_path / "given")
    gone = {"another": 1, "training": 0}.get(change)
    for path in sorted(given.glob("*.safetensors"))[:gone]:
        path.unlink()
    if change == "training":  # a link to what nobody means to publish
        (given / "secret").write_text("s3cret")
        named = min(policies.glob("*.safetensors")).stem
        (given / f"{named}.json").unlink()
        (given / f"{named}.json").symlink_to(given / "secret")
    if change == "foreign":
        (given / "agent.safetensors").write_bytes(b"\x80\x04}.")
    refused = invoke(publish, runs, "--policies", given, "--author", "A", "-o", tmp_path / "board").exception
    assert isinstance(refused, InputError)
    assert not (tmp_path / "board").exists()


def test_a_campaign_against_itself_is_all_ties(campaign, board):
    """A board and the campaign that it was made from compare as equal, solver by solver."""
    found = invoke(compare, campaign, board)
    assert found.exit_code == 0
    assert found.output.count("A better on 0, B better on 0, equal on 4") == 2


def test_two_solvers_are_compared(campaign, tmp_path):
    """Named solvers are compared with each other, and drawn."""
    sides = (f"{campaign}:cloud-only", f"{campaign}:random-allocation")
    found = invoke(compare, *sides, "--chart", tmp_path / "costs.svg")
    assert "cloud-only (A) against random-allocation (B)" in found.output
    assert "A better on 4, B better on 0" in found.output
    assert (tmp_path / "costs.svg").read_text().startswith("<svg")


def test_a_comparison_as_json(campaign):
    """--json has every number, and the two costs on each instance."""
    sides = (f"{campaign}:cloud-only", f"{campaign}:random-allocation")
    (told,) = json.loads(invoke(compare, *sides, "--json").output)
    assert (told["wins"], told["losses"], told["ties"]) == (4, 0, 0)
    ratios = [pair["second"] / pair["first"] for pair in told["pairs"]]
    assert told["mean_change"] == pytest.approx(prod(ratios) ** (1 / 4) - 1)


def test_nothing_to_compare_is_said(campaign):
    """Solvers of other names are not silently left out."""
    refused = invoke(compare, f"{campaign}:cloud-only", campaign / "..")
    assert isinstance(refused.exception, InputError)


def test_all_solvers_of_one_folder_are_compared(campaign, tmp_path):
    """Given one folder, every pair stands in a line and in JSON, with what each adds to the virtual best."""
    told = invoke(compare, campaign)
    assert told.exit_code == 0, told.output
    assert "cloud-only: best alone on" in told.output
    (suite,) = json.loads(invoke(compare, campaign, "--json").output)
    (pair,) = suite["pairs"]
    assert {pair["first"], pair["second"]} == {"cloud-only", "random-allocation"}
    assert pair["wins"] + pair["losses"] + pair["ties"] == 4
    alone = sum(share["best_alone"] for share in suite["virtual_best"])
    assert alone == pair["wins"] + pair["losses"]


def test_one_solver_is_nothing_to_compare(campaign):
    """A solver named without a second side is refused in one line."""
    refused = invoke(compare, f"{campaign}:cloud-only").exception
    assert isinstance(refused, InputError)
    assert str(refused).startswith("SOLVER: must be compared with a second FOLDER:SOLVER")


def test_an_entry_that_does_not_verify_is_told(campaign, tmp_path):
    """A record whose cost was typed in is published as wrong, with exit code 1."""
    made = changed(campaign, tmp_path / "made", with_cost)
    published = invoke(publish, made, "--author", "A. Author", "-o", tmp_path / "board")
    assert published.exit_code == 1
    assert "cost 1.0; the evaluator finds" in published.output
