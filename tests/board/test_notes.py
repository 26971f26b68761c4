from dataclasses import replace

from board_fixture import record, tables

from mincache.board.notes import notes
from mincache.board.references import Reference
from mincache.board.standing import standings
from mincache.board.table import Table


def _notes(records):
    (table,) = tables(records)
    return " ".join(notes(table))


def _notes_against(references, records):
    (standing,) = standings(records)
    return " ".join(notes(Table(replace(standing, references=references))))


def test_the_notes_say_over_how_many_instances():
    """The scope of the means, and who limits it, are in words."""
    said = _notes([record("x", "a", 1.0), record("x", "b", 1.0), record("y", "b", 2.0)])
    assert "Means are over the 1 of 2 instances with a verified solution of all 2 solvers ranked." in said
    assert "y covers 1 and limits them" in said


def test_the_notes_say_who_stands_apart_and_who_declined():
    """What was done about a solver that covers nothing is said."""
    said = _notes([record("x", "a", 1.0), record("y", "a", verdict="skipped")])
    assert "y is set apart: no verified solution." in said
    assert "y declined 1 of 1 runs." in said


def test_the_notes_say_what_gaps_are_to():
    """Without a suite's values the best of the records is the reference, and that is said."""
    assert "the best verified cost among these records" in _notes([record("x", "a", 1.0)])
    assert "no means" in _notes([record("x", "a", stop_reason="crash")])


def test_a_better_cost_and_an_impossible_one_are_announced():
    """A cost below the best known is news; one below the proven bound is an alarm."""
    pinned = {"a": Reference(10.0, 9.0), "b": Reference(10.0, 9.0)}
    records = [record("x", "a", 9.5), record("x", "b", 8.0)]
    said = _notes_against(pinned, records)
    assert "Gaps are to the suite's best known costs (not all proven optimal)." in said
    assert "A verified cost is below the best known on a, b; the suite's value stands." in said
    assert "A verified cost is below a proven bound on b: one of the two is wrong." in said


def test_rounding_is_no_news():
    """A cost below the best known by the last digits alone is the same cost."""
    pinned = {"a": Reference(10.0, 10.0)}
    assert "below" not in _notes_against(pinned, [record("x", "a", 10.0 * (1 - 1e-12))])
