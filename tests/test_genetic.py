"""The batched genetic algorithm: it is pymoo's, slot by slot, in distribution, and its budget counts."""

import numpy as np
import pytest
from pymoo.algorithms.soo.nonconvex.ga import GA
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.optimize import minimize
from scipy.stats import ks_2samp

from mincache import InputError, Run, evaluate, registry
from mincache.suites import find_instance
from mincache.views.pymoo_problem import SlotProblem
from mincache.views.vector import VectorView

INSTANCE = find_instance("smoke-v1.l0.n18.t0")


@pytest.mark.parametrize(("population", "generations"), [(10, 12), (11, 4)])
def test_a_slot_ends_as_with_pymoo(population, generations):
    """The best costs of many runs are distributed as those of pymoo's own GA at the same budget."""
    slot = INSTANCE.slot(2)
    solver = registry.make(f"genetic[population={population},generations={generations}]")
    ours = [evaluate(slot, solver.solve(slot, Run.seeded(seed))).cost for seed in range(300)]
    problem = SlotProblem(slot, VectorView())
    algorithm = GA(pop_size=population, crossover=SBX(eta=15), mutation=PM(eta=20))
    theirs = [minimize(problem, algorithm, ("n_gen", generations), seed=seed).F[0] for seed in range(60)]
    assert ks_2samp(ours, theirs).pvalue > 1e-3


def test_slots_do_not_touch_each_other():
    """What a batch of slots costs has the mean of what its slots cost alone."""
    solver = registry.make("genetic[population=10,generations=10]")
    together = [evaluate(INSTANCE, solver.solve(INSTANCE, Run.seeded(k))).cost for k in range(20)]
    alone = [
        np.mean([
            evaluate(slot, solver.solve(slot, Run.seeded(100 + k))).cost
            for slot in map(INSTANCE.slot, range(INSTANCE.slot_count))
        ])
        for k in range(20)
    ]  # fmt: skip
    spread = np.hypot(np.std(together), np.std(alone)) / np.sqrt(20)
    assert abs(np.mean(together) - np.mean(alone)) < 4 * spread


def test_incumbents_never_get_worse():
    """What is reported on the way improves from one to the next, and ends no better than the answer."""
    costs = []
    run = Run.seeded(1)
    run.reporter = lambda seconds, solution, bound: costs.append(evaluate(INSTANCE, solution).cost)
    final = evaluate(
        INSTANCE, registry.make("genetic[population=10,generations=45]").solve(INSTANCE, run)
    ).cost
    assert len(costs) == 4
    assert costs == sorted(costs, reverse=True)
    assert final <= costs[-1]


def test_genetic_improves_with_its_budget():
    """Ten times the generations cost less on the mean of three seeds."""

    def mean_cost(generations):
        solver = registry.make(f"genetic[population=10,generations={generations}]")
        return np.mean([evaluate(INSTANCE, solver.solve(INSTANCE, Run.seeded(k))).cost for k in range(3)])

    assert mean_cost(20) < mean_cost(2)


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
    with pytest.raises(InputError) as caught:
        registry.make(spec)
    assert message in str(caught.value)
