"""Rows as CSV: what is missing, lists, and text that a spreadsheet would calculate."""

import csv
import io

from mincache.files.spreadsheets import csv_text


def test_every_column_that_a_row_has_stands_there():
    """Rows may lack columns; None and nan are empty, and a float reads back as itself."""
    text = csv_text([{"a": 0.1 + 0.2, "b": None}, {"a": float("nan"), "c": [1, 2]}])
    assert list(csv.reader(io.StringIO(text))) == [
        ["a", "b", "c"],
        [repr(0.1 + 0.2), "", ""],
        ["", "", "1 2"],
    ]


def test_names_choose_columns():
    """Columns that are named stand in that order, and no others."""
    assert csv_text([{"a": 1, "b": 2}], ["b"]) == "b\n2\n"


def test_text_is_no_formula():
    """What a spreadsheet would calculate gets an apostrophe; a negative number stays one."""
    assert csv_text([{"a": "=1+1", "b": -1.5, "c": "plain"}]) == "a,b,c\n'=1+1,-1.5,plain\n"
