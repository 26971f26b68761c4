import csv
import io
import json
import re
from dataclasses import replace

from board_fixture import raw_score, record, tables
from hypothesis import given
from hypothesis import strategies as st

from mincache.board import render
from mincache.board.columns import visible_columns
from mincache.board.render import escaped, notes
from mincache.board.table import Table
from mincache.generation.recipes import Reference

RECORDS = [
    record("best", "a", 10.0, hit_ratio=0.5, low=0.5, solve_s=0.123456),
    record("best", "b", 20.0, hit_ratio=0.25, low=1.0, solve_s=2.0, raw=raw_score(1.5, steps=(0.125, 0.3))),
    record("genetic[population=50]", "a", 12.3456789, hit_ratio=0.4, low=0.1, solve_s=7.0),
    record("genetic[population=50]", "b", 21.0, hit_ratio=0.4, low=0.1, solve_s=7.0),
    record("genetic[population=50]", "b", None, 1, stop_reason="crash"),
    record("lost|<b>", "a", stop_reason="wall"),
]
TABLES = tables(RECORDS)


def test_all_renderings_agree():
    """JSON and CSV hold the same numbers, and Markdown shows them, rounded."""
    from_json = json.loads(render.as_json(TABLES))["tables"][0]["rows"]
    from_csv = list(csv.DictReader(io.StringIO(render.as_csv(TABLES))))
    in_markdown = [line for line in render.markdown(TABLES).splitlines() if line.startswith("| ")][2:]
    for number, row in enumerate(from_json):
        cells = [column.text(TABLES[0].rows[number]) for column in visible_columns(TABLES[0])]
        in_row = in_markdown[number].replace("\\", "").strip("| ").split(" | ")
        if "lost" not in row["solver"]:  # whose name holds the separator
            assert in_row == cells
        for key in (
            "mean_cost",
            "gap",
            "hit_ratio",
            "low_step_hit_share",
            "median_solve_s",
            "feasible_share",
        ):
            assert from_csv[number][key] == ("" if row[key] is None else repr(row[key]))
        assert set(row) - set(from_csv[number]) == {"raw_rate", "raw_excess"}


def test_json_keeps_every_digit():
    """What is printed reads back as the very floats of the table."""
    rows = json.loads(render.as_json(TABLES))["tables"][0]["rows"]
    assert [row["mean_cost"] for row in rows] == [row.mean("charged_cost") for row in TABLES[0].rows]


def test_markdown_escapes_what_names_may_hold():
    """A bar in a name does not open a cell, and a tag is not HTML."""
    assert "| lost\\|\\<b\\> |" in render.markdown(TABLES)


def test_latex_holds_the_cells_and_acts_on_none():
    """A row has the cells of the table, and percent signs, braces and brackets are text."""
    lines = render.latex(TABLES).splitlines()
    rows = lines[lines.index("\\midrule") + 1 : lines.index("\\bottomrule")]
    assert len(rows) == len(TABLES[0].rows)
    for line, row in zip(rows, TABLES[0].rows, strict=True):
        cells = [column.text(row) for column in visible_columns(TABLES[0])]
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


def test_a_spreadsheet_takes_no_name_for_a_formula():
    """Text that begins as a formula is marked as text; numbers below zero stay numbers."""
    hostile = tables([record("=HYPERLINK(1)", "a", -1.0)])
    (row,) = csv.DictReader(io.StringIO(render.as_csv(hostile)))
    assert row["solver"] == "'=HYPERLINK(1)"
    assert float(row["mean_cost"]) == -1.0


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_stays_in_its_place(solver, note):
    """Whatever a solver and a remark hold, the renderings have the rows and lines of harmless ones."""
    (plain,), (odd,) = (tables([record(name, "a", 1.0)]) for name in ("plain", solver))
    plain, odd = replace(plain, remarks=("plain",)), replace(odd, remarks=(note,))
    for rendered in (render.markdown, render.latex):
        assert len(rendered([odd]).split("\n")) == len(rendered([plain]).split("\n"))
    line = render.markdown([odd]).split("\n")[4]
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == len(visible_columns(odd)) + 1
    (row,) = csv.DictReader(io.StringIO(render.as_csv([odd])))
    assert row["solver"].removeprefix("'") == odd.rows[0].solver.removeprefix("'")
    assert json.loads(render.as_json([odd]))["tables"][0]["rows"][0]["solver"] == odd.rows[0].solver


def _notes(records):
    (table,) = tables(records)
    return " ".join(notes(table))


def _notes_against(references, records):
    (table,) = tables(records)
    return " ".join(notes(Table(replace(table.runs, references=references))))


def test_the_notes_say_over_how_many_instances():
    """The scope of the means, and who is not ranked, are in words."""
    said = _notes([record("x", "a", 1.0), record("x", "b", 1.0), record("y", "b", 2.0)])
    assert "Means are over all 2 instances; 1 of 2 rows are ranked." in said
    assert "y is not ranked: attempted 1 of 2 instances." in said


def test_the_notes_say_what_was_charged():
    """Failed and declined runs are counted, with what they count as."""
    said = _notes([record("x", "a", 1.0), record("y", "a", verdict="skipped")])
    assert "y failed or declined 1 of 1 runs; each counts as caching nothing and as 10 time limits." in said


def test_the_notes_say_what_gaps_are_to():
    """Without a suite's values the best of the records is the reference, and that is said."""
    assert "the best verified cost among these records" in _notes([record("x", "a", 1.0)])


def test_the_notes_say_what_cannot_be_told():
    """Of records whose suite is not at hand nothing is said of new libraries."""
    assert "For new libraries: cannot tell (the suite is not at hand" in _notes([record("x", "a", 1.0)])


def test_unequal_machines_are_told_of():
    """A machine that takes twice as long as the usual one is named, one a tenth slower is not."""
    runs = [
        record(name, "a", 1.0).model_copy(update={"environment": {"reference_s": s}})
        for name, s in (("x", 0.004), ("y", 0.0044), ("z", 0.0096))
    ]
    said = _notes(runs)
    assert "against the usual time, z 2.2 times" in said
    assert "y 1.1" not in said


def test_a_better_cost_and_an_impossible_one_are_announced():
    """A cost below the best known is news; one below the proven bound is an alarm."""
    pinned = {"a": Reference(10.0, 9.0), "b": Reference(10.0, 9.0)}
    records = [record("x", "a", 9.5), record("x", "b", 8.0)]
    said = _notes_against(pinned, records)
    assert "Gaps are to the suite's best known costs (0 of 2 proven optimal)." in said
    assert "A verified cost is below the best known on a, b; the suite's value stands." in said
    assert "A verified cost is below a proven bound on b: one of the two is wrong." in said


def test_rounding_is_no_news():
    """A cost below the best known by the last digits alone is the same cost."""
    pinned = {"a": Reference(10.0, 10.0)}
    assert "below" not in _notes_against(pinned, [record("x", "a", 10.0 * (1 - 1e-12))])
