"""The parts of a gap: they add up, each is what only its own decision costs, and hand-made cases agree."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import instances

from mincache import Decisions, InputError, Instance, Scenario, Solution, evaluate, read_instance
from mincache.analysis.explanation import PARTS, best_answer, explain
from mincache.exact import Optimum, optimum
from mincache.problem.instance import ModelLibrary, Rules
from mincache.solving.feasible import fill_cache, raise_to_floor
from mincache.solving.greedy import answer as greedy_answer

GOLDEN = Path(__file__).parents[1] / "golden" / "optimum"


@st.composite
def answered(draw: st.DrawFn) -> tuple[Instance, Solution]:
    """Draw an instance, with rules or without, and a feasible answer to it of any quality."""
    instance = draw(instances(with_rules=True))
    T, N, M = instance.slot_count, instance.user_count, instance.model_count
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    cache = fill_cache(instance, rng.random((T, M)), rng.random((T, M)) < 0.7)
    bandwidth, steps = rng.random((T, N)) + 0.01, rng.random((T, N))
    bandwidth, steps = (share / share.sum(axis=1, keepdims=True) * (1 - 1e-9) for share in (bandwidth, steps))
    steps = raise_to_floor(instance, cache, steps * rng.random((T, 1)))
    solution = Solution.of(instance, Decisions(cache, bandwidth, steps))
    assume(evaluate(instance, solution).feasible)
    return instance, solution


@given(answered())
def test_parts_add_up(case):
    """Over parts, slots and models the sums are the gap, and exchanging bandwidth or steps never costs."""
    instance, solution = case
    found = explain(instance, solution)
    scale = max(1.0, found.cost)
    assert found.proven
    assert tuple(found.parts) == PARTS
    assert found.cost == pytest.approx(evaluate(instance, solution).cost, rel=1e-12)
    assert sum(found.parts.values()) == pytest.approx(found.gap, abs=1e-9 * scale)
    assert found.by_model.sum() == pytest.approx(found.gap, abs=1e-9 * scale)
    for part, in_slots in found.by_slot.items():
        assert in_slots.mean() == pytest.approx(found.parts[part], abs=1e-9 * scale)
    assert min(found.parts["bandwidth"], found.parts["steps"], found.gap) >= -1e-9 * scale
    if not instance.rules.loading_s_per_gb:
        assert found.parts["loading"] == 0.0
    if not instance.rules.steps_floor:
        assert found.parts["floor"] == 0.0


@pytest.fixture(scope="module")
def ordinary() -> tuple[Instance, Solution]:
    """An instance whose resources are all scarce, and its optimum."""
    scenario = Scenario(users=5, models=5, slots=3, storage_gb=9, steps=500, uplink_mhz=5)
    instance = scenario.instance("drawn", scenario.library(3), scenario.trace(3, "test"))
    return instance, optimum(instance).solution


def whole_gap_in(part: str, instance: Instance, solution: Solution) -> float:
    """Check that nothing but one part is lost, and return the gap."""
    found = explain(instance, solution)
    lost = evaluate(instance, solution).cost - evaluate(instance, optimum(instance).solution).cost
    assert found.gap == pytest.approx(lost, abs=1e-9)
    assert found.parts == pytest.approx({name: lost if name == part else 0.0 for name in PARTS}, abs=1e-9)
    return float(lost)


def test_only_bandwidth(ordinary):
    """Where the bandwidth alone is another than the optimum's, the whole gap is there."""
    instance, best = ordinary
    equal = np.full_like(best.bandwidth_share, 1 / instance.user_count)
    assert whole_gap_in("bandwidth", instance, replace(best, bandwidth_share=equal)) > 1e-3


def test_only_steps(ordinary):
    """Where the steps alone are others, the whole gap is there."""
    instance, best = ordinary
    assert whole_gap_in("steps", instance, replace(best, step_share=0.5 * best.step_share)) > 1e-3


def test_only_caching(ordinary):
    """Where nothing is cached and the bandwidth is the best, the whole gap is the cache's."""
    instance, best = ordinary
    empty = Decisions(np.zeros_like(best.cache), best.bandwidth_share, np.zeros_like(best.step_share))
    assert whole_gap_in("caching", instance, Solution.of(instance, empty)) > 1e-3


def hand_made(rules: Rules, requests: list[list[int]], onset: list[float], storage_gb: float) -> Instance:
    """Return an instance whose models differ in A1 alone, and whose images no step improves."""
    same = {
        "size_gb": 2.0, "output_bits": 8e7, "tv_worst": 30.0, "steps_saturation": 100.0, "tv_best": 30.0,
        "seconds_per_step": 0.1, "seconds_base": 1.0,
    }  # fmt: skip
    models = ModelLibrary(steps_onset=onset, **{name: np.full(len(onset), one) for name, one in same.items()})
    scenario = Scenario(
        users=len(requests[0]), models=len(onset), slots=len(requests), storage_gb=storage_gb,
        steps=10_000, preference_weight=0.5,
    )  # fmt: skip
    trace = replace(scenario.trace(1, "test"), requested_model=requests)
    trace = replace(trace, input_bits=np.full_like(trace.input_bits, 8e7))
    return replace(scenario.instance("hand", models, trace), rules=rules)


def test_only_loading():
    """A model that is dropped where nobody asks for it is loaded twice: 0.5 * 0.25 s/GB * 2 GB for 1 of 6."""
    instance = hand_made(Rules(loading_s_per_gb=0.25), [[0, 0], [1, 1], [0, 1]], [10, 10], 4)
    best = optimum(instance).solution
    assert best.cache.all() or best.cache[:, 0].all()
    dropped = best.cache.copy()
    dropped[1, 0] = 0
    assert whole_gap_in("loading", instance, replace(best, cache=dropped)) == pytest.approx(
        0.5 * 0.25 * 2.0 / 6
    )


def test_only_the_floor():
    """Of two models alike but for A1 = 10 and 50, a floor makes hits on the second wait for 20 steps more."""
    instance = hand_made(Rules(steps_floor=0.5), [[0, 1]], [10, 50], 2)
    best = optimum(instance).solution
    assert best.cache.tolist() == [[1, 0]]
    other = greedy_answer(instance, np.array([[False, True]]), best.bandwidth_share)
    assert whole_gap_in("floor", instance, other) == pytest.approx(0.5 * 0.1 * 20 / 2)


def test_what_differs_is_told_in_words():
    """The worst slot says which models were cached, their size and requests, and which ones instead."""
    instance = hand_made(Rules(), [[0, 0, 1], [0, 0, 0]], [10, 10], 2)
    best = optimum(instance).solution
    cache = best.cache.copy()
    cache[0] = [0, 1]
    found = explain(instance, replace(best, cache=cache))
    assert found.worst_slots(5) == [0]
    assert found.difference(0) == (
        "cached model 1 (2 GB, 1 request); the optimum cached model 0 (2 GB, 2 requests) instead"
    )
    assert (
        found.difference(1) == "the same cache; gave 0 steps to 0 users, the optimum gave 0 steps to 0 users"
    )
    assert found.by_model[0] > 0.0 > found.by_model[1]


@pytest.mark.parametrize("folder", sorted(GOLDEN.iterdir()), ids=lambda folder: folder.name)
def test_against_the_golden_optima(folder):
    """What an answer is held against is the known optimum."""
    instance = read_instance(folder / "instance.json")
    found = explain(instance, Solution.nothing_cached(instance))
    want = float(json.loads((folder / "expected.json").read_text())["optimal_cost"])
    assert found.optimum == pytest.approx(want, rel=1e-9)


def test_a_better_known_answer_takes_the_place_of_an_unproven_one(ordinary):
    """Where nothing is proven, the answer itself is the best known if it costs less."""
    instance, best = ordinary
    nothing = Solution.nothing_cached(instance)
    poor = Optimum(nothing, 0.0, proven=False)
    found = explain(instance, best, poor)
    assert (found.proven, found.optimum) == (False, pytest.approx(evaluate(instance, best).cost, rel=1e-12))
    assert best_answer(instance, 60.0, nothing).proven


@pytest.mark.parametrize("seconds", [float("nan"), 0.0, -1.0, "5"])
def test_the_time_limit_is_above_nothing(ordinary, seconds):
    """A time limit in which nothing can be found is refused."""
    with pytest.raises(InputError, match="time_limit_s: must be a number > 0"):
        explain(*ordinary, time_limit_s=seconds)


@pytest.mark.parametrize("number", [-1, 1.5, None, "0"])
def test_slots_are_whole_numbers(ordinary, number):
    """Slots are counted from 0, and as many as there are can be told of."""
    found = explain(*ordinary)
    for call in (found.worst_slots, found.difference):
        with pytest.raises(InputError, match="must be a whole number >= 0"):
            call(number)
    with pytest.raises(InputError, match="must be a slot from 0 to 2"):
        found.difference(3)


def test_infeasible_answers_are_refused(ordinary):
    """A gap of an answer that breaks a limit would mean nothing."""
    instance, best = ordinary
    too_much = replace(best, cache=np.ones_like(best.cache))
    with pytest.raises(
        InputError, match=r"solution: must be feasible; received storage; try: mincache score"
    ):
        explain(instance, too_much)
