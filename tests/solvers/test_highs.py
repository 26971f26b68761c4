"""`highs` finds the optimum of every slot."""

import json

import pytest
from conftest import GOLDEN
from hypothesis import given, settings
from strategies import instances

from mincache import Run, evaluate, read_instance
from mincache.solving import registry

OPTIMA = sorted(GOLDEN.glob("optimum/*"))


def run(instance, spec="highs", seconds=float("inf")):
    """Return the evaluation of the answer of `spec`, and its bound."""
    run = Run.seeded(0, seconds)
    return evaluate(instance, registry.make(spec).solve(instance, run)), run.bound


@pytest.mark.parametrize("folder", OPTIMA, ids=lambda folder: folder.name)
def test_known_optima(folder):
    """It reaches the known optimum, and its bound is just below."""
    instance = read_instance(folder / "instance.json")
    optimal = float(json.loads((folder / "expected.json").read_text())["optimal_cost"])
    evaluation, bound = run(instance)
    assert evaluation.feasible
    assert evaluation.cost == pytest.approx(optimal, rel=1e-9)
    assert optimal * (1 - 1e-8) <= bound <= optimal * (1 + 1e-13)


@settings(max_examples=25)
@given(instances(max_users=6))
def test_agrees_with_the_exact_method(instance):
    """On odd slots too it finds what the exact method finds."""
    best = registry.make("decomposition").solve(instance, Run.seeded(0))
    evaluation, bound = run(instance)
    optimal = evaluate(instance, best).cost
    assert evaluation.feasible
    assert evaluation.cost == pytest.approx(optimal, rel=1e-8)
    assert bound <= optimal * (1 + 1e-12)


def test_without_time():
    """When the time is up, it answers with the cloud, and its bound holds."""
    evaluation, bound = run(read_instance(OPTIMA[0] / "instance.json"), seconds=0.0)
    assert evaluation.feasible
    assert evaluation.hit_ratio == 0.0
    assert bound < evaluation.cost


def test_a_loose_gap_is_kept():
    """With a gap of 20 %, answer and bound are within 20 % and the bound still holds."""
    instance = read_instance(OPTIMA[2] / "instance.json")
    optimal = float(json.loads((OPTIMA[2] / "expected.json").read_text())["optimal_cost"])
    evaluation, bound = run(instance, "highs[gap=0.2]")
    assert bound <= optimal * (1 + 1e-13)
    assert evaluation.cost <= optimal * 1.25


def test_other_numbers_of_threads_in_one_process(capfd):
    """HiGHS takes two threads after one, and writes nothing to the console."""
    instance = read_instance(OPTIMA[0] / "instance.json")
    costs = [run(instance, f"highs[threads={threads}]")[0].cost for threads in (1, 2, 1)]
    assert costs[0] == pytest.approx(costs[1], rel=1e-9)
    assert costs[0] == costs[2]
    assert capfd.readouterr() == ("", "")


def test_its_answer_costs_what_it_says():
    """HiGHS 1.16 reports this optimum with a start's values; it is solved again then, to the optimum."""
    instance = read_instance(GOLDEN / "hostile" / "h245.json")
    evaluation, bound = run(instance)
    assert evaluation.cost == pytest.approx(11.83680205701738, rel=1e-9)  # by enumeration of all decisions
    assert bound == pytest.approx(evaluation.cost, rel=1e-8)


@pytest.mark.parametrize("folder", OPTIMA[:2], ids=lambda folder: folder.name)
def test_known_optima_under_a_limit(folder):
    """A generous time limit changes nothing."""
    optimal = float(json.loads((folder / "expected.json").read_text())["optimal_cost"])
    evaluation, bound = run(read_instance(folder / "instance.json"), seconds=600.0)
    assert evaluation.cost == pytest.approx(optimal, rel=1e-9)
    assert optimal * (1 - 1e-8) <= bound
