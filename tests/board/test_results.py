import random

import pytest
from board_fixture import record

from mincache.bench.journal import line_of
from mincache.board.contenders import contender, labels
from mincache.board.results import by_suite, chosen, read_campaigns
from mincache.errors import InputError


def test_the_last_attempt_at_a_cell_counts():
    """A crash that was run again leaves the second attempt alone."""
    first = record("genetic", "a", stop_reason="crash")
    second = record("genetic", "a", 11.0)
    results = by_suite([first, second])["hand-made"]
    assert [r for runs in results.values() for r in runs["a"]] == [second]


def test_a_later_failure_replaces_an_earlier_success():
    """No attempt is preferred for having gone well."""
    results = by_suite([record("genetic", "a", 11.0), record("genetic", "a", stop_reason="crash")])
    (runs,) = results["hand-made"].values()
    assert runs["a"][0].stop_reason == "crash"


def test_the_order_of_the_records_does_not_show():
    """Shuffled records of different cells give the same results in the same order."""
    records = [record(s, i, 1.0, k, wall_s=w) for s in "xy" for i in "ab" for k in (0, 1) for w in (None, 5)]
    records += [record("x", "a", 1.0, suite="another")]
    shuffled = random.Random(3).sample(records, len(records))
    first, second = by_suite(records), by_suite(shuffled)
    assert repr(first) == repr(second)
    assert list(first) == ["another", "hand-made"]


def test_choosing_knows_labels_and_names():
    """A row is chosen by its solver's name, or by the solver as written."""
    results = by_suite([record("genetic[population=5]", "a", 1.0), record("exact", "a", 1.0)])["hand-made"]
    for name in ("genetic", "genetic[population=5]"):
        (who,) = chosen(results, [name], labels(results))
        assert who == contender(record("genetic[population=5]", "a").cell)
    assert chosen(results, [], labels(results)) == results


def test_choosing_an_unknown_solver_is_refused():
    """The refusal lists what there is."""
    results = by_suite([record("exact", "a", 1.0)])["hand-made"]
    with pytest.raises(InputError, match="solvers: must be among exact; received 'exalt'"):
        chosen(results, ["exalt"], labels(results))


def test_damaged_lines_are_passed_over_and_told(tmp_path):
    """Of three lines, one cut off and one altered, the whole one is read and the others are counted."""
    whole, other = line_of(record("exact", "a", 1.0)), line_of(record("exact", "b", 1.0))
    (tmp_path / "records.jsonl").write_bytes(whole + other[:-9] + b"\n" + other.replace(b"exact", b"exalt"))
    told = []
    assert [r.cell.instance for r in read_campaigns([tmp_path], told.append)] == ["a"]
    assert told == [f"{tmp_path}: 2 damaged lines passed over."]


def test_nothing_is_told_of_a_whole_campaign(tmp_path):
    """Without damage there is no warning."""
    (tmp_path / "records.jsonl").write_bytes(line_of(record("exact", "a", 1.0)))
    told = []
    read_campaigns([tmp_path], told.append)
    assert told == []
