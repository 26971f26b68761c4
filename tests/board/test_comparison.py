import json

import pytest
from board_fixture import record, smoke_campaign, tables
from click.testing import CliRunner

from mincache.board.comparison import bests, compare, compare_all, contrasts, pairs, shares
from mincache.board.render import contrasts_markdown
from mincache.board.runs import gather
from mincache.cli.leaderboard import leaderboard
from mincache.errors import InputError


def both(first, second, seeds=1):
    """Return the comparison of solvers A and B with these costs by instance."""
    (table,) = tables(
        [record("A", i, cost * (1 + r), r) for i, cost in first.items() for r in range(seeds)]
        + [record("B", i, cost * (1 + r), r) for i, cost in second.items() for r in range(seeds)]
    )
    rows = {row.solver: row for row in table.rows}
    return compare(rows["A"], rows["B"]), compare(rows["B"], rows["A"])


def test_two_solvers_by_hand():
    """B is 10 % worse on a, 50 % better on b, equal on c; d and e have one side alone."""
    found, _ = both({"a": 10.0, "b": 20.0, "c": 5.0, "d": 1.0}, {"a": 11.0, "b": 10.0, "c": 5.0, "e": 1.0})
    assert (found["wins"], found["losses"], found["ties"]) == (1, 1, 1)
    assert (found["only_first"], found["only_second"]) == (1, 1)
    assert found["mean_change"] == pytest.approx((1.1 * 0.5) ** (1 / 3) - 1)


def test_it_is_the_same_from_either_side():
    """Wins change places, the mean change is inverted, the p-values are equal."""
    one, other = both({"a": 10.0, "b": 20.0, "c": 7.0}, {"a": 11.0, "b": 10.0, "c": 7.7}, seeds=3)
    assert (one["wins"], one["losses"]) == (other["losses"], other["wins"]) == (2, 1)
    assert (1 + one["mean_change"]) * (1 + other["mean_change"]) == pytest.approx(1.0, rel=1e-12)
    assert one["p_values"] == other["p_values"]


def test_without_a_common_instance_nothing_is_claimed():
    """No pair, no change, no significance."""
    found, _ = both({"a": 1.0}, {"b": 1.0})
    assert (found["pairs"], found["mean_change"], found["p_values"]) == ([], None, {})


def test_campaigns_are_compared_solver_by_solver():
    """The same solver is paired across campaigns, or every one with every other."""
    before = gather([record(s, "a", 10.0) for s in ("x", "y")])
    after = gather([record(s, "a", 11.0) for s in ("x", "y", "z")])
    found = compare_all(before, after, same_solver=True)
    assert [(one["first"], one["second"]) for one in found] == [("x", "x"), ("y", "y")]
    assert len(compare_all(before, after, same_solver=False)) == 6


def test_what_changed_of_a_solver_is_told():
    """Of the same solver the limits and the source that differ are named; of two solvers nothing is."""
    before, after = (
        gather([record("x", "a", 10.0, wall_s=limit, source=source * 64), record("y", "a", 9.0)])
        for limit, source in ((60.0, "a"), (10.0, "b"))
    )
    found = {(one["first"], one["second"]): one["changed"] for one in compare_all(before, after, False)}
    assert found["x", "x"] == ("60 s -> 10 s", "source aaaaaaaa -> source bbbbbbbb")
    assert found["y", "y"] == found["x", "y"] == found["y", "x"] == ()


def _made(costs):
    """Return the table of solvers with these costs on instances a, b, c..."""
    records = [
        record(s, i, cost) for s, listed in costs.items() for i, cost in zip("abc", listed, strict=False)
    ]
    return tables(records)[0]


def test_every_pair_of_ranked_rows_meets_once():
    """Three solvers are three pairs, the better ranked first; one that lacks an instance is in none."""
    found = pairs(_made({"x": [1.0, 1.0], "y": [2.0, 1.0], "z": [3.0, 3.0], "part": [1.0]}))
    met = {(one["first"], one["second"]): (one["wins"], one["losses"], one["ties"]) for one in found}
    assert met == {("x", "y"): (1, 0, 1), ("x", "z"): (2, 0, 0), ("y", "z"): (2, 0, 0)}
    assert all(one["adjusted"] == {"here": 0.0} for one in found)


def test_the_virtual_best_takes_the_best_of_each_instance():
    """Its means are of the least costs and gaps, the single best's of the row with the least mean cost.

    Costs 1, 5 and 3, 2 have the references 1 and 2: gaps of 0, 3/2 and 2, 0.
    """
    found = bests(_made({"x": [1.0, 5.0], "y": [3.0, 2.0]}))
    assert found == {
        "single_best": "y", "single_best_cost": 2.5, "single_best_gap": 1.0,
        "virtual_best_cost": 1.5, "virtual_best_gap": 0.0,
    }  # fmt: skip


def test_what_each_adds_to_the_virtual_best():
    """Costs 1, 5 and 3, 2: without the first the best rises by 2 on one of two, without the second by 3."""
    found = shares(_made({"x": [1.0, 5.0], "y": [3.0, 2.0]}))
    assert sorted(tuple(share.values()) for share in found) == [("x", 1, 1.0), ("y", 1, 1.5)]


def test_one_solver_alone_has_no_others():
    """Below two solvers there is nothing to compare."""
    made = _made({"x": [1.0]})
    assert (pairs(made), shares(made)) == ([], [])


GAPS = {
    "plain": {"exact": 0.0, "greedy": 0.1, "random": 0.3},
    "narrow": {"exact": 0.0, "greedy": 0.5, "random": 0.2, "new": 0.4},
    "empty": {},
}
"""Cost above 10, by suite and solver, on the one instance of each."""


def records():
    """The records that these gaps stand for; the best known cost of both instances is 10."""
    return [
        record(solver, f"{suite}.one", 10 * (1 + gap), suite=suite)
        for suite, gaps in GAPS.items()
        for solver, gap in gaps.items()
    ]


def test_the_spread_and_who_changes_places():
    """Best, worst and swapped pairs are what the gaps say; a solver on one suite alone is in no pair."""
    plain, narrow = contrasts(tables(records()), "plain")
    assert (plain["suite"], plain["instances"], plain["solvers"], plain["swapped"]) == ("plain", 1, 3, ())
    assert plain["best"] == ("exact", 0.0)
    assert plain["worst"] == ("random", pytest.approx(0.3))
    assert (narrow["suite"], narrow["solvers"], narrow["pairs"]) == ("narrow", 4, 3)
    assert narrow["worst"] == ("greedy", pytest.approx(0.5))
    assert narrow["swapped"] == (("random", "greedy"),)


def test_a_base_without_records_is_refused():
    """A suite that has no records is nothing to contrast with, and those that have are named."""
    with pytest.raises(InputError, match=r"base: must be one of: narrow, plain; received 'unknown'"):
        contrasts(tables(records()), "unknown")


def test_as_markdown():
    """A row a suite, the base first."""
    found = contrasts(tables(records()), "plain")
    lines = contrasts_markdown(found, "plain").splitlines()
    assert lines[2].startswith("| plain | 1 | 0 | 3 | exact, 0.00% | random, 30.00% | 0 of 3 |")
    assert lines[3].endswith("| 1 of 3: random before greedy |")


def test_on_the_command_line(tmp_path):
    """The verb reads a board or a campaign, and prints the same as a table or as JSON."""
    smoke_campaign(tmp_path)
    options = ["contrasts", str(tmp_path), "--base", "smoke-v1"]
    shown = CliRunner().invoke(leaderboard, options)
    assert shown.exit_code == 0, shown.output
    assert "cloud-only" in shown.output
    as_json = CliRunner().invoke(leaderboard, [*options, "--json"])
    assert [one["suite"] for one in json.loads(as_json.stdout)] == ["smoke-v1"]
