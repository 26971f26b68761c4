"""What the board says of answers before their repair: means over instances, and columns only where needed."""

import pytest
from board_fixture import raw_score, record, tables

from mincache.board import render, repairs
from mincache.board.columns import COLUMNS, visible_columns

RECORDS = [
    record("s", "a", 10.0, 0, raw=raw_score(8.0, steps=(1.0, 0.5))),
    record("s", "a", 10.0, 1, raw=raw_score(6.0, steps=(0.5, 0.2), storage=(0.5, 1.0))),
    record("s", "b", 10.0, 0, raw=raw_score(9.0)),
    record("t", "a", 11.0),
    record("t", "b", 11.0),
]


def test_each_instance_counts_once():
    """Rates 1 and 0.5 on a and 0 on b have the mean 0.375; excesses weigh as the slots that they are of."""
    found = repairs.means({"a": RECORDS[:2], "b": RECORDS[2:3]})
    assert found.cost == ((8.0 + 6.0) / 2 + 9.0) / 2
    assert found.rate == {"steps": 0.375, "storage": 0.125}
    assert found.excess["steps"] == pytest.approx((1.0 * 0.5 + 0.5 * 0.2) / 1.5, rel=1e-15)
    assert found.excess["storage"] == 1.0


def test_runs_that_report_nothing_say_nothing():
    """Without raw decisions there are no means, and a cost that is not finite leaves no mean cost."""
    assert repairs.means({"a": [record("t", "a", 11.0)]}) == repairs.RawMeans()
    assert repairs.means(
        {"a": [record("s", "a", 1.0, raw=raw_score(None, unserved=(0.5, 2.0)))]}
    ) == repairs.RawMeans(None, {"unserved": 0.5}, {"unserved": 2.0})


def test_the_columns_are_there_where_a_solver_reports():
    """One solver that reports brings the columns; another has a dash in them; none, and they are gone."""
    (table,) = tables(RECORDS)
    rate, which = visible_columns(table)[-2:]
    cells = {row.solver: (rate.cell(row), which.cell(row)) for row in table.rows}
    assert cells == {"s": ("37.5%", "steps"), "t": ("-", "-")}
    (without,) = tables(RECORDS[3:])
    assert visible_columns(without) == [column for column in COLUMNS if not column.optional]
    assert "raw broken" in render.markdown([table])
    assert "raw" not in render.markdown([without])


def test_an_answer_that_broke_nothing_is_no_dash():
    """A solver whose raw decisions keep every limit shows 0, not nothing."""
    (table,) = tables([record("s", "a", 10.0, raw=raw_score(9.0))])
    assert visible_columns(table)[-1].cell(table.rows[0]) == "0.0%"
