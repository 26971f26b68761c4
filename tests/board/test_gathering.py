import dataclasses

import pandas
import pytest
from board_fixture import record

from mincache.board.entries import find_suite, verified_cost
from mincache.board.gathering import references as found_in
from mincache.errors import InputError
from mincache.generation.recipes import Reference
from mincache.generation.scenario import Scenario
from mincache.generation.suite_writing import generate, write_content
from mincache.generation.suites import Recipe, Suite


def references(suite, records):
    """Return the references of a suite and these records."""
    runs = [(r.cell.instance, r.cell.instance_sha256, verified_cost(r)) for r in records]
    return found_in(
        suite, pandas.DataFrame(runs, columns=["instance", "sha256", "cost"]).astype({"cost": float})
    )


@pytest.fixture
def suite(tmp_path):
    """A suite of two instances, of which the first has a proven optimum of 10."""
    recipe = Recipe(library_seed=1, trace_seed=2, libraries=1, users=(2,), traces=2)
    drawn = generate(tmp_path / "tiny", "tiny", recipe, Scenario(slots=2))
    first, second = drawn.content.instance
    known = first.model_copy(update={"best_known": 10.0, "lower_bound": 10.0 * (1 - 1e-12)})
    write_content(drawn.folder, drawn.content.model_copy(update={"instance": (known, second)}))
    return Suite(drawn.folder)


def _of(suite, index, cost, **fields):
    entry = suite.content.instance[index]
    return record("s", entry.name, cost, sha256=entry.sha256, suite="tiny", **fields)


def test_the_suite_pins_the_reference(suite):
    """A better verified cost does not move the pinned value; an instance without one takes the best."""
    records = [_of(suite, 0, 9.0), _of(suite, 1, 7.0), _of(suite, 1, 6.0, repetition=1)]
    known = references(suite, records)
    first, second = (known[e.name] for e in suite.content.instance)
    assert (first.cost, first.pinned, first.proven) == (10.0, True, True)
    assert (second.cost, second.pinned, second.proven) == (6.0, False, False)


def test_only_verified_costs_become_references():
    """The cost of an infeasible solution is nobody's best."""
    records = [record("s", "a", 5.0, verdict="infeasible"), record("s", "a", 8.0, repetition=1)]
    assert references(None, records)["a"].cost == 8.0


def test_another_edition_of_an_instance_is_refused(suite):
    """A record made on other bytes is not held against this suite."""
    entry = suite.content.instance[0]
    with pytest.raises(InputError, match=f"records of {entry.name}: must be of one edition"):
        references(suite, [record("s", entry.name, 9.0, sha256="f" * 64)])
    with pytest.raises(InputError, match="one edition"):
        references(None, [record("s", "a", 9.0, sha256="f" * 64), record("s", "a", 9.0, sha256="e" * 64)])


def test_a_suite_is_found_by_name_or_folder(suite):
    """Records outlive the folder of their suite, and a folder must hold the suite they are of."""
    assert find_suite("no-such-suite") is None
    assert find_suite("smoke-v1").name == "smoke-v1"
    assert find_suite("tiny", str(suite.folder)).folder == suite.folder
    with pytest.raises(InputError, match="suite: must be 'paper-v1'"):
        find_suite("paper-v1", str(suite.folder))


def test_references_are_frozen():
    """A reference cannot be edited in place."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Reference(1.0).cost = 2.0
