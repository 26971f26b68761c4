"""A board with a public suite and its opened seal: ranks side by side, and what spoils the comparison."""

import json
import shutil

import numpy as np
import pytest
from board_fixture import judged, record
from click.testing import CliRunner
from scipy import stats

from mincache import Run, Solution, evaluate, serve
from mincache.board import seals
from mincache.board.columns import visible_columns
from mincache.board.entries import REVIEWS_FOLDER, Review, write_table
from mincache.board.fitting import public_and_sealed
from mincache.board.publish import publish
from mincache.board.render import page
from mincache.board.runs import gather
from mincache.board.table import Table
from mincache.board.verify import read_board
from mincache.cli.leaderboard import leaderboard
from mincache.errors import InputError
from mincache.files.documents import digest, read_bytes, write_bytes
from mincache.generation.recipes import Recipe
from mincache.generation.scenario import Scenario
from mincache.generation.sealing import draw_sealed, new_secret
from mincache.generation.suite_writing import generate, write_content
from mincache.generation.suites import Suite
from mincache.solving.registry import make

SCENARIO = Scenario(slots=5, users=4)
LIBRARIES = 12


def constant(instance, order):
    """The answer that caches the models of `order`, as many as fit, in every slot."""
    size, left = instance.models.size_gb, instance.server.storage_gb
    cache = np.zeros((instance.slot_count, instance.model_count), dtype=int)
    for model in order:
        if size[model] <= left:
            cache[:, model], left = 1, left - size[model]
    return serve(instance, cache)


def solved(name, instance):
    """A solver's answer."""
    return make(name).solve(instance, Run.seeded(0))


def cost(instance, solution):
    """What a solution costs."""
    return evaluate(instance, solution).cost


def with_references(suite):
    """State the exact method's cost as the best known of every instance."""
    known = [
        entry.model_copy(update={"best_known": judged(suite, entry.name, "exact",
                                                      solved("decomposition", suite.read(entry.name)))
                                 .record.score.cost})
        for entry in suite.content.instance
    ]  # fmt: skip
    write_content(suite.folder, suite.content.model_copy(update={"instance": tuple(known)}))
    return Suite(suite.folder)


def write(board, suite, answers, authors=("A. Name",)):
    """Publish an entry for each answer on a suite."""
    found = [judged(suite, one.name, name, answer(one)) for one in suite for name, answer in answers.items()]
    documents = {name: document for one in found for name, document in one.documents.items()}
    records = [one.record for one in found]
    publish(records, documents.__getitem__, board, about={"authors": authors}, suite=str(suite.folder))
    return records


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    """A board with four frozen entries, of which two fit the public instances, and a late one."""
    place = tmp_path_factory.mktemp("season")
    recipe = Recipe(library_seed=3, trace_seed=4, libraries=LIBRARIES, users=(4,), traces=1)
    public = with_references(generate(place / "public", "public", recipe, SCENARIO))
    optimal = {one.trace.requested_model.tobytes(): solved("decomposition", one) for one in public}
    orders = np.random.default_rng(1).permuted(
        np.tile(np.arange(next(iter(public)).model_count), (100, 1)), axis=1
    )
    tuned = {one.models.size_gb.sum(): min(orders, key=lambda order: cost(one, constant(one, order)))
             for one in public}  # fmt: skip
    entries = {
        "looked-up": lambda one: optimal.get(
            one.trace.requested_model.tobytes(), Solution.nothing_cached(one)
        ),
        "tuned": lambda one: constant(
            one, tuned[min(tuned, key=lambda size_gb: abs(size_gb - one.models.size_gb.sum()))]
        ),
        "greedy": lambda one: solved("density-greedy", one),
        "popular": lambda one: solved("popular-first", one),
    }
    board = place / "board"
    records = write(board, public, entries | {"late": Solution.nothing_cached})
    secret = new_secret("sealed", [SCENARIO], LIBRARIES, (4,), 1)
    (source,) = secret.sources
    known = source.recipe.model_copy(update={"library_seed": 5, "trace_seed": 6})  # a test has no secrets
    source = source.model_copy(update={"recipe": known})
    seals.open_seal(place / "seal", secret.model_copy(update={"salt": "7" * 64, "sources": (source,)}))
    for name in entries:
        cell = next(record.cell for record in records if record.cell.solver == name)
        frozen = {"kind": "entry", "name": name, "spec": name, "sha256": seals.identity(cell)}
        seals._append(place / "seal", frozen)
    drawn = draw_sealed(seals.reveal(place / "seal"), place / "sealed")
    for name in (seals.CHAIN_FILE, seals.REVEALED_FILE):
        write_bytes(drawn.folder / name, read_bytes(place / "seal" / name))
    write(board, with_references(drawn), entries | {"late": Solution.nothing_cached})
    return board


def tables(board):
    """The rankings of a board by suite, and in each the rows by solver."""
    found = {table.runs.name: table for table in read_board(board).tables()}
    return found, {name: {row.solver: row for row in table.rows} for name, table in found.items()}


def told(board, suite):
    """What JSON has of a suite's rows, by solver."""
    shown = CliRunner().invoke(leaderboard, [str(board), "--suite", suite, "--json"], catch_exceptions=False)
    (table,) = json.loads(shown.stdout)["tables"]
    return table, {row["solver"]: row for row in table["rows"]}


@pytest.mark.parametrize("suite", ["public", "sealed"])
def test_both_pages_show_both_ranks(season, suite):
    """Either suite has the ranks, the difference of the gaps with its interval, and the mark."""
    table, rows = told(season, suite)
    assert (table["public_suite"], table["sealed_suite"]) == ("public", "sealed")
    looked_up, greedy = rows["looked-up"], rows["greedy"]
    assert looked_up["public_rank"] == 1 < looked_up["sealed_rank"]
    assert {name: row["fitted"] for name, row in rows.items()} == {
        "looked-up": True, "tuned": True, "greedy": False, "popular": False, "late": None,
    }  # fmt: skip
    assert looked_up["public_gap"] == pytest.approx(0.0, abs=1e-9)
    difference = looked_up["sealed_gap"] - looked_up["public_gap"]
    assert looked_up["sealed_less_public"] == pytest.approx(difference)
    assert looked_up["sealed_less_public_low"] < difference < looked_up["sealed_less_public_high"]
    assert (greedy["sealed_rank"], greedy["fitted"]) == (1, False)
    assert any("looked-up is fitted to the instances of public" in note for note in table["notes"])


def test_gaps_beside_each_other_are_those_of_the_two_tables(season):
    """The gap told of the other suite is the one that stands there."""
    _, rows = tables(season)
    _, shown = told(season, "sealed")
    for solver in ("looked-up", "greedy", "popular"):
        assert shown[solver]["public_gap"] == pytest.approx(rows["public"][solver].gap)
        assert shown[solver]["sealed_gap"] == pytest.approx(rows["sealed"][solver].gap)


def test_who_was_not_frozen_has_no_sealed_rank(season):
    """A run made after the opening stands in the ranking, and not in the comparison."""
    table, rows = told(season, "sealed")
    assert rows["late"]["gap"] is not None
    assert rows["late"]["sealed_rank"] is None
    assert "Not frozen before sealed was drawn, so without a sealed rank: late." in table["notes"]


def test_the_page_names_it(season):
    """The page of the board tells of fitted entries, and both tables have the columns."""
    checked = read_board(season)
    assert "looked-up is fitted to the instances of public" in page(checked.tables(), season)
    for table in checked.tables():
        column = next(one for one in visible_columns(table) if one.heading == "sealed less public gap")
        assert sum(column.text(row).endswith(") fitted") for row in table.rows) == 2


def test_a_flagged_entry_is_not_compared(season, tmp_path):
    """What a reviewer doubts enters no rank of the others: the two that are left are first and second."""
    board = shutil.copytree(season, tmp_path / "board")
    (entry,) = (board / "sealed").glob("looked-up-*")
    (entry / REVIEWS_FOLDER / "reader").mkdir(parents=True)
    review = Review(finding="flagged", by="B. Reader", date="2026-01-01")
    write_table(entry / REVIEWS_FOLDER / "reader" / "review.toml", review)
    _, rows = told(board, "public")
    assert [rows[name]["public_rank"] for name in ("looked-up", "greedy")] == [None, 1]


def test_a_seal_that_does_not_hold_tells_nothing(season, tmp_path):
    """With another chain or secret, `verify` names the suite, and nobody counts as frozen."""
    board = shutil.copytree(season, tmp_path / "board")
    chain = board / "sealed" / "suite" / seals.CHAIN_FILE
    lines = chain.read_bytes().splitlines()
    chain.write_bytes(b"\n".join([lines[0], *lines[2:]]) + b"\n")
    checked = read_board(board)
    assert "must hold the hash of the line before" in checked.wrong["sealed/suite"][0]
    assert all(table.unseen is None for table in checked.tables())
    assert any(remark.startswith("sealed/suite does not verify") for remark in checked.remarks)


def test_an_instance_that_was_not_drawn_is_named(season, tmp_path):
    """A suite whose list names an instance that the secret does not draw is wrong."""
    board = shutil.copytree(season, tmp_path / "board")
    suite = Suite(board / "sealed" / "suite")
    name, other = list(suite.entries)[:2]
    document = read_bytes(suite.path(other)).replace(other.encode(), name.encode())
    write_bytes(suite.path(name), document)
    listed = [
        one.model_copy(update={"sha256": digest(document)}) if one.name == name else one
        for one in suite.content.instance
    ]
    write_content(suite.folder, suite.content.model_copy(update={"instance": tuple(listed)}))
    assert f"{name} is not what the secret draws" in read_board(board).wrong["sealed/suite"]


def test_gaps_to_the_best_of_the_runs_are_not_compared(season, tmp_path):
    """Without stated references a gap says how far the others are, so the page says why there is no rank."""
    board = shutil.copytree(season, tmp_path / "board")
    suite = Suite(board / "sealed" / "suite")
    bare = [one.model_copy(update={"best_known": None}) for one in suite.content.instance]
    write_content(suite.folder, suite.content.model_copy(update={"instance": tuple(bare)}))
    table, rows = told(board, "sealed")
    assert rows["greedy"]["sealed_rank"] is None
    assert any("sealed does not state the best known cost" in note for note in table["notes"])


def test_a_seal_without_its_public_suite_says_so(season, tmp_path):
    """A board of the sealed suite alone has no public ranks, and tells why."""
    board = shutil.copytree(season, tmp_path / "board")
    shutil.rmtree(board / "public")
    table, rows = told(board, "sealed")
    assert rows["greedy"]["public_rank"] is None
    assert any("no public suite of its scenarios is here" in note for note in table["notes"])


def test_another_limit_is_another_entry(season, tmp_path):
    """An entry that had ten seconds on the public suite is not held against one that had any time."""
    board = shutil.copytree(season, tmp_path / "board")
    (entry,) = (board / "public").glob("popular-*")
    shutil.rmtree(entry)
    public = Suite(board / "public" / "suite")
    found = [judged(public, one.name, "popular", solved("popular-first", one), wall_s=10.0) for one in public]
    documents = {name: document for one in found for name, document in one.documents.items()}
    publish([one.record for one in found], documents.__getitem__, board)
    _, rows = told(board, "public")
    assert (rows["popular"]["public_rank"], rows["greedy"]["public_rank"]) == (None, 2)


def test_the_suite_of_a_board_is_not_overwritten(season, tmp_path):
    """Who publishes on a suite of the same name with other references is refused: others stand on it."""
    board = shutil.copytree(season, tmp_path / "board")
    other = shutil.copytree(board / "public" / "suite", tmp_path / "other")
    suite = Suite(other)
    doubled = [one.model_copy(update={"best_known": 2 * one.best_known}) for one in suite.content.instance]
    write_content(other, suite.content.model_copy(update={"instance": tuple(doubled)}))
    before = read_bytes(board / "public" / "suite" / "suite.toml")
    with pytest.raises(InputError, match="suite public: must be the one that the leaderboard has"):
        write(board, Suite(other), {"mine": Solution.nothing_cached}, ("C. Name",))
    assert read_bytes(board / "public" / "suite" / "suite.toml") == before
    assert not list((board / "public").glob("mine-*"))


@pytest.mark.parametrize("libraries", [2, 6])
def test_the_difference_is_welchs(libraries):
    """Interval and p are those of scipy's test of two samples, by Holm; few libraries tell nothing."""
    rng = np.random.default_rng(5)
    costs = 1.0 + rng.random((2, 2, libraries))  # [suite, entry, library]
    names = [f"i{n}" for n in range(libraries)]
    runs = []
    for suite in range(2):
        records = [record("exact", name, 1.0) for name in names]
        records += [record(f"s{k}", name, costs[suite, k, n]) for k in (0, 1) for n, name in enumerate(names)]
        (one,) = gather(records)
        one.__dict__["libraries"] = list(range(libraries))  # a suite that is not at hand has none
        runs.append(Table(one))
    rows = {row["solver"]: row for row in public_and_sealed(*runs).values()}
    tests = [stats.ttest_ind(costs[1, k], costs[0, k], equal_var=False) for k in (0, 1)]
    for k, test in enumerate(tests):
        row, spread = rows[f"s{k}"], test.confidence_interval(0.95)
        assert (row["low"], row["high"]) == pytest.approx((spread.low, spread.high))
        assert row["p"] == pytest.approx(
            min(1.0, test.pvalue * (3 if test.pvalue == min(t.pvalue for t in tests) else 2))
        )
        assert (row["fitted"] is None) == (libraries < 6)
