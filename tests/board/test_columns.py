import re

import pytest
from board_fixture import raw_score, record, tables

from mincache.board import columns
from mincache.board.render import notes
from mincache.generation.suites import find


def test_headings_join_what_a_terminal_breaks():
    """The hyphen of a broken word goes with the break."""
    for column in columns.COLUMNS:
        assert "\n" not in column.heading
        assert re.sub(r"[\s-]", "", column.heading) == re.sub(r"[\s-]", "", column.title)


def test_a_heading_stands_once():
    """No two columns go by one name, and each says what it means."""
    assert len({column.heading for column in columns.COLUMNS}) == len(columns.COLUMNS)
    assert all(column.meaning for column in columns.COLUMNS)


def test_a_short_table_has_eight_columns():
    """Rank, solver, kind, gap with its interval, feasible, time, training and seeds."""
    brief = [column.heading for column in columns.COLUMNS if column.brief]
    assert brief == ["rank", "solver", "kind", "gap", "feasible", "time", "training", "seeds"]


RECORDS = [
    record("s", "a", 10.0, 0, raw=raw_score(8.0, steps=(1.0, 0.5))),
    record("s", "a", 10.0, 1, raw=raw_score(6.0, steps=(0.5, 0.2), storage=(0.5, 1.0))),
    record("s", "b", 10.0, 0, raw=raw_score(9.0)),
    record("t", "a", 11.0),
    record("t", "b", 11.0),
]


def test_each_instance_counts_once_before_the_repair():
    """Rates 1 and 0.5 on a and 0 on b have the mean 0.375; excesses weigh as the slots that they are of."""
    found = {row.solver: columns.numbers(row) for row in tables(RECORDS)[0].rows}
    raw = found["s"]
    assert raw["raw_cost"] == ((8.0 + 6.0) / 2 + 9.0) / 2
    assert raw["raw_rate"] == {"steps": 0.375, "storage": 0.125}
    assert raw["raw_excess"]["steps"] == pytest.approx((1.0 * 0.5 + 0.5 * 0.2) / 1.5, rel=1e-15)
    assert (raw["raw_excess"]["storage"], raw["raw_broken"]) == (1.0, 0.375)
    assert (found["t"]["raw_cost"], found["t"]["raw_broken"]) == (None, None)


def test_optional_columns_are_there_where_they_say_something():
    """One solver that reports raw answers brings the column; another has a dash in it."""
    (table,) = tables(RECORDS)
    (shown,) = [column for column in columns.visible_columns(table) if column.heading == "raw broken"]
    assert {row.solver: shown.text(row) for row in table.rows} == {"s": "37.5%", "t": "-"}
    (without,) = tables(RECORDS[3:])
    assert not [column for column in columns.visible_columns(without) if column.heading == "raw broken"]


def test_shares_of_hits_are_weighted_by_hits():
    """Half of 0.5 and all of 0.25 hits are two thirds of 0.75."""
    (table,) = tables(
        [record("s", "a", 1.0, hit_ratio=0.5, low=0.5), record("s", "b", 1.0, hit_ratio=0.25, low=1.0)]
    )
    assert columns.numbers(table.rows[0])["low_step_hit_share"] == pytest.approx(2 / 3)


def test_levels_of_information_have_ranks_of_their_own():
    """Of rows that see the past the better is first of its level; gaps split at the best such policy."""
    suite, found = find("online-v1"), {}
    costs = {"exact": ("trace", 1.0), "good": ("past", 1.2), "bad": ("past", 1.3)}
    records = [
        record(solver, name, entry.best_known * factor, suite=suite.name, sha256=entry.sha256, wall_s=60.0)
        .model_copy(update={"environment": {"information": level}})
        for solver, (level, factor) in costs.items()
        for name, entry in suite.entries.items()
    ]  # fmt: skip
    (table,) = tables(records)
    found = {row.solver: columns.numbers(row) for row in table.rows}
    assert [found[name]["level_rank_low"] for name in costs] == [1, 1, 2]
    assert [found[name]["level_rank_high"] for name in costs] == [1, 1, 2]
    assert found["exact"]["over_causal"] is None
    assert found["bad"]["over_causal"] - found["good"]["over_causal"] == pytest.approx(0.1)
    shown = [column.heading for column in columns.visible_columns(table)]
    assert {"level", "rank in level", "over best causal"} <= set(shown)
    causal = found["good"]["gap"] - found["good"]["over_causal"]
    assert f"The best policy that sees the past alone is {causal:.2%} above" in " ".join(notes(table))
    assert not {"level", "rank in level"} & {c.heading for c in columns.visible_columns(tables(RECORDS)[0])}


def test_numbers_are_written_as_readers_expect():
    """Costs have 3 decimals, fractions are percentages, times have 3 significant digits."""
    assert columns.cost(12.34567) == "12.346"
    assert columns.percent(0.24567) == "24.6%"
    assert columns.percent(0.24567, 2) == "24.57%"
    assert columns.duration(0.000563) == "0.563 ms"
    assert columns.duration(12.345) == "12.3 s"
    assert columns.duration(7782.1) == "7780 s"


def test_nothing_is_a_dash_and_zero_has_no_sign():
    """A missing number is not a zero, and rounding noise is not negative."""
    assert columns.cost(None) == columns.percent(None) == columns.duration(None) == "-"
    assert columns.percent(-1e-15, 2) == "0.00%"


def test_failures_are_listed():
    """Every kind stands with its count."""
    assert columns.failures({"crash": 3, "wall": 1}) == "3 crash, 1 wall"
    assert columns.failures({"crash": 1}, 2) == "1 crash, 2 declined"
    assert columns.failures({}) == ""


def test_a_range_of_one_is_one():
    """A rank that the seeds leave no doubt of is a single number."""
    assert columns.between("2", "2") == "2"
    assert columns.between("2", "3") == "2 to 3"
