"""`scip` finds the optimum on the exact form of every slot."""

import json

import pytest
from conftest import GOLDEN
from hypothesis import given, settings
from strategies import instances

from mincache import Run, evaluate, read_instance
from mincache.errors import InputError
from mincache.solving import registry

OPTIMA = sorted(GOLDEN.glob("optimum/*"))


def run(instance, spec="scip", seconds=float("inf")):
    """Return the evaluation of the answer of `spec`, and its bound."""
    run = Run.seeded(0, seconds)
    return evaluate(instance, registry.make(spec).solve(instance, run)), run.bound


@pytest.mark.parametrize("folder", OPTIMA, ids=lambda folder: folder.name)
def test_known_optima(folder):
    """It reaches the known optimum, and its bound is below it by at most its slack and gap."""
    instance = read_instance(folder / "instance.json")
    optimal = float(json.loads((folder / "expected.json").read_text())["optimal_cost"])
    evaluation, bound = run(instance)
    assert evaluation.feasible
    assert evaluation.cost == pytest.approx(optimal, rel=2e-6)
    assert optimal * (1 - 3e-6) <= bound <= optimal


@settings(max_examples=25)
@given(instances(max_slots=1, max_users=6))
def test_agrees_with_the_exact_method(instance):
    """On odd slots too it finds what the exact method finds, to its gap."""
    best = registry.make("decomposition").solve(instance, Run.seeded(0))
    evaluation, bound = run(instance)
    optimal = evaluate(instance, best).cost
    assert evaluation.feasible
    assert evaluation.cost == pytest.approx(optimal, rel=3e-6, abs=1e-6)
    assert bound <= optimal * (1 + 1e-12)


def test_incumbent_at_a_limit(capfd):
    """Stopped after the root node with no gap to reach, it hands back the best that it has; in silence."""
    instance = read_instance(OPTIMA[4] / "instance.json")
    optimal = float(json.loads((OPTIMA[4] / "expected.json").read_text())["optimal_cost"])
    evaluation, bound = run(instance, "scip[gap=0,nodes=1]")
    assert evaluation.feasible
    assert evaluation.hit_ratio > 0.0
    assert bound <= optimal
    assert capfd.readouterr() == ("", "")


def test_without_time():
    """When the time is up, it answers with the cloud, and its bound holds."""
    evaluation, bound = run(read_instance(OPTIMA[0] / "instance.json"), seconds=0.0)
    assert evaluation.feasible
    assert bound < evaluation.cost


def test_a_failure_of_its_linear_solver_is_tried_again():
    """On gains near 1e-18 SCIP's first attempt ends in an error; the second finds the optimum."""
    evaluation, bound = run(read_instance(GOLDEN / "hostile" / "h308.json"))
    assert evaluation.feasible
    assert evaluation.cost == pytest.approx(560681.064800554, rel=1e-6)
    assert bound <= evaluation.cost


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        ("highs[threads=0]", "threads: must be finite and >= 1; received 0"),
        ("highs[gap=-1]", "gap: must be finite and >= 0; received -1"),
        ("scip[gap=nan]", "gap: must be finite and >= 0; received nan"),
        ("scip[nodes=-5]", "nodes: must be finite and >= -1; received -5"),
        ("pyomo[gap=inf]", "gap: must be finite and >= 0; received inf"),
    ],
)
def test_limits_that_no_solver_takes_are_refused(spec, line):
    """What HiGHS, SCIP and Pyomo's solvers would take otherwise, or stop at, is told before they begin."""
    with pytest.raises(InputError, match=line):
        registry.make(spec)
