"""The terminal shows any text as it is, and nothing in it acts."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bench_fixture import on_linux
from board_fixture import record, tables
from command_fixture import here
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pty_fixture import in_a_terminal
from rich.cells import cell_len

from mincache.board.columns import visible_columns
from mincache.cli import leaderboard
from mincache.cli.terminal import Styled, TerminalTable, printable, show, tracked, waiting

PACKAGE = Path(__file__).parents[2] / "mincache"
ANY_TEXT = st.text(max_size=60) | st.text(
    st.sampled_from("[]/\\a \n\x1b\u202e\u0301\u65e5\x07:smile"), max_size=60
)


def printed(capsys, *shown, width=None):
    """Return what is printed of tables."""
    show(*shown, width=width)
    return capsys.readouterr().out


def squeezed(text):
    """Return text without blanks, which folding may add or take."""
    return "".join(text.split())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_any_text_is_shown_as_it_is(capsys, title, cell, caption):
    """Brackets, wide and combining characters survive in every place; what is not printable has a code."""
    capsys.readouterr()
    shown = printed(capsys, TerminalTable({"heading": "l"}, [[cell]], title, caption))
    assert squeezed(shown).replace("\u2500", "") == squeezed(
        printable(title) + "heading" + printable(cell).replace("\u2500", "") + printable(caption)
    ).replace("\u2500", "")
    assert all(c.isprintable() or c == "\n" for c in shown)


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=14)
CELLS = {
    "l": WORDS,
    "r": st.floats(-1e6, 1e6).map("{:.4f}".format) | st.integers(0, 10**9).map(str),
    "t": st.lists(WORDS, max_size=9).map(" ".join),
}


@st.composite
def any_tables(draw):
    """A table of a name and up to nine columns of names, numbers and text."""
    sides = "l" + draw(st.text("lrt", max_size=9))
    columns = {f"title-{n}": side for n, side in enumerate(sides)}
    rows = draw(st.lists(st.tuples(*map(CELLS.get, sides)), max_size=4))
    return TerminalTable(columns, rows, more="--csv")


def kept(table, shown):
    """Return how many of a table's columns are shown; the others must be named below it."""
    below = shown.partition("left out: ")[2].split("; see")[0].replace("\n", " ")
    left_out = [title for title in below.split(", ") if title]
    count = len(table.columns) - len(left_out)
    assert left_out == list(table.columns)[count:]
    return count


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(any_tables(), st.integers(30, 160))
def test_no_name_or_number_is_cropped_or_broken_at_any_width(capsys, table, width):
    """Whatever the width, each word of each column shown stands whole, and the others are named."""
    capsys.readouterr()
    shown = printed(capsys, table, width=width)
    body = shown.partition("left out: ")[0]
    count = kept(table, shown)
    for row in table.rows:
        for cell, side in zip(row[:count], table.columns.values(), strict=False):
            assert all(word in body for word in ([cell] if side != "t" else cell.split()))
    assert ("--csv" in shown) == (count < len(table.columns))
    if count > 1:
        assert max(map(cell_len, body.splitlines())) <= width


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(any_tables(), st.integers(30, 160))
def test_a_wider_terminal_shows_no_less(capsys, table, width):
    """A wider terminal leaves out no more columns; one as wide as the line says shows all."""
    capsys.readouterr()
    narrow, wide = (printed(capsys, table, width=one) for one in (width, width + 1))
    assert kept(table, narrow) <= kept(table, wide)
    if "left out" in narrow:
        needed = int(narrow.replace("\n", " ").partition("a terminal ")[2].split()[0])
        assert needed > width
        assert "left out" not in printed(capsys, table, width=needed)


LEADERBOARD = """
import sys
sys.path.insert(0, {tests!r})
from board_fixture import record, tables
from mincache.cli import leaderboard
sys.stdout = sys.stderr  # the terminal
(table,) = tables([record("genetic[population=50]", "a", 12.3456), record("[/foo]", "a", 11.0)])
leaderboard._show(table)
"""


@on_linux
@pytest.mark.parametrize("columns", [30, 45, 60, 79, 80, 120, 200])
def test_the_ranking_in_a_terminal_of_any_width(columns):
    """In a real terminal each solver keeps its name on one line, and a line tells what is left out."""
    code = LEADERBOARD.format(tests=str(Path(__file__).parents[1]))
    shown, _ = in_a_terminal("-c", code, columns=columns)
    assert "genetic[population=50]" in shown
    assert ("12.346" in shown) == (columns > 30)  # ranks stand before costs
    assert "\u2026" not in shown
    assert ("left out" in shown) == (columns < 120)


def test_printable_text_stays_and_lines_too():
    """An escape sequence, a bell and a mark that turns the line about are codes; all else is as it was."""
    assert printable("[/foo] e\u0301 \u65e5\nb") == "[/foo] e\u0301 \u65e5\nb"
    assert printable("\x1b[31m\a\u202e\udcff") == "\\x1b[31m\\x07\\u202e\\udcff"


def test_a_style_is_no_text(capsys):
    """Outside a terminal a styled cell is its text."""
    assert "installed" in printed(capsys, TerminalTable({"": "l"}, [[Styled("installed", "green")]]))


def test_no_other_module_draws():
    """No module but that of the terminal imports rich."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            drawing = [name for name in names if name.partition(".")[0] == "rich"]
            assert not drawing or path.name == "terminal.py", path


def test_the_ranking_shows_names_and_whole_numbers(capsys):
    """A solver's parameters are no markup; each cell of a file is whole."""
    (table,) = tables([record("genetic[population=50]", "a", 12.3456), record("[/foo]", "a", 11.0)])
    leaderboard._show(table)
    shown = capsys.readouterr().out
    assert "genetic[population=50]" in shown
    assert "[/foo]" in shown
    for row in table.rows:
        for column in visible_columns(table):
            assert column.text(row) in shown


@pytest.mark.parametrize("purpose", ["[/foo] [bold", "in [dB], of genetic[population=10]"])
def test_a_purpose_with_brackets_is_shown(tmp_path, purpose):
    """A suite's purpose that looks like markup is shown by `instances show` as it stands."""
    suite = tmp_path / "s"
    made = here("generate", "--users", "3", "--seed", "7", "--purpose", purpose, "-o", suite)
    assert made.returncode == 0, made.stderr
    done = here("instances", "show", suite)
    assert done.returncode == 0, done.stderr
    assert purpose in done.stdout


def mincache(*arguments, **environment):
    """Run a command in a process of its own."""
    command = [sys.executable, "-m", "mincache.cli.main", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment or None)


def test_what_an_encoding_lacks_is_shown_by_its_code(tmp_path):
    """A terminal that knows ASCII alone gets the codes of other characters, no traceback."""
    purpose = "caf\u00e9 \u65e5"
    here("generate", "--users", "3", "--seed", "7", "--purpose", purpose, "-o", tmp_path / "s")
    done = mincache(
        "instances", "show", tmp_path / "s", PYTHONIOENCODING="ascii", PATH=shutil.os.environ["PATH"]
    )
    assert done.returncode == 0, done.stderr
    assert "caf\\xe9 \\u65e5" in done.stdout


def test_nothing_is_shown_outside_a_terminal(capfd):
    """Into a file or a pipe neither a text that something goes on nor a bar is written."""
    with waiting("solving"):
        assert list(tracked("abc", "verifying", total=3)) == ["a", "b", "c"]
    assert capfd.readouterr() == ("", "")


@on_linux
def test_what_goes_on_is_shown_in_a_terminal():
    """In a terminal `mincache instances verify` shows a bar on standard error; the answer stays apart."""
    shown, printed = in_a_terminal("-m", "mincache.cli.main", "instances", "verify", "smoke-v1")
    assert "verifying smoke-v1" in shown
    assert printed == "smoke-v1: 4 of 4 files are as their recipe draws them\n"
