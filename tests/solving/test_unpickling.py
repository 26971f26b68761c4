"""Pickles that a run reads are named in its record and beside its row."""

import pytest
from bench_fixture import CLOUD_ONLY, file_entrant, job_of, on_linux, tiny_tasks

from mincache.bench import campaign
from mincache.bench.executors import LocalExecutor
from mincache.bench.supervisor import Supervisor
from mincache.board import render
from mincache.board.runs import gather
from mincache.board.table import Table

pytestmark = on_linux


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """What a keeper saw of a run of each way to read."""
    task = tiny_tasks(tmp_path_factory.mktemp("suite"))[0]

    def read(way):
        job = job_of(task, solver=file_entrant(f"pickles.py:Reads[way={way}]").spec, contents=())
        return keeper.run(job, task.limits, task.read())

    with Supervisor(pin=False) as keeper:
        yield read


@pytest.mark.parametrize(
    ("way", "packages"),
    [
        ("pickle", ("fractions",)),
        ("in-python", ("fractions",)),
        ("objects", ("fractions", "numpy")),
        ("numbers", ()),
        ("pool", ()),
        ("copy", ()),
    ],
)
def test_packages_of_classes_from_pickles_are_named(runs, way, packages):
    """Reading a class out of a pickle is told; numbers, copies and one's own processes are none."""
    outcome = runs(way)
    assert outcome.payload, outcome.output
    assert set(outcome.pickled_modules) == set(packages)


def test_a_row_that_reads_pickles_is_marked(tmp_path):
    """The notes of a table name it and the packages; a row that reads none is not named."""
    entrant, records = file_entrant("pickles.py:Reads"), []
    tasks = tiny_tasks(tmp_path, CLOUD_ONLY, entrant, traces=1)
    campaign.run(tmp_path / "results", tasks, LocalExecutor(1), records.append)
    (table,) = map(Table, gather(records))
    marked = [note for note in render.notes(table) if "pickles" in note.partition("reads")[2]]
    assert marked == ["pickles.py:Reads reads pickles, which may run any code (fractions)."]
