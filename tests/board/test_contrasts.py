"""What suites tell apart, on hand-made records."""

import json

import pytest
from board_fixture import record, smoke_campaign, tables
from click.testing import CliRunner

from mincache.board.comparison import contrasts
from mincache.board.render import contrasts_markdown
from mincache.cli.leaderboard import leaderboard
from mincache.errors import InputError

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
    assert (plain.suite, plain.instances, plain.solvers, plain.swapped) == ("plain", 1, 3, ())
    assert plain.best == ("exact", 0.0)
    assert plain.worst == ("random", pytest.approx(0.3))
    assert (narrow.suite, narrow.solvers, narrow.pairs) == ("narrow", 4, 3)
    assert narrow.worst == ("greedy", pytest.approx(0.5))
    assert narrow.swapped == (("random", "greedy"),)


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
