"""Campaigns from Python: their results as tables and charts, equal to the command line's."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mincache import InputError, MincacheError, Scenario, evaluate, load, run, solve, suite
from mincache.board.columns import COLUMNS
from mincache.errors import MissingExtraError
from mincache.generation.recipes import Recipe
from mincache.generation.suite_writing import generate
from mincache.site import drawing
from mincache.site.notebook import Ranking

CRASHES = Path(__file__).parents[1] / "faults/crash_at_import.py"
SOLVERS = ["popular-first", "cloud-only", "random-allocation"]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A small campaign."""
    return run("smoke-v1", SOLVERS, seeds=2, seconds=20, folder=tmp_path_factory.mktemp("campaign"))


def test_each_run_is_a_row(results):
    """Costs and gaps are the evaluator's and the suite's, run by run."""
    table = results.to_pandas()
    assert len(table) == 4 * (1 + 1 + 2)
    assert set(table.verdict) == {"verified"}
    known = suite("smoke-v1").references
    for row in table[table.solver == "popular-first"].itertuples():
        instance = load(row.instance)
        cost = evaluate(instance, solve(instance, "popular-first").solution).cost
        assert row.cost == cost
        assert row.gap == pytest.approx(cost / known[row.instance].cost - 1, rel=1e-12)
    random = table[(table.solver == "random-allocation") & (table.instance == "smoke-v1.l0.n10.t0")]
    here = [solve(load("smoke-v1.l0.n10.t0"), "random-allocation", seed=n).evaluation.cost for n in (0, 1)]
    assert sorted(random.cost) == sorted(here)


def test_the_table_is_the_command_lines(results, tmp_path):
    """`mincache leaderboard table` gives the same numbers of the same campaign."""
    folder = tmp_path / "out"
    mine = run("smoke-v1", SOLVERS, seconds=20, folder=folder).table()
    command = [sys.executable, "-m", "mincache", "leaderboard", "table", str(folder), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (listed,) = json.loads(done.stdout)["tables"]
    ours = mine.to_pandas().set_index("solver")
    for row in listed["rows"]:
        assert ours.loc[row["solver"], "mean_cost"] == row["mean_cost"]
        assert ours.loc[row["solver"], "gap"] == row["gap"]
    assert mine.to_pandas().solver.tolist() == [row["solver"] for row in listed["rows"]]


def test_calling_again_goes_on(results, tmp_path):
    """With the same folder only what is missing runs."""
    seen = []
    for solvers, new in (("cloud-only", 4), (["cloud-only", "lru"], 4), ("lru", 0)):
        seen.clear()
        run("smoke-v1", solvers, seconds=20, folder=tmp_path, progress=seen.append)
        assert len(seen) == new
    assert {record.cell.solver for record in run("smoke-v1", "lru", seconds=20, folder=tmp_path).records} == {
        "lru"
    }


def test_a_solver_that_does_not_load_is_warned_of(tmp_path):
    """What ends the process that imports it takes part all the same, with a warning that says why."""
    with pytest.warns(UserWarning, match=r"Any did not load \(.+\); .* one run an instance is planned"):
        found = run("smoke-v1", f"{CRASHES}:Any", instances="smoke-v1.l0.n10.t0", folder=tmp_path)
    assert [record.stop_reason for record in found.records] == ["crash"]


def test_the_table_shows_every_column_and_name(results):
    """In text what a terminal shows, with whole names; in HTML every column."""
    table = results.table()
    lines = repr(table).splitlines()
    assert lines[1].split()[:2] == ["1", "popular-first"]
    html = table._repr_html_()
    assert results._repr_html_() == html
    for column in COLUMNS:
        assert column.optional or column.heading.replace("<", "&lt;") in html


@pytest.mark.parametrize("kind", ["gap", "profile", "time"])
def test_charts_are_altairs(results, kind):
    """They can be changed and saved as any other chart of altair."""
    assert results.plot(kind).properties(width=300).to_dict()["width"] == 300


def test_without_verified_runs_there_is_a_table_and_no_chart(results):
    """What failed is still told."""
    failed = type(results)(
        results.suite,
        tuple(
            record.model_copy(update={"verdict": "no solution", "score": None}) for record in results.records
        ),
    )
    assert "no verified solution" in repr(failed.table())
    assert failed.to_pandas().gap.isna().all()
    with pytest.raises(InputError, match="must have verified runs"):
        failed.plot()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("smoke", "lru"), "did you mean 'smoke-v1'"),
        (("smoke-v1", "lur"), "did you mean 'lru'"),
        (("smoke-v1", [3]), "solver: must be text such as"),
        (("smoke-v1", []), "solvers: must be at least one"),
        (("smoke-v1", "lru", 0), "seeds: must be a whole number"),
        (("smoke-v1", "lru", 1, -2.0), "seconds: must be a number > 0"),
        (("smoke-v1", "lru", 1, float("inf")), "seconds: must be finite"),
        (("smoke-v1", "lru", 1, None), "seconds: must be a number > 0"),
        (("smoke-v1", "lru", 1, 1.0, None, -1), "workers: must be a whole number >= 1"),
    ],
)
def test_what_cannot_be_run_is_refused(arguments, told):
    """In one line, before anything runs."""
    with pytest.raises(MincacheError, match=told):
        run(*arguments)


def test_a_suite_of_ones_own_is_run(tmp_path):
    """A folder or the suite itself; without references, gaps are to the best of the runs."""
    folder = tmp_path / "own"
    recipe = Recipe(library_seed=1, trace_seed=2, libraries=1, users=(3,), traces=1)
    generate(folder, "own", recipe, Scenario(slots=2))
    for given in (str(folder), suite(folder)):
        table = run(given, ["cloud-only", "decomposition"], seconds=20).table()
        assert isinstance(table, Ranking)
        assert table.rows[0].gap == 0.0


def test_a_picture_in_a_file_asks_for_the_extra_that_writes_it(monkeypatch):
    """Where nothing draws or writes pictures, the extra `board` is named, which brings both."""
    for library in ("altair", "vl_convert"):
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mincache\[board\]'"):
        drawing.require_libraries()
