import pytest
from board_fixture import record

from mincache.board.pairs import Share, pairs, shares
from mincache.board.ranking import table
from mincache.board.standing import standings


def _made(costs):
    """Return standing and table of solvers with these costs on instances a, b, c..."""
    records = [
        record(s, i, cost) for s, listed in costs.items() for i, cost in zip("abc", listed, strict=False)
    ]
    (standing,) = standings(records)
    return standing, table(standing)


def test_every_pair_meets_once():
    """Three solvers are three pairs, the better ranked first, on the common instances alone."""
    found = pairs(*_made({"x": [1.0, 1.0, 1.0], "y": [2.0, 1.0, 3.0], "z": [3.0, 3.0]}))
    met = {(one.first, one.second): (one.wins, one.losses, one.ties) for one in found}
    assert met == {("x", "y"): (1, 0, 1), ("x", "z"): (2, 0, 0), ("y", "z"): (2, 0, 0)}
    assert all(one.p_adjusted == pytest.approx(min(1.0, 3 * one.p_value)) for one in found)


def test_what_each_adds_to_the_virtual_best():
    """Costs 1, 5 and 3, 2: without the first the best rises by 2 on one of two, without the second by 3."""
    found = shares(*_made({"x": [1.0, 5.0], "y": [3.0, 2.0]}))
    assert sorted(found, key=lambda share: share.solver) == [Share("x", 1, 1.0), Share("y", 1, 1.5)]


def test_one_solver_alone_has_no_others():
    """Below two solvers there is nothing to compare."""
    made = _made({"x": [1.0]})
    assert (pairs(*made), shares(*made)) == ([], [])
