"""Campaigns: done is done, in whatever order, and only what is asked for is repeated."""

from __future__ import annotations

import pytest
from bench_fixture import CLOUD_ONLY, file_entrant, on_linux, tiny_suite

from mincache.bench import campaign
from mincache.bench.campaign import Redo
from mincache.bench.executors import LocalExecutor
from mincache.bench.limits import Limits
from mincache.bench.plan import plan
from mincache.judging import journal

pytestmark = on_linux
RAISES = file_entrant("endings.py:Raises")
DECLINES = file_entrant("endings.py:Declines")
NO_REDO = Redo()


def do(folder, tasks, redo=NO_REDO):
    """Run a campaign; return the solvers that were run, in order of their records."""
    shown = []
    campaign.run(folder, tasks, LocalExecutor(2), redo, shown.append)
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
    assert campaign.pending(folder, tasks + more, NO_REDO) == more


def test_redo(done):
    """`failed` repeats what failed and not what declined; `all` repeats everything."""
    folder, tasks = done
    assert [task.cell.solver for task in campaign.pending(folder, tasks, Redo(failed=True))] == [RAISES.label]
    assert campaign.pending(folder, tasks, Redo(all=True)) == tasks
    assert do(folder, tasks, Redo(failed=True)) == [RAISES.label]
    assert len(journal.read(folder)) == 3


def test_interrupted_is_still_to_be_done(suite, tmp_path):
    """A run that was interrupted is recorded, and done when the campaign goes on."""
    tasks = plan(suite, [file_entrant("hangs.py:Sleeps"), CLOUD_ONLY], 1, Limits(wall_s=60.0))

    def interrupt(record):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        campaign.run(tmp_path, tasks, LocalExecutor(2), NO_REDO, interrupt)
    records = {record.cell.key: record for record in journal.read(tmp_path)}
    assert records[tasks[1].key].verdict == "verified"
    assert records.get(tasks[0].key) is None or not records[tasks[0].key].final
    assert campaign.pending(tmp_path, tasks, NO_REDO) == tasks[:1]


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
