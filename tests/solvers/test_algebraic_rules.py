"""Solvers on the algebraic view keep the rules: on tiny instances they agree with trying everything."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rules_optimum import least_cost
from strategies import instances

from mincache import Run, Scenario, evaluate
from mincache.problem.instance import Rules
from mincache.solving import registry

RULED = instances(max_users=3, max_models=3, with_rules=True)
RULES = st.sampled_from(
    [
        Rules(frame_slots=2),
        Rules(loading_s_per_gb=0.5),
        Rules(steps_floor=0.5),
        Rules(frame_slots=2, loading_s_per_gb=2, steps_floor=0.25),
    ]
)


@st.composite
def contested(draw):
    """Draw paper-like instances in which storage and steps bind, small enough to try everything."""
    scenario = Scenario(
        users=4, models=4, slots=5, storage_gb=draw(st.sampled_from([8, 12, 20])),
        steps=draw(st.sampled_from([150, 300, 500])), seconds_per_step=(0, 0.1),
    )  # fmt: skip
    seed = draw(st.integers(0, 1000))
    instance = scenario.instance("contested", scenario.library(seed), scenario.trace(seed, "trace"))
    return replace(instance, rules=draw(RULES))


def linked(slots=10, users=10, **rules):
    """Return an instance of the paper's scenario with rules."""
    scenario = Scenario(users=users, slots=slots, **rules)
    return scenario.instance("linked", scenario.library(1), scenario.trace(1, "trace"))


def answered(instance, spec, seconds=float("inf")):
    """Return the evaluation of the answer of `spec`, which must be feasible, and its bound."""
    run, solver = Run.seeded(0, seconds), registry.make(spec)
    assert solver.supports(instance) is None
    evaluation = evaluate(instance, solver.solve(instance, run))
    assert evaluation.feasible, evaluation.violations
    return evaluation, run.bound


@settings(max_examples=25)
@given(RULED | contested())
def test_highs_finds_the_least_cost(instance):
    """HiGHS agrees with trying everything, and its bound is just below."""
    evaluation, bound = answered(instance, "highs")
    least = least_cost(instance)
    assert evaluation.cost == pytest.approx(least, rel=1e-7, abs=1e-9)
    assert least * (1 - 1e-6) - 1e-6 <= bound <= least * (1 + 1e-11)


@settings(max_examples=8)
@given(RULED | contested())
def test_scip_finds_the_least_cost(instance):
    """SCIP agrees with trying everything, to its gap."""
    evaluation, bound = answered(instance, "scip")
    least = least_cost(instance)
    assert evaluation.cost == pytest.approx(least, rel=3e-6, abs=1e-6)
    assert bound <= least * (1 + 1e-11)


@settings(max_examples=10)
@given(RULED | contested())
def test_relaxation_encloses_the_least_cost(instance):
    """The relaxation's bound is not above the least cost, its answer not below."""
    evaluation, bound = answered(instance, "relaxation")
    least = least_cost(instance)
    assert bound <= least * (1 + 1e-11)
    assert evaluation.cost >= least * (1 - 1e-9)


@pytest.mark.parametrize("formulation", ["exact", "piecewise", "relaxed"])
def test_pyomo_keeps_the_rules(formulation):
    """Whatever the formulation, a feasible answer comes back, with a bound below the least cost."""
    instance = linked(slots=3, users=4, models=4, frame_slots=2, loading_s_per_gb=1, steps_floor=0.5)
    solver = "scip_direct" if formulation == "exact" else "highs"
    evaluation, bound = answered(instance, f"pyomo[solver={solver},formulation={formulation}]")
    least = least_cost(instance)
    assert bound <= least
    assert evaluation.cost == pytest.approx(least, rel=0.1 if formulation == "relaxed" else 3e-6)


def test_highs_reports_as_it_goes():
    """Over a horizon that loading links, incumbents and bounds come before the end, and close in."""
    instance = linked(slots=20, loading_s_per_gb=1)
    seen = []
    run = Run.seeded(0)
    run.reporter = lambda seconds, solution, bound: seen.append((solution, bound))
    answer = evaluate(instance, registry.make("highs").solve(instance, run)).cost
    costs = [evaluate(instance, solution).cost for solution, _ in seen if solution is not None]
    bounds = [bound for _, bound in seen if bound is not None]
    assert len(costs) > 2
    assert costs[0] > answer == costs[-1]
    assert bounds == sorted(bounds)
    assert bounds[0] < bounds[-1] <= answer


@pytest.mark.parametrize("spec", ["highs", "scip", "relaxation"])
@pytest.mark.parametrize("rule", [{"frame_slots": 5}, {"loading_s_per_gb": 1}])
def test_without_time(spec, rule):
    """When the time is up, they answer with the cloud, and their bounds hold."""
    instance = linked(**rule)
    evaluation, bound = answered(instance, spec, seconds=0.0)
    assert evaluation.hit_ratio == 0.0
    assert np.isfinite(bound)
    assert 0.0 < bound < evaluation.cost
