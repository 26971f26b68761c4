"""The exact method against the other solvers, on the same instance, in one run."""

from __future__ import annotations

import statistics
import time

import pytest

from mincache import Instance, Run, Solver, evaluate
from mincache.generation.suites import find
from mincache.solving import registry

OTHERS = {
    "relaxation": ("relaxation", 3),
    "genetic": ("genetic", 1),
    "highs": ("highs", 3),
    "scip": ("scip[gap=1e-4]", 1),
    "pyomo with highs": ("pyomo[solver=highs,gap=1e-4]", 1),
}


@pytest.fixture(scope="module", params=[10, 18], ids=lambda users: f"N={users}")
def instance(request) -> Instance:
    """An instance of paper-v1: 50 slots, 10 models."""
    return find("paper-v1").read(f"paper-v1.l0.n{request.param}.t0")


def seconds(solver: Solver, instance: Instance, rounds: int) -> float:
    """Return the median processor seconds of `rounds` runs after one that compiles and imports."""
    taken = []
    for _ in range(rounds + 1):
        start = time.process_time()
        solver.solve(instance, Run.seeded(0))
        taken.append(time.process_time() - start)
    return statistics.median(taken[1:])


@pytest.mark.parametrize("name", OTHERS)
def test_decomposition_against(benchmark, instance, name):
    """The exact method is faster than `name`, and no dearer."""
    spec, rounds = OTHERS[name]
    exact, other = registry.make("decomposition[compiled=true]"), registry.make(spec)
    benchmark.pedantic(exact.solve, (instance, Run.seeded(0)), rounds=20, warmup_rounds=1)
    slow, fast = seconds(other, instance, rounds), seconds(exact, instance, 20)
    costs = [evaluate(instance, solver.solve(instance, Run.seeded(0))).cost for solver in (exact, other)]
    gap = costs[1] / costs[0] - 1.0
    benchmark.extra_info |= {"ratio": slow / fast, "seconds": slow, "gap": gap}
    users = instance.user_count
    print(f"\nN={users}: {name} {slow:.3g} s, {slow / fast:,.0f} times as long, {gap:.2%} above")
    assert slow > fast
    assert gap > -1e-9
