"""Plans: every cell once, known by what it is."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from bench_fixture import CLOUD_ONLY, tiny_suite
from hypothesis import given
from hypothesis import strategies as st

from mincache.bench.limits import Limits
from mincache.bench.plan import plan, shard
from mincache.errors import DocumentError, InputError
from mincache.files.documents import digest
from mincache.judging.records import Cell

STOCHASTIC = replace(CLOUD_ONLY, target="dice", spec="dice", name="dice", label="dice", stochastic=True)
LIMITS = Limits(wall_s=5.0)


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    """A suite of two instances."""
    return tiny_suite(tmp_path_factory.mktemp("suite"))


def test_deterministic_solvers_run_once(suite):
    """Repetitions are for solvers that use randomness."""
    tasks = plan(suite, [CLOUD_ONLY, STOCHASTIC], 3, LIMITS)
    counts = [(task.cell.solver, task.cell.instance, task.cell.repetition) for task in tasks]
    names = list(suite.entries)
    assert counts == [
        row for name in names for row in [("cloud-only", name, 0)] + [("dice", name, k) for k in range(3)]
    ]


@pytest.mark.parametrize(
    ("entrant", "seeds"), [(STOCHASTIC, 10**9), (replace(CLOUD_ONLY, training_seeds=10**12), 1)]
)
def test_a_campaign_that_no_machine_can_hold_is_refused(suite, entrant, seeds):
    """Too many repetitions are refused at once, whoever asks for them."""
    with pytest.raises(InputError, match="must have at most 1000000 runs"):
        plan(suite, [entrant], seeds, LIMITS)


def test_stream_is_the_same_for_every_solver(suite):
    """The random stream is named by seed, suite, instance and repetition, not by the solver."""
    other = replace(STOCHASTIC, name="other", label="other", source="1")
    streams = [
        [task.cell.stream for task in plan(suite, [one], 2, LIMITS, seed=4)] for one in (STOCHASTIC, other)
    ]
    assert streams[0] == streams[1]
    assert streams[0][1] == (4, "tiny", next(iter(suite.entries)), 1)


def test_same_solver_twice_is_planned_once(suite):
    """A solver given twice is run once."""
    assert len(plan(suite, [CLOUD_ONLY, CLOUD_ONLY], 1, LIMITS)) == 2


def test_two_solvers_of_one_name_are_refused(suite):
    """Two files that tables could not tell apart are refused."""
    with pytest.raises(InputError, match="rename"):
        plan(suite, [CLOUD_ONLY, replace(CLOUD_ONLY, source="other")], 1, LIMITS)


CHANGES = [
    {"suite": "b"}, {"instance": "b"}, {"instance_sha256": "b"}, {"solver_name": "b"}, {"solver_source": "b"},
    {"solver_files": "b"}, {"solver_modules": "b"}, {"libraries": {"numpy": "2"}},
    {"solver_version": "b"}, {"parameters": {"a": 1}}, {"repetition": 1}, {"seed": 1}, {"wall_s": 1.0},
    {"cpu_s": 1.0}, {"memory_bytes": 1}, {"evaluations": 1}, {"threads": 2}, {"evaluator_version": "b"},
]  # fmt: skip
CELL = Cell(
    suite="a", instance="a", instance_sha256="a", solver="a", solver_name="a", solver_source="a", repetition=0
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_key_depends_on_everything_but_spelling(change):
    """A change of anything that makes a run what it is changes its key; that of its label does not."""
    assert CELL.model_copy(update=change).key != CELL.key
    assert CELL.model_copy(update={"solver": "spelled otherwise"}).key == CELL.key


def test_a_key_without_later_fields_is_as_it_was():
    """Records made before a field came keep the keys that they had."""
    later = ("solver", "solver_files", "solver_modules", "libraries", "evaluations")
    without = {name: value for name, value in CELL.model_dump(mode="json").items() if name not in later}
    assert CELL.key == digest(json.dumps(without, sort_keys=True).encode())


def test_every_field_of_the_cell_is_tried():
    """The parametrisation above leaves no field of a cell out."""
    assert {name for change in CHANGES for name in change} | {"solver"} == set(Cell.model_fields)


@given(st.integers(1, 6))
def test_shards_are_a_partition(suite, count):
    """The parts have nothing in common, make the whole, and do not depend on the order."""
    tasks = plan(suite, [CLOUD_ONLY, STOCHASTIC], 10, LIMITS)
    parts = [[task.key for task in shard(tasks, index + 1, count)] for index in range(count)]
    assert sorted(key for part in parts for key in part) == sorted(task.key for task in tasks)
    assert [sorted(part) for part in parts] == [
        sorted(task.key for task in shard(reversed(tasks), index + 1, count)) for index in range(count)
    ]


def test_changed_instance_is_refused(tmp_path):
    """A file that is no longer what was planned is not run."""
    task = plan(tiny_suite(tmp_path), [CLOUD_ONLY], 1, LIMITS)[0]
    assert task.read() == task.instance_path.read_bytes()
    task.instance_path.write_bytes(task.read() + b" ")
    with pytest.raises(DocumentError, match="as planned"):
        task.read()
    task.instance_path.unlink()
    with pytest.raises(DocumentError, match="must exist"):
        task.read()
