"""Best solutions beside a suite: their cost is the reference, and whatever else it is, is told."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from mincache import Solution, evaluate
from mincache.cli.instances import reference, verify
from mincache.files.documents import read_solution
from mincache.generation import suites
from mincache.generation.scenario import Scenario
from mincache.generation.suite_checks import SOLUTIONS, write_best
from mincache.generation.suite_writing import generate, set_references

STANDARD = [name for name in suites.standard_names() if suites.suite(name).content.kept == "files"]


@pytest.fixture
def suite(tmp_path):
    """A suite of two instances without references."""
    recipe = suites.Recipe(library_seed=1, trace_seed=2, libraries=2, users=(4,), traces=1)
    return generate(tmp_path / "small", "small", recipe, Scenario(slots=2))


def invoke(command, *arguments):
    """Run a command, and return its exit code and what it printed on standard output."""
    done = CliRunner().invoke(command, [str(argument) for argument in arguments])
    return done.exit_code, done.stdout


@pytest.mark.parametrize("name", STANDARD)
def test_those_that_ship_have_the_best_known_cost(name):
    """Every instance of a standard suite whose files ship has a solution of the cost that the suite lists."""
    assert set(dict(SOLUTIONS.check(suites.find(name))).values()) == {None}


def test_reference_writes_the_solution_of_the_cost_it_lists(suite):
    """`instances reference` leaves solutions that `instances verify --solutions` accepts."""
    assert not SOLUTIONS.present(suite)
    assert invoke(reference, suite.folder)[0] == 0
    listed = suites.Suite(suite.folder)
    for name, entry in listed.entries.items():
        solution = read_solution(SOLUTIONS.path(listed, name))
        assert evaluate(listed.read(name), solution).cost == entry.best_known
    assert invoke(verify, suite.folder, "--solutions") == (
        0,
        f"{suite.folder}: 2 of 2 solutions have the best known cost\n",
    )


def test_a_worse_answer_replaces_neither_cost_nor_solution(suite):
    """A solver that does worse leaves what is there."""
    assert invoke(reference, suite.folder)[0] == 0
    paths = [SOLUTIONS.path(suite, name) for name in suite.entries]
    before = [path.read_bytes() for path in paths]
    assert invoke(reference, suite.folder, "--solver", "cloud-only")[0] == 0
    assert [path.read_bytes() for path in paths] == before
    assert set(dict(SOLUTIONS.check(suites.Suite(suite.folder))).values()) == {None}


def test_what_is_not_of_the_listed_cost_is_told(suite):
    """A costlier solution, one that breaks a limit, a missing one and a broken file are each one line."""
    first, second = suite.entries
    instances = {instance.name: instance for instance in suite}
    cheap = {name: evaluate(one, Solution.nothing_cached(one)).cost for name, one in instances.items()}
    listed = set_references(suite, {name: (0.99 * cost, None) for name, cost in cheap.items()})
    write_best(listed, first, Solution.nothing_cached(instances[first]))
    told = dict(SOLUTIONS.check(listed))
    assert f"the solution costs {cheap[first]!r}" in told[first]
    assert "no file " in told[second]

    fair = Solution.nothing_cached(instances[second])
    greedy = Solution(fair.instance, fair.cache, np.ones_like(fair.bandwidth_share), fair.step_share)
    write_best(listed, second, greedy)
    SOLUTIONS.path(listed, first).write_bytes(b"no gzip")
    told = dict(SOLUTIONS.check(listed))
    assert told[second] == "the solution breaks bandwidth"
    assert told[first] is not None
    assert "\n" not in told[first]

    write_best(listed, first, greedy)
    assert "instance" in dict(SOLUTIONS.check(listed))[first]


def test_the_command_leaves_with_1_and_says_which(suite):
    """A suite that is named and comes without solutions is not passed over."""
    code, printed = invoke(verify, suite.folder, "--solutions", "--json")
    rows = json.loads(printed)
    assert code == 1
    assert [row["instance"] for row in rows] == list(suite.entries)
    assert all("no file " in row["problem"] for row in rows)


def test_suites_without_are_passed_over_unless_named():
    """`scale-v1`, which ships as a recipe alone, has none, and the command says so."""
    code, printed = invoke(verify, "--solutions")
    assert code == 0
    assert "scale-v1: no solutions; `mincache instances certify scale-v1` makes them" in printed
    assert "open-v1: 12 of 12 solutions have the best known cost" in printed


def test_reference_tells_costs_and_bounds_as_json(suite):
    """`instances reference --json` holds what the suite lists afterwards, and the costs of its solutions."""
    code, printed = invoke(reference, suite.folder, "--json")
    told, listed = json.loads(printed), suites.Suite(suite.folder)
    assert code == 0
    assert told.keys() == suite.entries.keys()
    for name, values in told.items():
        solution = read_solution(SOLUTIONS.path(listed, name))
        assert values["best_known"] == listed.entries[name].best_known
        assert values["best_known"] == evaluate(listed.read(name), solution).cost
        assert values["lower_bound"] == listed.entries[name].lower_bound <= values["best_known"]


def test_a_second_reference_run_keeps_what_the_suite_says_of_the_first(suite):
    """What `references` says stays, gains the name of a solver that finds more, and of no other."""
    said = []
    for solver in ("local-search", "decomposition", "decomposition", "popular-first"):
        assert invoke(reference, suite.folder, "--solver", solver)[0] == 0
        written = suites.Suite(suite.folder)
        said.append(written.content.references)
        if len(said) == 1:
            set_references(written, {}, f"{said[0]}; by hand")
    assert said[1].startswith(f"{said[0]}; by hand; decomposition, mincache ")
    assert said[3] == said[2] == said[1]
