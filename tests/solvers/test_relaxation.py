"""`relaxation` answers feasibly and encloses the optimum."""

import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import GOLDEN

from mincache import Decisions, Run, Scenario, Solution, evaluate, read_instance
from mincache.exact import optimal_bandwidth
from mincache.generation.suites import find
from mincache.solving import registry

OPTIMA = sorted(GOLDEN.glob("optimum/*"))


def run(instance, seconds=float("inf")):
    """Return the evaluation of relaxation's answer, and its bound."""
    run = Run.seeded(0, seconds)
    return evaluate(instance, registry.make("relaxation").solve(instance, run)), run.bound


@pytest.mark.parametrize("folder", OPTIMA, ids=lambda folder: folder.name)
def test_encloses_the_optimum(folder):
    """The optimum lies between the bound and the answer's cost, and the two are within 10 %."""
    instance = read_instance(folder / "instance.json")
    optimal = float(json.loads((folder / "expected.json").read_text())["optimal_cost"])
    evaluation, bound = run(instance)
    assert evaluation.feasible
    assert bound <= optimal * (1 + 1e-13)
    assert optimal * (1 - 1e-9) <= evaluation.cost <= 1.1 * bound


def test_beats_the_cloud_on_smoke():
    """On every smoke instance it costs less than caching nothing under the optimal split."""
    for instance in find("smoke-v1"):
        nothing = Solution.nothing_cached(instance)
        split = Decisions(nothing.cache, optimal_bandwidth(instance), nothing.step_share)
        evaluation, bound = run(instance)
        assert bound < evaluation.cost < evaluate(instance, Solution.of(instance, split)).cost


def test_without_time_the_bound_still_holds():
    """When the time is up before it begins, it answers with the cloud, and with a valid bound."""
    instance = read_instance(OPTIMA[1] / "instance.json")
    optimal = float(json.loads((OPTIMA[1] / "expected.json").read_text())["optimal_cost"])
    evaluation, bound = run(instance, seconds=0.0)
    assert evaluation.feasible
    assert evaluation.hit_ratio == 0.0
    assert np.isfinite(bound)
    assert 0.0 < bound < optimal


def test_where_nothing_fits_nothing_is_left_open():
    """With storage smaller than every model, the answer is the cloud, and the bound is its cost."""
    instance = read_instance(OPTIMA[0] / "instance.json")
    instance = replace(instance, server=replace(instance.server, storage_gb=0.5))
    evaluation, bound = run(instance)
    assert evaluation.hit_ratio == 0.0
    assert bound == pytest.approx(evaluation.cost, rel=1e-9)


def test_stretches_bound_as_slots_do():
    """What is solved in stretches has the mean of its slots' bounds, and is what they cost."""
    scenario = Scenario(users=120, models=150, slots=20, steps=12000.0, storage_gb=300.0, uplink_mhz=200.0)
    instance = scenario.instance("stretches", scenario.library(0), scenario.trace(0, "trace"))
    evaluation, bound = run(instance)
    alone = [run(instance.slot(t)) for t in range(instance.slot_count)]
    assert bound == pytest.approx(np.mean([slot[1] for slot in alone]), rel=1e-9)
    assert evaluation.feasible
    assert evaluation.cost == pytest.approx(np.mean([slot[0].cost for slot in alone]), rel=1e-4)
