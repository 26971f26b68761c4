import itertools
import json
import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from brute_force import hostile_instances, hostile_slots, least_cost
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import examples, feasible, instances, positive_extremes

from mincache import Budget, Instance, evaluate, read_instance
from mincache.exact import improvements, optimum
from mincache.exact.optimum import _best_course
from mincache.exact.passes import FrameSearch, usable_room
from mincache.exact.regrets import loading_losses
from mincache.files.documents import parse_solution
from mincache.generation.scenario import Scenario
from mincache.problem.instance import ModelLibrary, Radio, Rules, Server, Trace
from mincache.problem.quantity import Array
from mincache.problem.solution import Solution

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "optimum").iterdir())


def check_is_optimal(instance: Instance, seconds: float = math.inf) -> None:
    """Check the answer for an instance against brute force."""
    answer = list(improvements(instance, compiled=False, remaining=Budget(seconds).remaining))[-1]
    score = evaluate(instance, answer.solution)
    assert answer.proven
    assert score.feasible
    assert score.cost == pytest.approx(least_cost(instance, answer.solution.bandwidth_share), rel=1e-9)
    assert score.cost - 1e-9 * (score.cost + forgiven(instance)) <= answer.bound <= score.cost


def forgiven(instance: Instance) -> float:
    """What twice the steps would save at most; a bound holds for answers 1e-9 over their limit too."""
    models = instance.models
    slope = (models.tv_worst - models.tv_best) / (models.steps_saturation - models.steps_onset)
    saved = (1.0 - instance.preference_weight) * slope.max() * instance.server.steps
    return float(saved / instance.user_count)


@examples(100, whole=500)
@given(hostile_slots())
def test_agrees_with_brute_force_on_hostile_slots(slot: Instance) -> None:
    """In random slots of ties and edges the answer is the least cost there is, and so is its bound."""
    check_is_optimal(slot)


@examples(50, whole=150)
@given(instances(max_slots=1, max_users=5))
def test_agrees_with_brute_force_on_ordinary_slots(slot: Instance) -> None:
    """In random slots without ties the answer is the least cost there is, and so is its bound."""
    check_is_optimal(slot)


@examples(60, whole=200)
@given(hostile_instances())
def test_agrees_with_brute_force_under_rules(instance: Instance) -> None:
    """With frames, loading and a floor, alone and together, the answer is the least cost there is."""
    check_is_optimal(instance)


@examples(40, whole=100)
@given(hostile_instances())
def test_a_generous_limit_changes_nothing_under_rules(instance: Instance) -> None:
    """With an hour to spend, a time limit keeps no instance from its proof."""
    check_is_optimal(instance, 3600.0)


@examples(40, whole=100)
@given(hostile_instances())
def test_prices_and_lists_close_what_is_small(instance: Instance) -> None:
    """Where no cache may be looked at but by prices, column generation and lists end in the least cost."""
    assume(instance.rules.loading_s_per_gb > 0)
    *_, answer = improvements(instance, compiled=False, most_sets=0)
    assert answer.proven
    least = least_cost(instance, answer.solution.bandwidth_share)
    assert evaluate(instance, answer.solution).cost == pytest.approx(least, rel=1e-9)


@given(hostile_instances())
def test_with_too_many_caches_the_least_cost_is_enclosed(instance: Instance) -> None:
    """Where not all caches are looked at, bounds rise, costs fall, and the least cost stays between them."""
    assume(instance.rules.loading_s_per_gb > 0)
    answers = list(improvements(instance, compiled=False, most_sets=0))
    costs = [evaluate(instance, answer.solution).cost for answer in answers]
    bounds = [answer.bound for answer in answers]
    least = least_cost(instance, answers[-1].solution.bandwidth_share)
    assert not answers[0].solution.cache.any()  # before anything is searched
    assert bounds == sorted(bounds)
    assert all(b <= a * (1 + 1e-9) for a, b in itertools.pairwise(costs))
    assert bounds[-1] <= least * (1 + 1e-12)
    assert least * (1 - 1e-12) <= costs[-1]
    assert not answers[-1].proven or costs[-1] <= least * (1 + 1e-9)


@given(instances(with_rules=True, positive=positive_extremes))
def test_extreme_numbers_are_answered_under_rules(instance: Instance) -> None:
    """Whatever float64 holds, the answer keeps the limits and the rules, and the bound is below its cost."""
    answer = list(improvements(instance, compiled=False, remaining=lambda: 0.0))[-1]
    score = evaluate(instance, answer.solution)
    assert not {violation.constraint for violation in score.violations} - {"bandwidth", "unserved"}
    assert not answer.bound > score.cost * (1 + 1e-9)


def test_the_user_served_in_part_need_not_be_the_last() -> None:
    """Two users in full and a third with what is left: it is the one who gains most by a few steps."""
    # User 2's model improves from the first step on; the others' need 50 before anything happens.
    models = ModelLibrary(
        *(np.array(values) for values in (
            [2.0, 3.0], [8e6, 8e6],
            [0.0, 50.0], [83.3, 70.0], [40.0, 90.0], [33.3, 20.0],
            [0.5, 0.0], [5.0, 5.0],
        ))
    )  # fmt: skip
    trace = Trace(np.array([0.5]), np.full((1, 4), 1e-10), np.array([[1, 1, 0, 1]]), np.full((1, 4), 4e7))
    radio = Radio(2e7, 4e7, 2.5e-21, 20.0, np.full(4, 0.2), 1.0, 1e6)
    slot = Instance("slot", 0.3, Server(100.0, 200.0), radio, models, trace)
    check_is_optimal(slot)
    steps = optimum(slot).solution.step_share * 200
    assert sorted(steps[0].tolist()) == pytest.approx([0, 20, 90, 90], rel=2e-8)


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("seconds", [math.inf, 600.0])
def test_golden_optima(folder: Path, compiled: bool, seconds: float) -> None:
    """The optimal costs known from elsewhere are met to 1e-9, by the answer and by the bound."""
    instance = read_instance(folder / "instance.json")
    want = float(json.loads((folder / "expected.json").read_text())["optimal_cost"])
    answer = list(improvements(instance, compiled=compiled, remaining=Budget(seconds).remaining))[-1]
    score = evaluate(instance, answer.solution)
    assert answer.proven
    assert score.feasible
    assert score.cost == pytest.approx(want, rel=1e-9)
    assert answer.bound == pytest.approx(want, rel=1e-9)


@given(st.data())
def test_no_feasible_solution_is_below_the_bound(data: st.DataObject) -> None:
    """Of solutions drawn without knowing how an optimum looks, none costs less than the bound."""
    instance = data.draw(instances())
    bound = optimum(instance).bound
    assert evaluate(instance, data.draw(feasible(instance))).cost >= bound


def scenario_instance(**fields: object) -> Instance:
    """An instance drawn from a changed Table I."""
    scenario = Scenario(**fields)  # type: ignore[arg-type]  # what the fields are is pydantic's to check
    return scenario.instance("drawn", scenario.library(3), scenario.trace(3))


LARGE = {"slots": 1, "users": 3000, "models": 300, "storage_gb": 600.0, "steps": 300_000.0}


def test_a_large_slot_is_solved() -> None:
    """Thousands of users and hundreds of models are no obstacle."""
    instance = scenario_instance(**LARGE)
    answer = optimum(instance)
    assert evaluate(instance, answer.solution).cost == pytest.approx(answer.bound, rel=1e-9)


HARD = LARGE | {"size_gb": (3.9, 4.1), "backhaul_up_mbps": 5.0, "backhaul_down_mbps": 5.0}


def test_stops_when_the_time_is_up_with_an_answer_and_a_bound() -> None:
    """A slot too hard for the time allowed ends with a feasible answer within 0.1 % of a valid bound."""
    instance = scenario_instance(**HARD)
    budget = Budget(0.3)
    answers = list(improvements(instance, relative_gap=0.0, remaining=budget.remaining))
    score = evaluate(instance, answers[-1].solution)
    assert score.feasible
    assert answers[-1].bound <= score.cost <= answers[-1].bound * 1.001


def test_without_any_time_every_slot_is_answered_still() -> None:
    """With no time at all the answer is greedy, feasible and better than the cloud alone."""
    instance = scenario_instance(users=18)
    answer = list(improvements(instance, remaining=lambda: 0.0))
    score = evaluate(instance, answer[-1].solution)
    assert len(answer) == 1
    assert score.feasible
    assert answer[-1].bound <= score.cost < evaluate(instance, Solution.nothing_cached(instance)).cost


def test_later_answers_are_never_worse() -> None:
    """From answer to answer the cost falls or stays, and the bound rises or stays."""
    instance = scenario_instance(**HARD)
    answers = list(itertools.islice(improvements(instance, relative_gap=0.0), 3))
    costs = [evaluate(instance, answer.solution).cost for answer in answers]
    bounds = [answer.bound for answer in answers]
    assert costs == sorted(costs, reverse=True)
    assert bounds == sorted(bounds)


@pytest.mark.parametrize("rules", [Rules(1, 0.2), Rules(3, 1.0, 0.2), Rules(5, 0.0, 0.3)], ids=str)
@pytest.mark.parametrize("most_sets", [0, 1 << 16])
def test_under_rules_it_stops_when_the_time_is_up(rules: Rules, most_sets: int) -> None:
    """Many caches, many users and little time: a feasible answer and a bound not far below it."""
    instance = scenario_instance(slots=10, users=100, models=14, storage_gb=40.0, steps=10_000.0)
    instance = replace(instance, rules=rules)
    budget = Budget(0.5)
    answers = list(improvements(instance, compiled=False, most_sets=most_sets, remaining=budget.remaining))
    score = evaluate(instance, answers[-1].solution)
    assert score.feasible
    assert 0.8 * score.cost < answers[-1].bound <= score.cost


class OnceStarved(FrameSearch):
    """A search that the machine leaves without its processor for a while in one slot."""

    def cache_losses(
        self, t: int, caches: Array, remaining: Callable[[], float]
    ) -> tuple[Array, Array] | None:
        """Return what it always does, in slot 1 late."""
        if t == 1:
            time.sleep(0.3)
        return super().cache_losses(t, caches, remaining)


def test_one_slow_slot_does_not_give_all_caches_up() -> None:
    """Fifty slots like the slow one would not fit into 10 s, but the others show that the time suffices."""
    instance = scenario_instance(slots=50, users=10, models=6, loading_s_per_gb=0.2)
    load = loading_losses(instance, 1)
    found = _best_course(OnceStarved(instance), load, 1 << 16, Budget(10.0).remaining)
    alone = _best_course(FrameSearch(instance), load, 1 << 16, lambda: math.inf)
    assert found is not None
    assert alone is not None
    assert np.array_equal(found.cache, alone.cache)


@pytest.mark.parametrize("count", [60, 61])
def test_models_that_are_all_alike_do_not_multiply_the_search(count: int) -> None:
    """Sixty equal models, of which half fit, are solved at once: exchanging them gives nothing new."""
    ones = np.ones(count)
    models = ModelLibrary(3 * ones, 8e7 * ones, 50 * ones, 60 * ones, 150 * ones, 10 * ones, 0.1 * ones, ones)
    trace = Trace(np.zeros(1), np.full((1, count), 1e-10), np.arange(count)[None], np.full((1, count), 4e7))
    radio = Radio(2e7, 4e7, 2.5e-21, 20.0, np.full(count, 0.2), 1e6, 1e6)
    instance = Instance("alike", 0.7, Server(91.0, 2075.0), radio, models, trace)
    answer = next(improvements(instance, compiled=False))
    assert answer.proven
    assert answer.solution.cache.sum() == 30


@given(instances(positive=positive_extremes))
def test_extreme_numbers_are_answered(instance: Instance) -> None:
    """Whatever float64 holds, the answer keeps the limits and the bound is below its cost."""
    answer = list(improvements(instance, remaining=lambda: 0.0))[-1]
    score = evaluate(instance, answer.solution)
    assert not any(violation.constraint in ("storage", "steps", "range") for violation in score.violations)
    assert not answer.bound > score.cost * (1 + 1e-9)


def test_room_is_rounded_down_to_what_equal_sizes_can_fill() -> None:
    """Room for two and a half models of a size is room for two; without a common size nothing changes."""
    assert usable_room(10.0, np.array([4.0, 4.0])) == pytest.approx(8.0)
    assert usable_room(0.3, np.array([0.1, 0.2])) == pytest.approx(0.3)
    assert usable_room(10.0, np.array([4.0, 4.1])) == pytest.approx(10.0)
    assert usable_room(1.0, np.array([4.0, 8.0])) == 0.0


HOSTILE = Path(__file__).parents[1] / "golden" / "hostile"


def test_a_bound_holds_for_steps_that_the_evaluator_forgives() -> None:
    """Two users take 9e-10 more steps than there are, and gain 15 % by it: the bound is below that too."""
    instance = read_instance(HOSTILE / "steps-tolerance.json")
    forgiven = evaluate(instance, parse_solution((HOSTILE / "steps-tolerance.answer.txt").read_bytes()))
    answer = optimum(instance)
    assert forgiven.feasible
    assert answer.bound <= forgiven.cost * (1 + 1e-12)
    assert evaluate(instance, answer.solution).cost <= forgiven.cost * (1 + 1e-9)


@pytest.mark.parametrize(("name", "cost"), [("h204", 12.018177750913), ("h223", 24.1126880332766)])
def test_a_model_that_the_evaluator_lets_in_is_let_in(name: str, cost: float) -> None:
    """Where one model is 1e-10 too large, the optimum that mixed-integer solvers find is found as well."""
    instance = read_instance(HOSTILE / f"{name}.json")
    score = evaluate(instance, optimum(instance).solution)
    assert score.feasible
    assert score.cost == pytest.approx(cost, rel=1e-9)
