"""The algebraic view keeps the rules: it prices as the evaluator does, and bounds what is possible."""

import itertools
from dataclasses import replace

import highspy
import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyomo_decisions import load
from rules_optimum import least_cost
from strategies import instances

from mincache import Decisions, Scenario, Solution, evaluate, evaluate_batch
from mincache.algebra import milp, pyomo_model
from mincache.algebra.dual_bound import Prices, cheapest_paths, horizon_bound, slot_bounds
from mincache.algebra.parts import answer_parts, out_of_range, parts
from mincache.algebra.rounding import cheapest, round_relaxed
from mincache.algebra.service_cost import cacheable, loading_cost
from mincache.exact import optimal_bandwidth
from mincache.problem.instance import Rules
from mincache.solving.contract import Run
from mincache.solving.feasible import fill_cache, serve

RULED = instances(max_users=3, max_models=3, with_rules=True)


@st.composite
def ruled(draw):
    """Draw an instance with rules, and a solution that keeps them."""
    instance = draw(RULED)
    T, N, M = instance.slot_count, instance.user_count, instance.model_count
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    cache = fill_cache(instance, rng.random((T, M)), rng.random((T, M)) < 0.8)
    steps = serve(instance, cache, rng.random((T, N)), rng.random((T, N)) < 0.7)
    bandwidth = rng.dirichlet(np.full(N, 5.0), T) * (1 - 1e-12)
    solution = Solution.of(instance, Decisions(cache, np.maximum(bandwidth, 1e-3 / N), steps))
    assume(evaluate(instance, solution).feasible)
    return instance, solution


def solved(model):
    """Return the optimal value of a linear or mixed-integer model, by HiGHS."""
    highspy.Highs.resetGlobalScheduler(True)  # whatever number of threads another test had
    pyo.SolverFactory("highs").solve(model, options={"threads": 1, "mip_rel_gap": 1e-9})
    return pyo.value(model.cost)


@settings(max_examples=25)
@given(ruled())
def test_exact_prices_as_the_evaluator(case):
    """A solution that keeps the rules costs in the exact model what it costs in truth, and keeps it."""
    instance, solution = case
    model = pyomo_model.apply(instance, "exact")
    load(model, instance, solution.decisions)
    assert pyo.value(model.cost) == pytest.approx(evaluate(instance, solution).cost, rel=1e-9)
    for constraint in model.component_data_objects(pyo.Constraint):
        assert constraint.slack() >= -1e-6 * (1.0 + abs(pyo.value(constraint.body))), constraint.name


@settings(max_examples=20)
@given(ruled())
def test_invert_undoes_load(case):
    """The decisions loaded come back, and cost the same."""
    instance, solution = case
    model = pyomo_model.apply(instance, "piecewise")
    load(model, instance, solution.decisions)
    found = pyomo_model.invert(model)
    assert np.array_equal(found.cache, solution.cache)
    evaluation = evaluate(instance, Solution.of(instance, found))
    assert evaluation.feasible
    assert evaluation.cost == pytest.approx(evaluate(instance, solution).cost, rel=1e-9)


def test_broken_rules_break_constraints():
    """A cache that changes within a frame, and a hit below the floor, break the model's constraints."""
    framed = Scenario(users=3, models=3, slots=2, frame_slots=2, steps_floor=0.5)
    drawn = framed.instance("drawn", framed.library(0), framed.trace(0, "trace"))
    cache = np.zeros((2, 3), dtype=bool)
    cache[0, drawn.trace.requested_model[0, 0]] = True
    decisions = Decisions(cache, optimal_bandwidth(drawn), np.zeros((2, 3)))
    model = pyomo_model.apply(drawn, "exact")
    load(model, drawn, decisions)
    broken = {
        constraint.parent_component().name
        for constraint in model.component_data_objects(pyo.Constraint)
        if constraint.slack() < -1e-6
    }
    assert "frame" in broken
    weights = [weight.value for weight in model.weight.values()]
    assert min(weights) < 0.0  # fewer steps than the region begins with


@settings(max_examples=15)
@given(RULED)
def test_formulations_bracket_the_optimum(instance):
    """The relaxed optimum is not above the least cost there is, and the piecewise one is that cost."""
    least = least_cost(instance)
    assert solved(pyomo_model.apply(instance, "relaxed")) <= least * (1 + 1e-6) + 1e-9
    assert solved(pyomo_model.apply(instance, "piecewise")) == pytest.approx(least, rel=1e-5, abs=1e-6)


@settings(max_examples=25)
@given(st.data())
def test_any_prices_bound_the_optimum(data):
    """The bound over the horizon holds at any prices; without any it is no less than that of slots."""
    instance = data.draw(RULED)
    price = st.floats(-1e3, 0) | st.floats(0, 1e4) | st.just(0.0)
    T = instance.slot_count
    prices = Prices(*(np.array(data.draw(st.lists(price, min_size=T, max_size=T))) for _ in range(2)))
    bound = horizon_bound(instance, prices)
    assert bound <= least_cost(instance) * (1 + 1e-13)
    alone = slot_bounds(instance).mean()
    assert horizon_bound(instance, Prices(*np.zeros((2, T)))) >= alone - 1e-9 * abs(alone)


def test_multipliers_give_the_relaxed_optimum():
    """At the multipliers of the relaxed model, the bound over the horizon is that model's optimum."""
    scenario = Scenario(users=8, models=6, slots=6, frame_slots=2, loading_s_per_gb=1, steps_floor=0.3)
    instance = scenario.instance("linked", scenario.library(3), scenario.trace(3, "trace"))
    model = pyomo_model.apply(instance, "relaxed")
    model.dual = pyo.Suffix(direction=pyo.Suffix.IMPORT)
    value = solved(model)
    requests = instance.trace.requested_model.size
    storage = [-model.dual[row] * requests * pyo.value(row.upper) for row in model.storage_limit.values()]
    steps = [-model.dual[row] * requests for row in model.step_limit.values()]
    assert horizon_bound(instance, Prices(np.array(storage), np.array(steps))) == pytest.approx(
        value, rel=1e-6
    )


@settings(max_examples=20)
@given(st.data())
def test_cheapest_paths_are_the_cheapest(data):
    """No way to hold a model through the frames costs less than the path found, which costs what it says."""
    instance = data.draw(instances(max_slots=4, max_users=3, max_models=2, with_rules=True))
    T, M = instance.slot_count, instance.model_count
    cost = np.array(data.draw(st.lists(st.floats(-50, 50), min_size=T * M, max_size=T * M))).reshape(T, M)
    total, path = cheapest_paths(instance, cost, cacheable(instance))
    load, F = loading_cost(instance), instance.rules.frame_slots

    def price(held, m):
        before = np.concatenate([[False], held[:-1]])
        return (held * (cost[:, m] + np.where(before, 0.0, load[:, m]))).sum()

    least = 0.0
    for m in range(M):
        paths = [np.array(held) for held in itertools.product([False, True], repeat=T)]
        framed = [held for held in paths if (held == held[np.arange(T) // F * F]).all()]
        possible = [held for held in framed if not (held & ~cacheable(instance)[:, m]).any()]
        least += min(price(held, m) for held in possible)
    assert total == pytest.approx(least, abs=1e-9)
    assert sum(price(path[:, m], m) for m in range(M)) == pytest.approx(total, abs=1e-9)


@settings(max_examples=25)
@given(st.data())
def test_rounding_keeps_the_rules(data):
    """Whatever the relaxed values, rounding keeps limits and rules, and costs no more than the cloud."""
    instance = data.draw(RULED)
    T, N, M = instance.slot_count, instance.user_count, instance.model_count
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    split = np.full((T, N), 1 / N)
    found = round_relaxed(instance, rng.random((T, M)), rng.random((T, N)) / N, split)
    evaluation = evaluate(instance, Solution.of(instance, found))
    assert evaluation.feasible
    assert evaluation.cost <= evaluate(instance, Solution.nothing_cached(instance)).cost * (1 + 1e-12)


def test_the_cheapest_must_be_feasible(instance):
    """Of candidates the cheapest that keeps the limits is taken, not a cheaper one that does not."""
    nothing = Solution.nothing_cached(instance).decisions
    everything = nothing._replace(
        cache=np.ones_like(nothing.cache), step_share=np.full_like(nothing.step_share, 1.0)
    )
    worse = nothing._replace(bandwidth_share=nothing.bandwidth_share / 2)
    costs = [float(evaluate_batch(instance, one).cost) for one in (everything, nothing, worse)]
    assert costs[1] < costs[2]
    best = cheapest(instance, [everything, worse, nothing])
    assert all(np.array_equal(*pair) for pair in zip(best, nothing, strict=True))


@pytest.mark.parametrize(
    ("rules", "length"), [(Rules(), 1), (Rules(frame_slots=2), 2), (Rules(loading_s_per_gb=1.0), 4)]
)
def test_the_cheapest_is_put_together_from_parts(rules, length):
    """Each slot, frame, or all that loading links comes from the candidate that is cheapest there."""
    scenario = Scenario(users=3, models=4, slots=4)
    instance = replace(scenario.instance("x", scenario.library(0), scenario.trace(0, "trace")), rules=rules)
    good = Decisions(np.zeros((4, 4), dtype=bool), optimal_bandwidth(instance), np.zeros((4, 3)))
    bad = good.bandwidth_share / 2
    first, second = good.bandwidth_share.copy(), good.bandwidth_share.copy()
    first[2:], second[:2] = bad[2:], bad[:2]
    found = cheapest(instance, [good._replace(bandwidth_share=split) for split in (first, second)])
    expected = [good.bandwidth_share] if length < 4 else [first, second]
    assert any(np.array_equal(found.bandwidth_share, split) for split in expected)


@settings(max_examples=20)
@given(ruled())
def test_the_program_takes_what_is_feasible(case):
    """What decisions fix of the program comes back from it, served in the order of the users."""
    instance, solution = case
    program = milp.apply(instance)
    values = np.zeros(program.cost.size)
    columns, known = milp.known_values(program, solution.decisions)
    values[columns] = known
    found = milp.invert(program, values)
    cells = program.cells
    held = solution.cache[cells.frame * instance.rules.frame_slots, cells.held_model]
    kept = found.cache[cells.frame * instance.rules.frame_slots, cells.held_model]
    assert np.array_equal(kept, held > 0)
    assert evaluate(instance, Solution.of(instance, found)).feasible


@settings(max_examples=25)
@given(RULED)
def test_parts_are_what_rules_leave_apart(instance):
    """Parts cover the slots in order: slots, frames, or all where loading links them."""
    found = list(parts(instance))
    lengths = [part.slot_count for _, part in found]
    assert [first for first, _ in found] == np.cumsum([0, *lengths])[:-1].tolist()
    assert sum(lengths) == instance.slot_count
    if instance.rules.loading_s_per_gb > 0:
        assert len(found) == 1
    else:
        assert max(lengths) <= instance.rules.frame_slots


@pytest.mark.parametrize(
    ("rules", "lengths"),
    [
        (Rules(), [3, 3, 1]),
        (Rules(frame_slots=2), [6, 1]),
        (Rules(frame_slots=9), [7]),
        (Rules(loading_s_per_gb=1.0), [7]),
    ],
)
def test_parts_together_are_whole_parts(rules, lengths):
    """Three parts at a time cover the slots in order, and none is cut in two."""
    scenario = Scenario(users=2, models=2, slots=7)
    instance = replace(scenario.instance("x", scenario.library(0), scenario.trace(0, "trace")), rules=rules)
    found = list(parts(instance, 3))
    assert [part.slot_count for _, part in found] == lengths
    assert [first for first, _ in found] == np.cumsum([0, *lengths[:-1]]).tolist()


def test_no_time_leaves_the_cloud(instance):
    """Without time no part is answered, and the bounds are those of users with all to themselves."""
    decisions, bound = answer_parts(instance, lambda: 0.0, lambda part, seconds: None)
    assert not decisions.cache.any()
    assert np.array_equal(bound, slot_bounds(instance))
    assert Run.seeded(0).bound == -np.inf


def test_waits_that_are_out_of_range(instance):
    """Loading that costs more than solvers' tolerances can tell apart is refused in a sentence."""
    slow = replace(instance, rules=Rules(loading_s_per_gb=1e200))
    assert out_of_range(instance) is None
    assert "more than solvers take" in str(out_of_range(slow))
