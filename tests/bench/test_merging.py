"""Merging: the union of the parts, and their disagreements by name."""

from __future__ import annotations

import gzip

import pytest
from journal_fixture import append, record

from mincache.bench import campaign
from mincache.bench.merging import Merged, merge
from mincache.errors import InputError
from mincache.judging import journal

NOTHING = Merged([], [])


def repetitions(folder):
    """Return the repetitions in a journal."""
    return sorted(one.cell.repetition for one in journal.read(folder))


def test_parts_make_the_whole(tmp_path):
    """Joined journals hold every run once, with its solution; joining again changes nothing."""
    append(tmp_path / "a", record(0), record(1))
    append(tmp_path / "b", record(2), record(1))
    for _ in range(2):
        assert merge([tmp_path / "a", tmp_path / "b"], tmp_path / "all") == NOTHING
        assert repetitions(tmp_path / "all") == [0, 1, 2]
    assert len(list(journal.attempts(tmp_path / "all"))) == 3
    assert len(list((tmp_path / "all/solutions").iterdir())) == 1


def test_disagreement_is_a_conflict(tmp_path):
    """Two final records of a run that differ are named, and the first is kept."""
    append(tmp_path / "a", record(0))
    append(tmp_path / "b", record(0, verdict="infeasible"), record(1))
    (conflict,) = merge([tmp_path / "a", tmp_path / "b"], tmp_path / "all").conflicts
    assert str(tmp_path / "b") in str(conflict)
    assert "infeasible" in str(conflict)
    assert [one.verdict for one in journal.read(tmp_path / "all")] == ["verified", "verified"]


def test_interrupted_gives_way(tmp_path):
    """A record of an interrupted run is no conflict, and gives way to a final one."""
    append(tmp_path / "a", record(0, stop_reason="interrupted", verdict="no solution"))
    append(tmp_path / "b", record(0))
    assert merge([tmp_path / "a", tmp_path / "b"], tmp_path / "all") == NOTHING
    assert [one.verdict for one in journal.read(tmp_path / "all")] == ["verified"]


@pytest.mark.parametrize("damage", ["empty", "torn", "another", "missing"])
def test_a_damaged_solution_leaves_one_record_out(tmp_path, damage):
    """A solution that is missing or not what its name says is named with its path; the rest is joined."""
    append(tmp_path / "a", record(0))
    append(tmp_path / "b", record(1))
    (path,) = (tmp_path / "a/solutions").iterdir()
    other = {"empty": b"", "torn": path.read_bytes()[:50], "another": gzip.compress(b"{}"), "missing": None}
    path.unlink() if other[damage] is None else path.write_bytes(other[damage])
    merged = merge([tmp_path / "a", tmp_path / "b"], tmp_path / "all")
    assert repetitions(tmp_path / "all") == [1]
    (line,) = merged.damaged
    assert str(path) in line
    assert "x tiny #0 is left out" in line


def test_plans_are_joined(tmp_path):
    """The joined folder knows what was planned in each part, and of the whole campaign what no part ran."""
    append(tmp_path / "a", record(0))
    append(tmp_path / "b", record(1))
    campaign.note_plan(tmp_path / "a", {"k0": "x"}, whole={"k0": "x", "k1": "x", "k2": "y"})
    campaign.note_plan(tmp_path / "b", {"k1": "x"})
    merge([tmp_path / "a", tmp_path / "b"], tmp_path / "all")
    assert campaign.planned(tmp_path / "a") == {"k0": "x"}
    assert campaign.planned(tmp_path / "all") == {"k0": "x", "k1": "x", "k2": "y"}


def test_no_journal_is_refused(tmp_path):
    """A folder without records is no part of a campaign."""
    with pytest.raises(InputError, match="records"):
        merge([tmp_path / "none"], tmp_path / "all")
