"""Merging: the union of the parts, and their disagreements by name."""

from __future__ import annotations

import pytest
from journal_fixture import append, record

from mincache.bench import journal
from mincache.bench.merging import merge
from mincache.errors import DocumentError, InputError


def repetitions(folder):
    """Return the repetitions in a journal."""
    return sorted(one.cell.repetition for one in journal.read(folder))


def test_parts_make_the_whole(tmp_path):
    """Joined journals hold every run once, with its solution; joining again changes nothing."""
    append(tmp_path / "a", record(0), record(1))
    append(tmp_path / "b", record(2), record(1))
    for _ in range(2):
        assert merge([tmp_path / "a", tmp_path / "b"], tmp_path / "all") == []
        assert repetitions(tmp_path / "all") == [0, 1, 2]
    assert len(list(journal.attempts(tmp_path / "all"))) == 3
    assert len(list((tmp_path / "all/solutions").iterdir())) == 1


def test_disagreement_is_a_conflict(tmp_path):
    """Two final records of a run that differ are named, and the first is kept."""
    append(tmp_path / "a", record(0))
    append(tmp_path / "b", record(0, verdict="infeasible"), record(1))
    (conflict,) = merge([tmp_path / "a", tmp_path / "b"], tmp_path / "all")
    assert str(tmp_path / "b") in str(conflict)
    assert "infeasible" in str(conflict)
    assert [one.verdict for one in journal.read(tmp_path / "all")] == ["verified", "verified"]


def test_interrupted_gives_way(tmp_path):
    """A record of an interrupted run is no conflict, and gives way to a final one."""
    append(tmp_path / "a", record(0, stop_reason="interrupted", verdict="no solution"))
    append(tmp_path / "b", record(0))
    assert merge([tmp_path / "a", tmp_path / "b"], tmp_path / "all") == []
    assert [one.verdict for one in journal.read(tmp_path / "all")] == ["verified"]


def test_solutions_are_checked(tmp_path):
    """A solution that is missing, or not what its name says, is refused."""
    append(tmp_path / "a", record(0))
    (path,) = (tmp_path / "a/solutions").iterdir()
    path.write_bytes(b"")
    with pytest.raises((DocumentError, InputError)):
        merge([tmp_path / "a"], tmp_path / "all")
    path.unlink()
    with pytest.raises(InputError, match="must exist"):
        merge([tmp_path / "a"], tmp_path / "all")
    with pytest.raises(InputError, match="records"):
        merge([tmp_path / "none"], tmp_path / "all")
