"""The Pyomo model prices as the evaluator does, and its formulations bound the optimum."""

import json
import math
from dataclasses import replace

import highspy
import numpy as np
import pyomo.environ as pyo
import pytest
from conftest import GOLDEN
from hypothesis import given
from hypothesis import strategies as st
from pyomo_decisions import load
from strategies import examples, feasible, instances

from mincache import Decisions, Scenario, Solution, evaluate, read_instance
from mincache.algebra import pyomo_model
from mincache.algebra.dual_bound import Prices, horizon_bound, upload_bound
from mincache.algebra.parts import out_of_range
from mincache.algebra.rounding import round_relaxed, within_limits
from mincache.algebra.service_cost import Tangents, request_cost, shares_near_optimum
from mincache.problem import equations
from mincache.problem.requests import upload_s
from mincache.solving import registry
from mincache.solving.contract import Run

OPTIMA = sorted(GOLDEN.glob("optimum/*"))


def optimum(instance):
    """Return the optimal cost, by the exact method, which uses no solver."""
    return evaluate(instance, registry.make("decomposition").solve(instance, Run.seeded(0))).cost


def solved(model):
    """Return the optimal value of a linear or mixed-integer model, by HiGHS."""
    highspy.Highs.resetGlobalScheduler(True)  # whatever number of threads another test had
    pyo.SolverFactory("highs").solve(model, options={"threads": 1, "mip_rel_gap": 1e-9})
    return pyo.value(model.cost)


def golden(folder):
    """Return a golden instance and its optimal cost."""
    expected = json.loads((folder / "expected.json").read_text())
    return read_instance(folder / "instance.json"), float(expected["optimal_cost"])


def paper_slot(users, seed):
    """Return a slot of the paper's scenario."""
    scenario = Scenario(users=users, slots=1, models=6)
    return scenario.instance("slot", scenario.library(seed), scenario.trace(seed, "trace"))


@examples(60, whole=200)
@given(st.data())
def test_exact_prices_as_the_evaluator(data):
    """A feasible solution costs in the exact model what it costs in truth, and keeps its constraints."""
    instance = data.draw(instances(max_slots=2))
    solution = data.draw(feasible(instance))
    model = pyomo_model.apply(instance, "exact")
    load(model, instance, solution.decisions)
    assert pyo.value(model.cost) == pytest.approx(evaluate(instance, solution).cost, rel=1e-9)
    for constraint in model.component_data_objects(pyo.Constraint):
        assert constraint.slack() >= -1e-6 * (1.0 + abs(pyo.value(constraint.body))), constraint.name


@given(st.data())
def test_invert_undoes_load(data):
    """The decisions loaded come back, but for the steps of misses, which are left out."""
    instance = data.draw(instances())
    solution = data.draw(feasible(instance))
    model = pyomo_model.apply(instance, "exact")
    load(model, instance, solution.decisions)
    found = pyomo_model.invert(model)
    hit = np.take_along_axis(solution.cache, instance.trace.requested_model, axis=1) > 0
    assert np.array_equal(found.cache, solution.cache)
    assert found.bandwidth_share == pytest.approx(solution.bandwidth_share, rel=1e-12)
    assert found.step_share == pytest.approx(np.where(hit, solution.step_share, 0.0), rel=1e-12)
    assert evaluate(instance, Solution.of(instance, found)).cost == pytest.approx(
        evaluate(instance, solution).cost, rel=1e-12
    )


@pytest.mark.parametrize("users", [1, 3, 8, 18])
def test_relaxed_bounds_the_optimum(users):
    """The relaxed model's optimum is never above the true one, in hundreds of slots."""
    for seed in range(50):
        slot = paper_slot(users, seed)
        assert solved(pyomo_model.apply(slot, "relaxed")) <= optimum(slot) * (1 + 1e-7)


@examples(30, whole=60)
@given(instances(max_slots=1))
def test_relaxed_bounds_the_optimum_of_odd_slots(instance):
    """Neither ties, nor models larger than the storage, nor A1 beyond L lift the relaxed model too high."""
    assert solved(pyomo_model.apply(instance, "relaxed")) <= optimum(instance) * (1 + 1e-6) + 1e-9


@examples(60, whole=200)
@given(st.data())
def test_any_prices_bound_the_optimum(data):
    """The Lagrangian bound holds at any prices, negative ones included."""
    instance = data.draw(instances())
    price = st.floats(-1e3, 0) | st.floats(0, 1e4) | st.just(0.0)
    T = instance.slot_count
    prices = Prices(*(np.array(data.draw(st.lists(price, min_size=T, max_size=T))) for _ in range(2)))
    assert horizon_bound(instance, prices) <= optimum(instance) * (1 + 1e-13)


def test_multipliers_give_the_relaxed_optimum():
    """At the multipliers of the relaxed model, the Lagrangian bound is that model's optimum."""
    slot = paper_slot(10, 7)
    model = pyomo_model.apply(slot, "relaxed")
    model.dual = pyo.Suffix(direction=pyo.Suffix.IMPORT)
    value = solved(model)
    storage = -model.dual[model.storage_limit[0]] * slot.user_count * pyo.value(model.storage_limit[0].upper)
    steps = -model.dual[model.step_limit[0]] * slot.user_count
    bound = horizon_bound(slot, Prices(np.array([storage]), np.array([steps])))
    assert bound == pytest.approx(value, rel=1e-6)


@given(instances())
def test_upload_bound_is_the_optimal_split(instance):
    """The bound on the uploads' cost is their cost under the optimal split."""
    split = shares_near_optimum(instance)[..., 1:2]
    cost = instance.preference_weight * upload_s(instance, split)[..., 0].mean(axis=1)
    bound = upload_bound(instance)
    assert (bound <= cost).all()
    assert bound == pytest.approx(cost, rel=1e-6)


@pytest.mark.parametrize("folder", OPTIMA, ids=lambda folder: folder.name)
def test_piecewise_reaches_the_optimum(folder):
    """The mixed-integer model's optimum is the true one, and so is what its answer costs."""
    instance, optimal = golden(folder)
    model = pyomo_model.apply(instance, "piecewise")
    value = solved(model)
    cost = evaluate(instance, Solution.of(instance, pyomo_model.invert(model))).cost
    assert value == pytest.approx(optimal, rel=1e-7)
    assert optimal * (1 - 1e-9) <= cost <= optimal * (1 + 2e-6)


def test_a_whole_instance_is_the_mean_of_its_slots():
    """The model of an instance has the mean of its slots' optima."""
    instance, _ = golden(OPTIMA[1])
    slots = [solved(pyomo_model.apply(instance.slot(t), "relaxed")) for t in range(instance.slot_count)]
    assert solved(pyomo_model.apply(instance, "relaxed")) == pytest.approx(np.mean(slots), rel=1e-7)


@given(st.data())
def test_request_cost_is_the_evaluator_less_the_upload(data):
    """What a request costs beside its upload, plus its upload, is what the evaluator says."""
    instance = data.draw(instances())
    solution = data.draw(feasible(instance))
    hit = np.take_along_axis(solution.cache, instance.trace.requested_model, axis=1) > 0
    steps = solution.step_share * instance.server.steps
    service = np.where(hit, request_cost(instance, True, steps), request_cost(instance, False, steps))
    upload = upload_s(instance, solution.bandwidth_share)
    cost = service + instance.preference_weight * upload
    assert cost.mean() == pytest.approx(evaluate(instance, solution).cost, rel=1e-12)


@given(instances(max_slots=2), st.floats(0.01, 0.9))
def test_tangents_lie_below(instance, share):
    """A tangent touches the delay with its slope, and is nowhere above it."""
    at = np.full((*instance.trace.input_bits.shape, 1), share)
    tangents = Tangents.at(instance, at)
    everywhere = np.broadcast_to(np.linspace(1e-3, 1, 200), (*at.shape[:2], 200))
    delay = upload_s(instance, everywhere)
    line = tangents.offset_s + tangents.slope_s * everywhere
    assert (line <= delay * (1 + 1e-9)).all()
    step = 1e-5 * share
    secant = (upload_s(instance, at + step) - upload_s(instance, at - step)) / (2 * step)
    # Where the delay hardly falls, the difference of two of them is mostly rounding.
    rounding = 1e-15 * upload_s(instance, at) / step
    assert (np.abs(tangents.slope_s - secant) <= 1e-6 * np.abs(secant) + 10 * rounding).all()


@given(st.floats(1e5, 1e8), st.floats(1e5, 1e8), st.floats(1e-3, 1e3), st.floats(1e-3, 1.0))
def test_upload_expression_is_the_rate(bits, hertz, snr, share):
    """The expression that models hold is the delay at the rate (2)."""
    rate = equations.uplink_rate_bps(np.float64(share), snr, hertz)
    assert pyomo_model.upload_expression(bits, hertz, snr, share, math.log) == pytest.approx(
        bits / rate, rel=1e-12
    )


def test_no_optimum_below_the_floor(instance):
    """Models leave out shares below a hundredth of the optimal one, and nothing else."""
    model = pyomo_model.apply(instance.slot(0), "exact")
    split = shares_near_optimum(instance.slot(0))[0, :, 1]
    floor = [model.bandwidth_share[0, n].lb for n in model.users]
    assert floor == pytest.approx(0.01 * split)


def test_assign_by_name(instance):
    """Values by name reach their variables, and the others are 0."""
    model = pyomo_model.apply(instance.slot(0), "piecewise")
    pyomo_model.assign(model, {"cache[0,1]": 1.0, "step_share[0,2]": 0.25})
    found = pyomo_model.invert(model)
    assert found.cache.sum() == 1
    assert found.cache[0, 1]
    assert found.step_share[0, 2] == 0.25


@given(st.lists(st.floats(-1e-6, 1.0), min_size=1, max_size=6).map(np.array))
def test_within_limits(shares):
    """Shares are brought into their limits, and ones that keep them stay as they are."""
    inside = within_limits(shares)
    assert (inside >= 0).all()
    assert inside.sum() <= 1 + 1e-12
    if shares.min() >= 0 and shares.sum() <= 1:
        assert np.array_equal(inside, shares)


@examples(50, whole=150)
@given(st.data())
def test_rounding_is_feasible_and_no_worse_than_the_cloud(data):
    """Whatever the relaxed values, rounding is feasible and costs no more than caching nothing."""
    slot = data.draw(instances(max_slots=1, max_users=6))
    unit = st.floats(0, 1)
    cache = np.array(data.draw(st.lists(unit, min_size=slot.model_count, max_size=slot.model_count)))
    steps = np.array(data.draw(st.lists(unit, min_size=slot.user_count, max_size=slot.user_count)))
    split = np.full(slot.user_count, 1 / slot.user_count)
    rounded = evaluate(slot, Solution.of(slot, round_relaxed(slot, cache[None], steps[None], split[None])))
    assert rounded.feasible
    assert rounded.cost <= evaluate(slot, Solution.nothing_cached(slot)).cost * (1 + 1e-12) + 1e-12


def test_rounding_keeps_an_integral_answer(instance):
    """Values that are feasible already stay: the cached models, and who is served."""
    slot = instance.slot(0)
    best = registry.make("decomposition").solve(slot, Run.seeded(0))
    rounded = round_relaxed(slot, best.cache.astype(float), best.step_share, best.bandwidth_share)
    assert isinstance(rounded, Decisions)
    assert evaluate(slot, Solution.of(slot, rounded)).cost == pytest.approx(
        evaluate(slot, best).cost, rel=1e-9
    )


def test_out_of_range_says_so(instance):
    """Ordinary numbers are in range; a gain of 1e-300 is not, and the sentence says how far."""
    gain = np.full_like(instance.trace.channel_gain, 1e-300)
    hostile = replace(instance, trace=replace(instance.trace, channel_gain=gain))
    assert out_of_range(instance) is None
    assert "more than solvers take" in str(out_of_range(hostile))
