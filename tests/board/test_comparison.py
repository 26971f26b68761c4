import pytest
from board_fixture import record

from mincache.board.comparison import Share, compare, compare_standings, pairs, shares
from mincache.board.standing import standings
from mincache.board.table import Table


def test_two_solvers_by_hand():
    """B is 10 % worse on a, 50 % better on b, equal on c; d and e have one side alone."""
    found = compare(
        "s", "A", {"a": 10.0, "b": 20.0, "c": 5.0, "d": 1.0}, "B", {"a": 11.0, "b": 10.0, "c": 5.0, "e": 1.0}
    )
    assert (found.wins, found.losses, found.ties) == (1, 1, 1)
    assert (found.only_first, found.only_second) == (1, 1)
    assert found.mean_change == pytest.approx((0.1 - 0.5 + 0.0) / 3)
    assert [pair.instance for pair in found.most_changed(9)] == ["b", "a"]


def test_the_test_is_on_relative_changes():
    """Six instances of any scale, each 10 % worse: the smallest p-value that six pairs allow."""
    costs = {name: 10.0**n for n, name in enumerate("abcdef")}
    found = compare("s", "A", costs, "B", {name: 1.1 * cost for name, cost in costs.items()})
    assert found.p_value == pytest.approx(2 / 64)


def test_without_a_common_instance_nothing_is_claimed():
    """No pair, no change, no significance."""
    found = compare("s", "A", {"a": 1.0}, "B", {"b": 1.0})
    assert (found.pairs, found.mean_change, found.p_value) == ((), None, 1.0)


def test_campaigns_are_compared_solver_by_solver():
    """The same solver is paired across campaigns, and p-values are adjusted for their number."""
    names = "abcdef"
    before = standings([record(s, i, 10.0) for s in ("x", "y") for i in names])
    after = standings([record(s, i, 11.0) for s in ("x", "y", "z") for i in names])
    found = compare_standings(before, after, same_solver=True)
    assert [(one.first, one.second) for one in found] == [("x", "x"), ("y", "y")]
    assert [one.p_adjusted for one in found] == pytest.approx([2 * one.p_value for one in found])
    assert len(compare_standings(before, after, same_solver=False)) == 6


def test_what_changed_of_a_solver_is_told():
    """Of the same solver the limits and the source that differ are named; of two solvers nothing is."""
    before, after = (
        standings([record("x", "a", 10.0, wall_s=limit, source=source * 64), record("y", "a", 9.0)])
        for limit, source in ((60.0, "a"), (10.0, "b"))
    )
    found = {(one.first, one.second): one.changed for one in compare_standings(before, after, False)}
    assert found["x", "x"] == ("60 s -> 10 s", "source aaaaaaaa -> source bbbbbbbb")
    assert found["y", "y"] == found["x", "y"] == found["y", "x"] == ()


def test_costs_of_zero_are_compared():
    """Where the first costs nothing, the second is still better, worse or equal, with no warning."""
    found = compare("tiny", "a", {"x": 0.0, "y": 0.0, "z": 2.0}, "b", {"x": 0.0, "y": 1.0, "z": 2.0})
    assert (found.wins, found.losses, found.ties) == (1, 0, 2)
    assert found.p_value == 1.0


def _made(costs):
    """Return the table of solvers with these costs on instances a, b, c..."""
    records = [
        record(s, i, cost) for s, listed in costs.items() for i, cost in zip("abc", listed, strict=False)
    ]
    (standing,) = standings(records)
    return Table(standing)


def test_every_pair_meets_once():
    """Three solvers are three pairs, the better ranked first, on the common instances alone."""
    found = pairs(_made({"x": [1.0, 1.0, 1.0], "y": [2.0, 1.0, 3.0], "z": [3.0, 3.0]}))
    met = {(one.first, one.second): (one.wins, one.losses, one.ties) for one in found}
    assert met == {("x", "y"): (1, 0, 1), ("x", "z"): (2, 0, 0), ("y", "z"): (2, 0, 0)}
    assert all(one.p_adjusted == pytest.approx(min(1.0, 3 * one.p_value)) for one in found)


def test_what_each_adds_to_the_virtual_best():
    """Costs 1, 5 and 3, 2: without the first the best rises by 2 on one of two, without the second by 3."""
    found = shares(_made({"x": [1.0, 5.0], "y": [3.0, 2.0]}))
    assert sorted(found, key=lambda share: share.solver) == [Share("x", 1, 1.0), Share("y", 1, 1.5)]


def test_one_solver_alone_has_no_others():
    """Below two solvers there is nothing to compare."""
    made = _made({"x": [1.0]})
    assert (pairs(made), shares(made)) == ([], [])
