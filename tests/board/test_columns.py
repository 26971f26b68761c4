import re

from mincache.board import columns


def test_headings_join_what_a_terminal_breaks():
    """The hyphen of a broken word goes with the break."""
    for column in columns.COLUMNS:
        assert "\n" not in column.heading
        assert re.sub(r"[\s-]", "", column.heading) == re.sub(r"[\s-]", "", column.title)


def test_a_heading_stands_once():
    """No two columns go by one name, and each says what it means."""
    headings = [column.heading for column in columns.COLUMNS]
    assert len(set(headings)) == len(headings)
    assert all(column.meaning for column in columns.COLUMNS)
