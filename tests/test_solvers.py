"""Every installed solver passes the public checks, and each reference solver does what it says."""

import numpy as np
import pytest

from mincache import Run, evaluate, registry
from mincache.conformance import check_solver
from mincache.suites import find, find_instance

QUICK = {"genetic": "genetic[population=8,generations=4]"}
SMOKE = list(find("smoke-v1").entries)


@pytest.mark.parametrize("name", registry.names())
def test_conformance(name):
    """No check of the contract fails."""
    failed = [check for check in check_solver(QUICK.get(name, name)) if check.outcome == "failed"]
    assert failed == []


@pytest.mark.parametrize("name", SMOKE)
def test_order_of_the_reference_solvers(name):
    """Bound <= optimum <= every heuristic, and the genetic algorithm beats random allocation."""
    instance = find_instance(name)
    specs = ["decomposition", "relaxation", "popular-first", "cloud-only", "random-allocation"]
    specs.append("genetic[population=20,generations=20]")
    runs = {spec: Run.seeded(5) for spec in specs}
    cost = {s: evaluate(instance, registry.make(s).solve(instance, run)).cost for s, run in runs.items()}
    assert runs["relaxation"].bound <= cost["decomposition"] * (1 + 1e-9)
    assert all(cost["decomposition"] <= other * (1 + 1e-9) for other in cost.values())
    assert cost[specs[-1]] < cost["random-allocation"]


def test_random_allocation_fills_storage_and_splits_equally():
    """No further model fits into any slot's cache, and everyone gets 1/N of bandwidth and steps."""
    instance = find_instance(SMOKE[0])
    solution = registry.make("random-allocation").solve(instance, Run.seeded(0))
    size = instance.models.size_gb
    free = instance.server.storage_gb - solution.cache @ size
    smallest_left_out = np.where(solution.cache == 1, np.inf, size).min(axis=1)
    assert (free >= 0).all()
    assert (smallest_left_out > free).all()
    assert np.unique(solution.bandwidth_share) == pytest.approx([1 / instance.user_count])
    assert np.unique(solution.step_share) == pytest.approx([1 / instance.user_count])


def test_random_allocation_caches_every_model_equally_often():
    """Models of equal size are cached equally often (chi-square over 4,000 slots, p above 0.1 %)."""
    from scipy.stats import chisquare

    from mincache.scenario import Scenario

    scenario = Scenario(slots=4000, users=1, models=5, size_gb=(4, 4), storage_gb=8.5)
    instance = scenario.instance("equal", scenario.library(1), scenario.trace(1, "test"))
    cache = registry.make("random-allocation").solve(instance, Run.seeded(2)).cache
    assert (cache.sum(axis=1) == 2).all()
    # Two of five a slot without replacement: the counts vary less than a multinomial's, so the test is safe.
    assert chisquare(cache.sum(axis=0)).pvalue > 1e-3


def test_genetic_improves_with_its_budget():
    """Ten times the generations cost less on the mean of three seeds."""
    instance = find_instance(SMOKE[1])

    def mean_cost(generations):
        solver = registry.make(f"genetic[population=10,generations={generations}]")
        return np.mean([evaluate(instance, solver.solve(instance, Run.seeded(k))).cost for k in range(3)])

    assert mean_cost(20) < mean_cost(2)


def test_popular_first_by_hand():
    """On two models and three users, the dearer but more popular model is cached and its hits are served."""
    from dataclasses import replace

    from mincache import Scenario

    scenario = Scenario(
        users=3, models=2, slots=1, storage_gb=6, steps=400, size_gb=(4, 4),
        seconds_per_step=(0.01, 0.01), steps_saturation=(190, 190),
    )  # fmt: skip
    trace = replace(scenario.trace(1, "test"), requested_model=np.array([[1, 0, 1]]))
    instance = scenario.instance("hand", scenario.library(1), trace)
    solution = registry.make("popular-first").solve(instance, Run.seeded(0))
    assert solution.cache.tolist() == [[0, 1]]
    assert solution.step_share == pytest.approx(np.array([[190 / 400, 0, 190 / 400]]))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("genetic[population=1]", "genetic.population: must be >= 2; received 1"),
        ("genetic[generations=0]", "genetic.generations: must be >= 1; received 0"),
        ("genetic[repair=magic]", "repair: must be one of"),
    ],
)
def test_genetic_refuses_useless_parameters(spec, message):
    """The refusal names the parameter, the rule and what was received."""
    from mincache import InputError

    with pytest.raises(InputError) as caught:
        registry.make(spec)
    assert message in str(caught.value)
