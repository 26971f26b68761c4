from dataclasses import replace

from board_fixture import record, tables

from mincache.board.notes import notes
from mincache.board.table import Table
from mincache.generation.recipes import Reference


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
