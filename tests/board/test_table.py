from types import SimpleNamespace

import pytest
from board_fixture import record, tables

from mincache.board.columns import numbers
from mincache.board.standing import NOTHING_VERIFIED
from mincache.board.table import failure

# Best costs are 10 on a, 20 on b, 40 on c.
BEST = [
    record("best", "a", 10.0, hit_ratio=0.5, low=0.5, solve_s=1.0),
    record("best", "b", 20.0, hit_ratio=0.25, low=1.0, solve_s=2.0),
    record("best", "c", 40.0, hit_ratio=0.0, solve_s=9.0),
]


def _rows(records, **options):
    (table,) = tables(records, **options)
    return {row.solver: SimpleNamespace(**numbers(row)) for row in table.rows}, table


def test_means_are_over_common_instances():
    """A solver that covers two of three instances holds the others to these two."""
    rows, table = _rows([*BEST, record("half", "a", 11.0), record("half", "b", 26.0)])
    assert table.standing.common == ("a", "b")
    assert len(table.standing.instances) == 3
    assert rows["best"].mean_cost == 15.0
    assert rows["half"].mean_cost == 18.5
    assert rows["half"].gap == pytest.approx((0.1 + 0.3) / 2, rel=1e-12)
    assert (rows["best"].covered, rows["half"].covered) == (3, 2)
    assert rows["best"].median_solve_s == 1.5


def test_an_instance_counts_once_however_many_seeds_it_has():
    """Two seeds at 12 and 16 on a and one at 20 on b have the mean ((12 + 16) / 2 + 20) / 2."""
    rows, _ = _rows([*BEST, record("s", "a", 12.0), record("s", "a", 16.0, 1), record("s", "b", 20.0)])
    assert rows["s"].mean_cost == 17.0
    assert rows["s"].gap == pytest.approx((0.4 + 0.0) / 2, rel=1e-12)
    assert rows["s"].seeds == 2


def test_shares_of_hits_are_weighted_by_hits():
    """Half of 0.5 and all of 0.25 hits are two thirds of 0.75."""
    rows, _ = _rows(BEST)
    assert rows["best"].hit_ratio == pytest.approx(0.25)
    assert rows["best"].low_step_hit_share == pytest.approx(2 / 3)
    rows, _ = _rows([record("none", "a", 1.0, hit_ratio=0.0)])
    assert rows["none"].low_step_hit_share is None


def test_failures_are_counted_by_kind_and_never_dropped():
    """Runs are verified, failed or declined, and the three add up."""
    failed = [
        record("s", "a", 11.0, 0),
        record("s", "a", None, 1, stop_reason="wall"),
        record("s", "a", 9.0, 2, verdict="infeasible"),
        record("s", "b", 11.0, 0, verdict="contradicts a bound"),
        record("s", "b", None, 1, stop_reason="wall"),
        record("s", "c", None, 0, verdict="skipped"),
    ]
    rows, _ = _rows([*BEST, *failed])
    row = rows["s"]
    assert row.failures == {"contradicts a bound": 1, "infeasible": 1, "wall": 2}
    assert (row.runs, row.verified, row.declined) == (5, 1, 1)
    assert row.feasible_share == 2 / 5
    assert row.mean_cost == 11.0


def test_a_failure_is_named_by_what_is_wrong():
    """An answer goes by what is wrong with it; a run without one by what ended it."""
    assert failure(record("s", "a", stop_reason="memory")) == "memory"
    assert failure(record("s", "a", stop_reason="soft limit")) == "no solution"
    assert failure(record("s", "a", verdict="malformed", stop_reason="crash")) == "malformed"
    assert failure(record("s", "a", 1.0, verdict="infeasible", stop_reason="wall")) == "infeasible"


def test_a_bound_above_anybodys_cost_is_a_failure():
    """A verified cost of another solver takes the row of a wrong bound away."""
    rows, _ = _rows([*BEST, record("wrong", "a", 11.0, bound=10.5), record("right", "a", 11.0, bound=10.0)])
    assert rows["wrong"].failures == {"contradicts a bound": 1}
    assert (rows["wrong"].mean_cost, rows["right"].mean_cost) == (None, 11.0)


def test_a_solver_without_a_verified_solution_stands_apart():
    """It neither empties the common set nor vanishes."""
    lost = [record("lost", "a", stop_reason="crash"), record("shy", "b", verdict="skipped")]
    rows, table = _rows([*BEST, *lost])
    assert [row.solver for row in table.rows] == ["best", "lost", "shy"]
    assert rows["lost"].apart == rows["shy"].apart == NOTHING_VERIFIED
    assert rows["lost"].mean_cost is rows["lost"].gap is None
    assert len(table.standing.common) == 3


def test_rows_are_sorted_by_gap_not_by_cost():
    """A low mean cost does not hide a large gap on a cheap instance."""
    rows = [record("even", "a", 15.0), record("even", "b", 20.0)]  # mean 17.5, gap 25 %
    rows += [record("skewed", "a", 10.0), record("skewed", "b", 29.0)]  # mean 19.5, gap 22.5 %
    _, table = _rows([*BEST, *rows])
    assert [row.solver for row in table.rows] == ["best", "skewed", "even"]


def test_choosing_solvers_widens_the_common_set():
    """Without the solver that covers little the others are compared on everything."""
    records = [*BEST, *(record("other", i, 50.0) for i in "abc"), record("little", "a", 11.0)]
    assert _rows(records)[1].standing.common == ("a",)
    _, table = _rows(records, solvers=["best", "other"])
    assert table.standing.common == ("a", "b", "c")


def test_references_do_not_depend_on_the_choice():
    """The gap of a row is the same beside whomever it is shown."""
    records = [*BEST, *(record("other", i, 50.0) for i in "abc")]
    alone, _ = _rows(records, solvers=["other"])
    assert alone["other"].gap == _rows(records)[0]["other"].gap > 0


def test_each_suite_has_its_table():
    """Two suites are never averaged together."""
    first, second = tables([*BEST, record("best", "z", 5.0, suite="another")])
    assert (first.standing.name, first.rows[0].mean_cost) == ("another", 5.0)
    assert second.standing.name == "hand-made"
