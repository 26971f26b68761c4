import csv
import io
import json

from board_fixture import raw_score, record, tables
from rich.console import Console

from mincache.board import render
from mincache.board.columns import visible_columns
from mincache.board.render import escaped
from mincache.board.table import Row

RECORDS = [
    record("best", "a", 10.0, hit_ratio=0.5, low=0.5, solve_s=0.123456),
    record("best", "b", 20.0, hit_ratio=0.25, low=1.0, solve_s=2.0, raw=raw_score(1.5, steps=(0.125, 0.3))),
    record("genetic[population=50]", "a", 12.3456789, hit_ratio=0.4, low=0.1, solve_s=7.0),
    record("genetic[population=50]", "b", 21.0, hit_ratio=0.4, low=0.1, solve_s=7.0),
    record("genetic[population=50]", "b", None, 1, stop_reason="crash"),
    record("lost|<b>", "a", stop_reason="wall"),
]
TABLES = tables(RECORDS)


def _terminal(width):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    for table in TABLES:
        console.print(render.terminal(table))
    return console.file.getvalue()


def test_all_renderings_agree():
    """JSON and CSV hold the same numbers, and terminal and Markdown show them, rounded alike."""
    from_json = json.loads(render.as_json(TABLES))["tables"][0]["rows"]
    from_csv = list(csv.DictReader(io.StringIO(render.as_csv(TABLES))))
    in_markdown = [line for line in render.markdown(TABLES).splitlines() if line.startswith("| ")][2:]
    in_terminal = _terminal(120).splitlines()[-len(from_json) :]
    for number, row in enumerate(from_json):
        cells = [column.cell(Row(**row), TABLES[0]) for column in visible_columns(TABLES[0])]
        in_row = in_markdown[number].replace("\\", "").strip("| ").split(" | ")
        if "lost" not in row["solver"]:  # whose name holds the separator
            assert in_row == cells
        narrow = [
            cell for cell, column in zip(cells, visible_columns(TABLES[0]), strict=True) if not column.wide
        ]
        assert in_terminal[number].split() == " ".join(narrow).split()
        for key in (
            "mean_cost",
            "gap",
            "hit_ratio",
            "low_step_hit_share",
            "median_solve_s",
            "feasible_share",
        ):
            assert from_csv[number][key] == ("" if row[key] is None else repr(row[key]))
        for key in ("raw_rate", "raw_excess"):
            assert from_csv[number][f"{key}_steps"] == str(row[key].get("steps", ""))


def test_json_keeps_every_digit():
    """What is printed reads back as the very floats of the table."""
    rows = json.loads(render.as_json(TABLES))["tables"][0]["rows"]
    assert [row["mean_cost"] for row in rows] == [row.mean_cost for row in TABLES[0].rows]


def test_brackets_are_text_in_a_terminal():
    """Rich does not take a solver's parameters for its markup."""
    assert "genetic[population=50]" in _terminal(120)


def test_no_number_is_cut_in_a_narrow_terminal():
    """At 80 columns names may fold, numbers stand whole."""
    narrow = _terminal(80)
    assert max(map(len, narrow.splitlines())) <= 80
    for row in TABLES[0].rows:
        for column in visible_columns(TABLES[0]):
            if column.numeric and not column.wide:
                assert column.cell(row, TABLES[0]) in narrow


def test_markdown_escapes_what_names_may_hold():
    """A bar in a name does not open a cell, and a tag is not HTML."""
    assert "| lost\\|\\<b\\> | - |" in render.markdown(TABLES)


def test_latex_holds_the_cells_and_acts_on_none():
    """A row has the cells of the table, and percent signs, braces and brackets are text."""
    lines = render.latex(TABLES).splitlines()
    rows = lines[lines.index("\\midrule") + 1 : lines.index("\\bottomrule")]
    assert len(rows) == len(TABLES[0].rows)
    for line, row in zip(rows, TABLES[0].rows, strict=True):
        cells = [column.cell(row, TABLES[0]) for column in visible_columns(TABLES[0])]
        assert line.endswith(" \\\\")
        assert line.count(" & ") == len(cells) - 1
        assert "%" not in line.replace("\\%", "")
        plain = line.removesuffix(" \\\\").replace("\\%", "%").replace("{[}", "[").replace("{]}", "]")
        plain = plain.replace("\\textless{}", "<").replace("\\textgreater{}", ">")
        assert plain.split(" & ") == cells
    hostile = tables([record("a_b{c}\\d^e~f", "a", 1.0)])
    assert "a\\_b\\{c\\}\\textbackslash{}d\\textasciicircum{}e\\textasciitilde{}f" in render.latex(hostile)


def test_a_name_stays_on_one_line():
    """What is anybody's text cannot begin a line of the page."""
    assert escaped("a\n# b\t|") == "a \\# b \\|"
