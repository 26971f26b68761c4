"""Every installed solver passes the public checks, and the reference solvers stand in the order they must."""

from pathlib import Path

import pytest

from mincache import Run, evaluate, registry
from mincache.conformance import check_solver
from mincache.suites import find, find_instance

POPULAR = Path(__file__).parent.parent / "examples" / "external" / "popular.sh"
QUICK = {
    "external": f'external[command="{POPULAR} {{instance}} {{solution}}"]',
    "genetic": "genetic[population=8,generations=4]",
    "pymoo": "pymoo[population=8,evaluations=24]",
}
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
