"""A campaign on the terminal: a line a run outside a terminal, a bar inside one."""

from __future__ import annotations

from pathlib import Path

from bench_fixture import on_linux
from journal_fixture import record
from pty_fixture import in_a_terminal

from mincache.cli.summary import Progress, line

TESTS = str(Path(__file__).parents[1])


def test_a_line_a_run(capsys):
    """Outside a terminal each record is one numbered line."""
    with Progress(total=5) as progress:
        progress.begin(2, 0)
        progress.add(record(0))
        progress.add(record(1, verdict="infeasible", reason="storage broken in 2 slots"))
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("[4/5] x tiny #0 verified cost ")
    assert second.startswith("[5/5] x tiny #1 infeasible")
    assert second.endswith(": storage broken in 2 slots")


def test_a_line_is_printable(capsys):
    """What a solver says cannot reach the terminal as anything but text."""
    with Progress(total=1) as progress:
        progress.add(record(0, verdict="no solution", reason="\x1b[31m\u202e\0"))
    assert capsys.readouterr().out.endswith(": \\x1b[31m\\u202e\\x00\n")


def test_line_names_what_stopped_a_run():
    """A run that a limit ended says so, verified or not."""
    text = line(record(3, stop_reason="wall", reason="solve had not returned after 1 s"))
    assert text.endswith("wall: solve had not returned after 1 s")


IN_A_TERMINAL = """
import sys
sys.path.insert(0, {tests!r})
from journal_fixture import record
from pty_fixture import in_a_terminal
from mincache.cli.summary import Progress
with Progress(total=3) as progress:
    progress.begin(3, 0)
    for number in range(3):
        progress.add(record(number, verdict="infeasible"))
"""


@on_linux
def test_a_bar_in_a_terminal():
    """In a terminal a bar counts runs and failures, and no run has a line of its own."""
    shown, printed = in_a_terminal("-c", IN_A_TERMINAL.format(tests=TESTS))
    assert "3/3" in shown
    assert "3 failed" in shown
    assert printed == ""
