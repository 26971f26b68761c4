"""The batched genetic algorithm: it is pymoo's, slot by slot, in distribution, and its budget counts."""

from dataclasses import replace

import numpy as np
import pytest
from pymoo.algorithms.soo.nonconvex.ga import GA
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.optimize import minimize
from scipy.stats import ks_2samp

from mincache import InputError, Run, Scenario, Solution, evaluate, evaluate_batch
from mincache.algebra.parts import parts
from mincache.files.documents import solution_bytes
from mincache.generation.suites import find_instance
from mincache.problem.instance import Rules
from mincache.solving import registry
from mincache.views.pymoo_problem import SlotProblem
from mincache.views.vector import VectorView

INSTANCE = find_instance("smoke-v1.l0.n18.t0")
SCENARIO = Scenario(users=6, slots=5)
SMALL = SCENARIO.instance("small", SCENARIO.library(0), SCENARIO.trace(0, "test"))
FRAMES = replace(SMALL, rules=Rules(frame_slots=2, steps_floor=0.3))
LOADING = replace(SMALL, rules=Rules(loading_s_per_gb=0.5))


def reports(spec, instance):
    """The incumbents that a run on seed 1 reports."""
    reported = []
    run = Run.seeded(1)
    run.reporter = lambda seconds, solution, bound: reported.append(solution)
    registry.make(spec).solve(instance, run)
    return reported


@pytest.mark.parametrize(("population", "generations"), [(10, 8), (11, 4)])
def test_a_slot_ends_as_with_pymoo(population, generations):
    """The best costs of many runs are distributed as those of pymoo's own GA at the same budget."""
    slot = INSTANCE.slot(2)
    solver = registry.make(f"genetic[population={population},generations={generations}]")
    ours = [evaluate(slot, solver.solve(slot, Run.seeded(seed))).cost for seed in range(300)]
    problem = SlotProblem(slot, VectorView())
    algorithm = GA(pop_size=population, crossover=SBX(eta=15), mutation=PM(eta=20))
    theirs = [minimize(problem, algorithm, ("n_gen", generations), seed=seed).F[0] for seed in range(60)]
    assert ks_2samp(ours, theirs).pvalue > 1e-3


def test_linked_slots_end_as_with_pymoo():
    """Slots that rules link are one point of pymoo's GA, whose cost is theirs together."""
    linked = replace(next(parts(FRAMES))[1], rules=Rules(2, 0.5, 0.3))
    solver = registry.make("genetic[population=10,generations=8]")
    ours = [evaluate(linked, solver.solve(linked, Run.seeded(seed))).cost for seed in range(60)]
    problem = SlotProblem(linked, VectorView())
    algorithm = GA(pop_size=10, crossover=SBX(eta=15), mutation=PM(eta=20))
    theirs = [minimize(problem, algorithm, ("n_gen", 8), seed=seed).F[0] for seed in range(30)]
    assert ks_2samp(ours, theirs).pvalue > 1e-3


@pytest.mark.parametrize("rules", [Rules(), Rules(frame_slots=2), Rules(loading_s_per_gb=0.5)])
def test_loading_begins_with_caches_that_stay(rules):
    """The first caches change from slot to slot, unless that takes time to load."""
    run = Run.seeded(1)
    registry.make("genetic[generations=1,population=2]").solve(replace(SMALL, rules=rules), run)
    changes = (np.diff(run.raw.cache, axis=0) != 0).any()
    assert changes == (rules.loading_s_per_gb == 0.0)


def test_where_loading_takes_time_genetic_beats_the_cloud():
    """Even a short search costs less than caching nothing on an instance with slow loading."""
    instance = find_instance("loading-v1.l0.n18.t0")
    cloud = evaluate(instance, Solution.nothing_cached(instance)).cost
    found = registry.make("genetic[population=30,generations=30]").solve(instance, Run.seeded(1))
    assert evaluate(instance, found).cost < cloud


def test_a_large_instance_is_answered_in_time():
    """Where a generation takes longer than the limit, the random candidates that were priced decide."""
    wide = Scenario(users=4000, models=200, slots=10, storage_gb=300.0, steps=300_000.0)
    instance = wide.instance("wide", wide.library(0), wide.trace(0, "test"))
    solver, run = registry.make("genetic"), Run.seeded(1, seconds=1.0)
    answer = solver.solve(instance, run)
    assert run.budget.elapsed() < 5.0  # all generations take a minute
    assert evaluate(instance, answer).feasible
    assert answer.cache.any()


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


@pytest.mark.parametrize("instance", [INSTANCE, FRAMES, LOADING], ids=["paper", "frames", "loading"])
def test_incumbents_never_get_worse(instance):
    """What is reported on the way improves from one to the next, and ends with the answer."""
    reported = reports("genetic[population=10,generations=45]", instance)
    evaluations = [evaluate(instance, solution) for solution in reported]
    assert all(incumbent.feasible for incumbent in evaluations)
    costs = [incumbent.cost for incumbent in evaluations]
    assert len(costs) == 6  # after 1, 11, 21, 31, 41 and 45 generations
    assert costs == sorted(costs, reverse=True)


@pytest.mark.parametrize(("generations", "count"), [(1, 1), (2, 2), (8, 2), (11, 2), (12, 3)])
def test_the_first_and_the_last_population_are_reported(generations, count):
    """However few the generations, the best of the random ones and the answer are reported, each once."""
    spec = "genetic[population=10,generations={}]"
    reported = reports(spec.format(generations), INSTANCE)
    first, answer = (registry.make(spec.format(n)).solve(INSTANCE, Run.seeded(1)) for n in (1, generations))
    assert len(reported) == count
    assert solution_bytes(reported[0]) == solution_bytes(first)
    assert solution_bytes(reported[-1]) == solution_bytes(answer)


@pytest.mark.parametrize(("evaluations", "generations"), [(10, 1), (19, 1), (20, 2), (75, 7)])
def test_a_budget_in_evaluations_is_spent_in_whole_generations(monkeypatch, evaluations, generations):
    """No more candidates a slot are priced than asked for, and the answer is that of as many generations."""
    priced = []

    def counted(instance, decisions):
        priced.append(len(decisions.cache))
        return evaluate_batch(instance, decisions)

    same = registry.make(f"genetic[population=10,generations={generations}]").solve(INSTANCE, Run.seeded(1))
    solver = registry.make(f"genetic[population=10,evaluations={evaluations}]")
    monkeypatch.setattr("mincache.solvers.genetic.evaluate_batch", counted)
    assert solution_bytes(solver.solve(INSTANCE, Run.seeded(1))) == solution_bytes(same)
    assert sum(priced) == 10 * generations <= evaluations


def test_the_points_behind_the_answer_are_reported():
    """Repairing the raw decisions gives the answer again, to the digits that they are kept with."""
    run = Run.seeded(1)
    answer = registry.make("genetic[population=10,generations=5]").solve(INSTANCE, run)
    points = np.concatenate([np.where(run.raw.cache, 0.5, 0.0), *run.raw[1:]], axis=-1)
    again = VectorView().invert(INSTANCE, points)
    assert again.bandwidth_share == pytest.approx(answer.bandwidth_share, rel=0.02)
    assert again.step_share == pytest.approx(answer.step_share, rel=0.02)
    assert (answer.cache <= run.raw.cache).all()  # a repair takes out what does not fit, and puts nothing in
    assert run.raw.bandwidth_share.sum(axis=1).max() > 1.5


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
        ("genetic[evaluations=49]", "genetic.evaluations: must be >= population = 50; received 49"),
        ("genetic[crossover_eta=-1]", "genetic.crossover_eta: must be finite and >= 0; received -1.0"),
        ("genetic[crossover_eta=nan]", "genetic.crossover_eta: must be finite and >= 0; received nan"),
        ("genetic[mutation_eta=-5]", "genetic.mutation_eta: must be finite and >= 0; received -5.0"),
        ("genetic[mutation_eta=inf]", "genetic.mutation_eta: must be finite and >= 0; received inf"),
        ("genetic[repair=magic]", "repair: must be one of"),
    ],
)
def test_genetic_refuses_useless_parameters(spec, message):
    """The refusal names the parameter, the rule and what was received."""
    with pytest.raises(InputError) as caught:
        registry.make(spec)
    assert message in str(caught.value)
