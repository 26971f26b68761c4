"""Every installed solver passes the public checks, and the reference solvers stand in the order they must."""

from dataclasses import replace
from pathlib import Path

import pytest

from mincache import Run, Scenario, evaluate
from mincache.generation.suites import find, find_instance
from mincache.problem.instance import Rules
from mincache.solving import registry
from mincache.solving.conformance import iter_checks

POPULAR = Path(__file__).parents[2] / "examples" / "external" / "popular.sh"
QUICK = {
    "decomposition": "decomposition[compiled=false]",  # as the compiled loops do, says test_loops.py
    "external": f'external[command="{POPULAR} {{instance}} {{solution}}"]',
    "genetic": "genetic[population=8,generations=4]",
    "pymoo": "pymoo[population=8,evaluations=24]",
}
DRAWN = Scenario(users=4, models=4, slots=5, steps=400)
RULED = DRAWN.instance("ruled", DRAWN.library(0), DRAWN.trace(0, "test"))
RULES = [Rules(frame_slots=2), Rules(loading_s_per_gb=0.5), Rules(steps_floor=0.5), Rules(3, 0.5, 0.2)]
SMOKE = list(find("smoke-v1").entries)


@pytest.mark.parametrize("name", registry.names())
def test_conformance(name):
    """No check of the contract fails."""
    assert not [check for check in iter_checks(QUICK.get(name, name)) if check.outcome == "failed"]


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: "+".join(rules.used))
@pytest.mark.parametrize("name", registry.names())
def test_rules_are_kept_or_refused(name, rules):
    """Where a solver does not say that it cannot, its answer to an instance with rules keeps them."""
    solver, instance = registry.make(QUICK.get(name, name)), replace(RULED, rules=rules)
    reason = solver.supports(instance)
    assert reason is None or (isinstance(reason, str) and reason)
    if reason is None:
        assert evaluate(instance, solver.solve(instance, Run.seeded(1))).feasible


@pytest.mark.parametrize(
    "name",
    [
        "cloud-only",
        "density-greedy",
        "genetic",
        "lfu",
        "local-search",
        "lru",
        "popular-first",
        "pymoo",
        "random-allocation",
    ],
)
def test_heuristics_keep_all_rules(name):
    """No heuristic refuses an instance because of a rule."""
    assert all(registry.make(name).supports(replace(RULED, rules=rules)) is None for rules in RULES)


@pytest.mark.parametrize("name", SMOKE)
def test_order_of_the_reference_solvers(name):
    """Bound <= optimum <= every heuristic, and the genetic algorithm beats random allocation."""
    instance = find_instance(name)
    exact = QUICK["decomposition"]
    specs = [exact, "relaxation", "popular-first", "cloud-only", "random-allocation"]
    specs.append("genetic[population=20,generations=20]")
    runs = {spec: Run.seeded(5) for spec in specs}
    cost = {s: evaluate(instance, registry.make(s).solve(instance, run)).cost for s, run in runs.items()}
    assert runs["relaxation"].bound <= cost[exact] * (1 + 1e-9)
    assert all(cost[exact] <= other * (1 + 1e-9) for other in cost.values())
    assert cost[specs[-1]] < cost["random-allocation"]
