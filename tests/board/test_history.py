import json
from itertools import chain, pairwise
from math import log

import pytest
from board_fixture import record
from click.testing import CliRunner
from scipy import stats

import mincache
from mincache.board.history import HistoryGatherer, series
from mincache.board.runs import fields_of
from mincache.board.table import Table
from mincache.cli.main import cli
from mincache.errors import InputError
from mincache.files.repository import Commit, git

COMMITS = [Commit(letter * 40, f"commit {letter}") for letter in "abc"]
SOLVER = '''
from dataclasses import dataclass
from mincache import Solver
from mincache.solving.registry import make

@dataclass(frozen=True)
class Mine(Solver):
    """Answers as another does."""

    def solve(self, instance, run):
        return make("{}").solve(instance, run)
'''


def at(commit, costs, *, solver="mine.py:Mine", dirty=False, source="a", stochastic=False, wall_s=None):
    """Return records of a solver at a commit; costs by instance, of several repetitions if a list."""
    where = {"solver_commit": commit and commit * 40, "solver_dirty": dirty, "stochastic": stochastic}
    return [
        record(solver, name, cost, n, source=source * 64, wall_s=wall_s).model_copy(
            update={"environment": where}
        )
        for name, given in costs.items()
        for n, cost in enumerate(given if isinstance(given, list) else [given])
    ]


def told(*records, solvers=()):
    """Return the series of records on one suite."""
    gatherer = HistoryGatherer(COMMITS, solvers)
    for one in chain(*records):
        gatherer.add(fields_of(one))
    gatherer.suites()
    (runs,) = gatherer.runs()
    return series(Table(runs), COMMITS)


def test_steps_stand_in_the_order_of_history_with_changes_by_hand():
    """A third better, then a half worse with a changed tree; means and changes are by hand."""
    (one,) = told(
        at("b", {"x": 12.0, "y": 30.0}, dirty=True, source="c"),
        at("b", {"x": 8.0, "y": 20.0}, source="b"),
        at("a", {"x": 12.0, "y": 30.0}),
    )
    assert [(step["commit"][0], step["dirty"]) for step in one["steps"]] == [
        ("a", False), ("b", False), ("b", True),
    ]  # fmt: skip
    assert [step["mean_cost"] for step in one["steps"]] == [21.0, 14.0, 21.0]
    assert [step["mean_gap"] for step in one["steps"]] == pytest.approx([0.5, 0.0, 0.5])
    assert [step["change"] for step in one["steps"][1:]] == pytest.approx([-1 / 3, 0.5])
    assert [step["told"] for step in one["steps"]] == [
        "", "better on these instances", "worse on these instances",
    ]  # fmt: skip


def test_holm_takes_the_steps_together():
    """Of two steps that depend on seeds, the smaller p counts twice: paired tests by SciPy."""
    costs = [[10.0, 10.4, 9.9, 10.2, 10.1], [9.0, 9.3, 9.1, 8.9, 9.05], [9.2, 9.0, 9.1, 9.3, 8.8]]
    (one,) = told(*(at(c, {"x": given}, stochastic=True) for c, given in zip("abc", costs, strict=True)))
    logs = [list(map(log, given)) for given in costs]
    paired = [float(stats.ttest_rel(*pair).pvalue) for pair in pairwise(logs)]
    adjusted = [step["adjusted"]["here"] for step in one["steps"][1:]]
    assert adjusted[1] == pytest.approx(max(paired[1], adjusted[0]))
    assert adjusted[0] == pytest.approx(2 * max(paired[0], 2.0**-4))
    assert one["steps"][2]["told"] == "no change can be told from chance"


def test_changed_trees_of_one_commit_are_steps_of_their_own():
    """Two sources on top of one commit are two steps; the same one twice is one, its last run counting."""
    (one,) = told(
        at("a", {"x": 3.0}, dirty=True, source="b"),
        at("a", {"x": 2.0}, dirty=True, source="c"),
        at("a", {"x": 4.0}, dirty=True, source="b"),
    )
    assert sorted(step["mean_cost"] for step in one["steps"]) == [2.0, 4.0]


def test_nothing_in_common_and_nothing_changed_are_told():
    """Other instances leave nothing to tell; equal costs are the same."""
    (one,) = told(at("a", {"x": 3.0}), at("b", {"y": 2.0}), at("c", {"y": 2.0}))
    assert [step["told"] for step in one["steps"][1:]] == [
        "no instance in common with the step before: nothing can be told", "the same cost on every instance",
    ]  # fmt: skip


def test_other_limits_are_another_series():
    """Costs under 1 s and under 2 s are not held against each other."""
    found = told(at("a", {"x": 3.0}, wall_s=1.0), at("b", {"x": 2.0}, wall_s=2.0))
    assert [len(one["steps"]) for one in found] == [1, 1]
    assert [one["solver"] for one in found] == ["mine.py:Mine (1 s)", "mine.py:Mine (2 s)"]


def test_what_is_in_no_series_is_counted_or_refused():
    """Runs without a commit or at others are passed over; none left, or no such solver, is refused."""
    odd = at("a", {"x": 1.0})[0].model_copy(update={"environment": {"solver_commit": ["a"]}})
    with pytest.raises(InputError, match=r"received 1 without a commit of the solver, 2 at other commits; "):
        told(at(None, {"x": 1.0}), at("d", {"x": 1.0}), [odd])
    with pytest.raises(InputError, match=r"--solver: must be among mine.py:Mine; received 'other'"):
        told(at("a", {"x": 1.0}), solvers=["other"])


def test_three_commits_from_the_bench_to_the_terminal(tmp_path, monkeypatch):
    """A solver gets better, then worse: what is told are the costs of what it answers at each commit."""
    monkeypatch.chdir(tmp_path)
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    assert git(".", "init", "--quiet") is not None
    answers = ["cloud-only", "popular-first", "lru"]
    for name in answers:
        (tmp_path / "mine.py").write_text(SOLVER.format(name))
        assert git(".", "add", "mine.py") is not None
        assert git(".", *identity, "commit", "--quiet", "--message", f"As {name}") is not None
        command = ["run", "smoke-v1", "--instances", "*.l0.n10.t0", "--solver", "mine.py:Mine"]
        done = CliRunner().invoke(cli, [*command, "-o", "results"])
        assert done.exit_code == 0, done.output
    shown = CliRunner().invoke(cli, ["compare", "results", "--since", "HEAD~2", "--json"])
    assert shown.exit_code == 0, shown.output
    ((one),) = json.loads(shown.stdout)
    instance = mincache.load("smoke-v1.l0.n10.t0")
    costs = [mincache.solve(instance, name).evaluation.cost for name in answers]
    assert [step["mean_cost"] for step in one["steps"]] == pytest.approx(costs)
    assert [step["subject"] for step in one["steps"]] == [f"As {name}" for name in answers]
    assert [step["told"].split()[0] for step in one["steps"][1:]] == ["better", "worse"]
    lines = CliRunner().invoke(cli, ["compare", "results", "--since", "HEAD~1"]).stdout.splitlines()
    assert len(lines) == 3
    alone = CliRunner().invoke(cli, ["compare", "results:mine.py:Mine", "--since", "HEAD"])
    assert "no change can be told" in alone.stdout
    for words in (["--since", "nope"], ["--since", "HEAD", "--chart", "x.svg"], ["--solver", "lru"]):
        refused = CliRunner().invoke(cli, ["compare", "results", *words])
        assert isinstance(refused.exception, InputError)
