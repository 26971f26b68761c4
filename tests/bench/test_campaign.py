"""Campaigns: done is done, in whatever order, and only what is asked for is repeated."""

from __future__ import annotations

import gzip

import pytest
from bench_fixture import CLOUD_ONLY, file_entrant, on_linux, tiny_suite
from journal_fixture import append, record

from mincache.bench import campaign
from mincache.bench.executors import LocalExecutor
from mincache.bench.limits import Limits
from mincache.bench.plan import plan
from mincache.errors import InputError
from mincache.judging import journal

pytestmark = on_linux
RAISES = file_entrant("endings.py:Raises")
DECLINES = file_entrant("endings.py:Declines")


def do(folder, tasks, redo=""):
    """Run a campaign; return the solvers that were run, in order of their records."""
    shown = []
    campaign.run(folder, tasks, LocalExecutor(2), shown.append, redo)
    return sorted(record.cell.solver for record in shown)


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    """A suite of one instance."""
    return tiny_suite(tmp_path_factory.mktemp("suite"), traces=1)


@pytest.fixture(scope="module")
def done(suite, tmp_path_factory):
    """A campaign that was run: one verified, one failed, one declined."""
    folder = tmp_path_factory.mktemp("results") / "deep" / "folder"
    tasks = plan(suite, [CLOUD_ONLY, RAISES, DECLINES], 1, Limits(wall_s=30.0))
    assert do(folder, tasks) == sorted(task.cell.solver for task in tasks)
    return folder, tasks


def test_done_is_not_repeated(done):
    """Repeating a campaign runs nothing, whatever the order of its tasks."""
    folder, tasks = done
    assert do(folder, tasks[::-1]) == []
    assert len(list(journal.attempts(folder))) >= 3


def test_new_tasks_alone_are_run(done, suite):
    """A campaign with more in it runs what is new; another limit is another run."""
    folder, tasks = done
    more = plan(suite, [CLOUD_ONLY], 1, Limits(wall_s=31.0))
    assert campaign.pending(folder, tasks + more) == more


def test_redo(done):
    """`failed` repeats what failed and not what declined; `all` repeats everything."""
    folder, tasks = done
    assert [task.cell.solver for task in campaign.pending(folder, tasks, "failed")] == [RAISES.label]
    assert campaign.pending(folder, tasks, "all") == tasks
    assert do(folder, tasks, "failed") == [RAISES.label]
    assert len(journal.read(folder)) == 3


def test_interrupted_is_still_to_be_done(suite, tmp_path):
    """A run that was interrupted is recorded, and done when the campaign goes on."""
    tasks = plan(suite, [file_entrant("hangs.py:Sleeps"), CLOUD_ONLY], 1, Limits(wall_s=60.0))

    def interrupt(record):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        campaign.run(tmp_path, tasks, LocalExecutor(2), interrupt)
    records = {record.cell.key: record for record in journal.read(tmp_path)}
    assert records[tasks[1].key].verdict == "verified"
    assert records.get(tasks[0].key) is None or not records[tasks[0].key].final
    assert campaign.pending(tmp_path, tasks) == tasks[:1]


def test_plan_is_noted(done):
    """The folder tells which cells were planned, and for which solver."""
    folder, tasks = done
    assert campaign.planned(folder) == {task.key: task.cell.solver for task in tasks}
    assert campaign.planned(folder / "none") == {}


def test_outcomes_are_counted_by_solver(done):
    """The summary counts verdicts, and what stopped the failed ones."""
    folder, _ = done
    counts = campaign.outcomes(journal.read(folder))
    assert {solver: dict(count) for solver, count in counts.items()} == {
        "cloud-only": {"verified": 1},
        RAISES.label: {"no solution (exception)": 1},
        DECLINES.label: {"skipped": 1},
    }


def repetitions(folder):
    """Return the repetitions in a journal."""
    return sorted(one.cell.repetition for one in journal.read(folder))


def test_parts_make_the_whole(tmp_path):
    """Joined journals hold every run once, with its solution; joining again changes nothing."""
    append(tmp_path / "a", record(0), record(1))
    append(tmp_path / "b", record(2), record(1))
    for _ in range(2):
        assert campaign.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "all") == ([], [])
        assert repetitions(tmp_path / "all") == [0, 1, 2]
    assert len(list(journal.attempts(tmp_path / "all"))) == 3
    assert len(list((tmp_path / "all/solutions").iterdir())) == 1


@pytest.mark.parametrize(("factor", "conflicts"), [(1.0, 0), (1 + 1e-12, 0), (1 + 1e-6, 1), (0.1, 1)])
def test_another_cost_of_the_same_answer_is_a_conflict(factor, conflicts, tmp_path):
    """One answer has one cost but for the last digits; otherwise one of two records is wrong."""
    score = record(0).score
    append(tmp_path / "a", record(0))
    append(tmp_path / "b", record(0, score=score.model_copy(update={"cost": score.cost * factor})))
    found, _ = campaign.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "all")
    assert len(found) == conflicts


def test_disagreement_is_a_conflict(tmp_path):
    """Two final records of a run that differ are named, and the first is kept."""
    append(tmp_path / "a", record(0))
    append(tmp_path / "b", record(0, verdict="infeasible"), record(1))
    (conflict,), _ = campaign.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "all")
    assert str(tmp_path / "b") in conflict
    assert "infeasible" in conflict
    assert [one.verdict for one in journal.read(tmp_path / "all")] == ["verified", "verified"]


def test_interrupted_gives_way(tmp_path):
    """A record of an interrupted run is no conflict, and gives way to a final one."""
    append(tmp_path / "a", record(0, stop_reason="interrupted", verdict="no solution"))
    append(tmp_path / "b", record(0))
    assert campaign.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "all") == ([], [])
    assert [one.verdict for one in journal.read(tmp_path / "all")] == ["verified"]


@pytest.mark.parametrize("damage", ["empty", "torn", "another", "missing"])
def test_a_damaged_solution_leaves_one_record_out(tmp_path, damage):
    """A solution that is missing or not what its name says is named with its path; the rest is joined."""
    append(tmp_path / "a", record(0))
    append(tmp_path / "b", record(1))
    (path,) = (tmp_path / "a/solutions").iterdir()
    other = {"empty": b"", "torn": path.read_bytes()[:50], "another": gzip.compress(b"{}"), "missing": None}
    path.unlink() if other[damage] is None else path.write_bytes(other[damage])
    _, (line,) = campaign.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "all")
    assert repetitions(tmp_path / "all") == [1]
    assert str(path) in line
    assert "x tiny #0 is left out" in line


def test_plans_are_joined(tmp_path):
    """The joined folder knows what was planned in each part, and of the whole campaign what no part ran."""
    append(tmp_path / "a", record(0))
    append(tmp_path / "b", record(1))
    campaign.note_plan(tmp_path / "a", {"k0": "x"}, whole={"k0": "x", "k1": "x", "k2": "y"})
    campaign.note_plan(tmp_path / "b", {"k1": "x"})
    campaign.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "all")
    assert campaign.planned(tmp_path / "a") == {"k0": "x"}
    assert campaign.planned(tmp_path / "all") == {"k0": "x", "k1": "x", "k2": "y"}


def test_no_journal_is_refused(tmp_path):
    """A folder without records is no part of a campaign."""
    with pytest.raises(InputError, match="records"):
        campaign.merge([tmp_path / "none"], tmp_path / "all")
