"""The local search: never above its start, and where it ends no toggle and no swap helps."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from rules_optimum import least_cost

from mincache import Decisions, InputError, Instance, Run, Scenario, Solution, evaluate
from mincache.problem.instance import Rules
from mincache.solving import registry

SEARCH = registry.make("local-search")
SCARCE = Scenario(users=6, models=4, slots=4, storage_gb=9, steps=500)
RULES = [
    Rules(), Rules(frame_slots=2), Rules(loading_s_per_gb=1.0), Rules(steps_floor=0.4), Rules(2, 0.5, 0.2),
]  # fmt: skip


def drawn(seed: int, rules: Rules, scenario: Scenario = SCARCE) -> Instance:
    """Return an instance with these rules."""
    instance = scenario.instance("drawn", scenario.library(seed), scenario.trace(seed, "test"))
    return replace(instance, rules=rules)


def solved(instance: Instance, spec: str = "local-search") -> Solution:
    """Return a solver's answer."""
    return registry.make(spec).solve(instance, Run.seeded(0))


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: "+".join(rules.used) or "none")
def test_between_the_optimum_and_the_greedy(rules):
    """It never costs less than the best of all decisions tried by brute force, nor more than its start."""
    for seed in range(3):
        instance = drawn(seed, rules, SCARCE.model_copy(update={"users": 3, "models": 3, "slots": 3}))
        cost = evaluate(instance, solved(instance)).cost
        assert least_cost(instance) <= cost * (1 + 1e-9)
        assert cost <= evaluate(instance, solved(instance, "density-greedy")).cost * (1 + 1e-9)


@pytest.mark.parametrize("rules", RULES[:2], ids=["none", "frames"])
def test_no_toggle_and_no_swap_helps(rules):
    """Around its answer, no cache that differs by one or two models costs less with steps served greedily."""
    instance = drawn(5, rules, SCARCE)
    answer = solved(instance)
    cost = evaluate(instance, answer).cost
    for frame in range(0, instance.slot_count, rules.frame_slots):
        for count in (1, 2):
            for models in itertools.combinations(range(instance.model_count), count):
                cache = answer.cache.astype(bool)
                cache[frame : frame + rules.frame_slots, list(models)] ^= True
                other = _served(instance, cache, answer)
                score = evaluate(instance, other)
                assert not score.feasible or score.cost >= cost * (1 - 1e-9)


def _served(instance, cache, answer):
    from mincache.solving.greedy import serve_where_it_gains_most

    steps = serve_where_it_gains_most(instance, cache)
    return Solution.of(instance, Decisions(cache, answer.bandwidth_share, steps))


def test_loading_is_weighed_over_stretches_of_slots():
    """Dear loading makes it keep a model through slots in which nobody asks, where the greedy drops it."""
    scenario = Scenario(users=2, models=2, slots=5, storage_gb=4, size_gb=(4, 4), steps=10_000)
    trace = replace(
        scenario.trace(1, "test"), requested_model=np.array([[0, 0], [0, 0], [1, 0], [0, 0], [0, 0]])
    )
    instance = replace(
        scenario.instance("hand", scenario.library(1), trace), rules=Rules(loading_s_per_gb=0.2)
    )
    assert solved(instance).cache[:, 0].all()


def test_incumbents_never_get_worse():
    """What it reports is feasible, costs no more than what came before, and ends with its answer."""
    instance, reported = drawn(1, Rules(loading_s_per_gb=1.0)), []
    run = Run.seeded(0)
    run.reporter = lambda _, solution, bound: reported.append(solution)
    answer = SEARCH.solve(instance, run)
    costs = [evaluate(instance, solution).cost for solution in reported]
    assert reported[-1] is answer
    assert all(after <= before * (1 + 1e-12) for before, after in itertools.pairwise(costs))


def test_without_time_it_returns_the_start():
    """When the time is up at once, the answer is the greedy's cache, served exactly."""
    instance = drawn(1, Rules())
    answer = SEARCH.solve(instance, Run.seeded(0, 1e-9))
    assert (answer.cache == solved(instance, "density-greedy").cache).all()
    assert evaluate(instance, answer).feasible


def test_a_width_below_two_is_refused():
    """Nothing can be exchanged with one model."""
    with pytest.raises(InputError, match=r"local-search.width: must be >= 2; received 1"):
        registry.make("local-search[width=1]")
