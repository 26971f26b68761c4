"""The evaluator against pricing one user at a time, and a batch against single calls, each in one run."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable

import numpy as np
import pytest

from mincache import Decisions, Instance, SlotPricer, Solution, evaluate, evaluate_batch, serve
from mincache.generation.suites import find
from mincache.problem import equations
from mincache.problem.quantity import Array
from mincache.views.vector import VectorView

CANDIDATES = 1000
PAIRS = 15


@pytest.fixture(scope="module")
def instance() -> Instance:
    """An instance of paper-v1 with 18 users: 50 slots, 10 models."""
    return find("paper-v1").read("paper-v1.l0.n18.t0")


@pytest.fixture(scope="module")
def candidates(instance: Instance) -> Decisions:
    """Feasible decisions: the first three models cached, shares at random."""
    rng = np.random.default_rng(0)
    shape = (CANDIDATES, instance.slot_count, instance.user_count)
    cache = np.broadcast_to(np.arange(instance.model_count) < 3, (*shape[:2], instance.model_count))
    bandwidth, steps = rng.random(shape), rng.random(shape)
    return Decisions(
        cache, bandwidth / bandwidth.sum(axis=-1, keepdims=True), steps / steps.sum(axis=-1, keepdims=True)
    )


@pytest.fixture(scope="module")
def solutions(instance: Instance, candidates: Decisions) -> list[Solution]:
    """The candidates as solutions."""
    return [Solution.of(instance, Decisions(*(array[k] for array in candidates))) for k in range(CANDIDATES)]


def user_by_user(instance: Instance, solution: Solution) -> dict[str, float]:
    """Score a solution as `evaluate` does, every equation applied to one user at a time."""
    radio, models, trace, server = instance.radio, instance.models, instance.trace, instance.server
    totals = dict.fromkeys(("cost", "upload", "download", "backhaul", "generation", "tv", "hits", "low"), 0.0)
    broken = 0
    for t in range(instance.slot_count):
        bandwidth_sum = steps_sum = 0.0
        for n in range(instance.user_count):
            m = trace.requested_model[t, n]
            hit = solution.cache[t, m] == 1
            share, steps = solution.bandwidth_share[t, n], solution.step_share[t, n] * server.steps
            gain, input_bits, output_bits = (
                trace.channel_gain[t, n],
                trace.input_bits[t, n],
                models.output_bits[m],
            )
            snr = equations.signal_to_noise(
                radio.user_power_w[n], gain, radio.noise_w_per_hz, radio.uplink_hz
            )
            rate = equations.uplink_rate_bps(share, snr, radio.uplink_hz)
            upload = equations.transmission_delay_s(input_bits, rate)
            snr = equations.signal_to_noise(radio.bs_power_w, gain, radio.noise_w_per_hz, radio.downlink_hz)
            rate = equations.downlink_rate_bps(snr, radio.downlink_hz)
            download = equations.transmission_delay_s(output_bits, rate)
            backhaul = equations.backhaul_delay_s(hit, input_bits, radio.backhaul_up_bps)
            backhaul += equations.backhaul_delay_s(hit, output_bits, radio.backhaul_down_bps)
            onset, saturation = models.steps_onset[m], models.steps_saturation[m]
            generation = equations.generation_delay_s(
                hit, steps, saturation, models.seconds_per_step[m], models.seconds_base[m]
            )
            tv = equations.total_variation(
                hit, steps, onset, saturation, models.tv_worst[m], models.tv_best[m]
            )
            delay = equations.total_delay_s(upload + backhaul, download, generation)
            totals["cost"] += equations.cost(instance.preference_weight, delay, tv)
            totals["upload"] += upload
            totals["download"] += download
            totals["backhaul"] += backhaul
            totals["generation"] += generation
            totals["tv"] += tv
            totals["hits"] += hit
            totals["low"] += hit and steps <= onset
            bandwidth_sum += share
            steps_sum += solution.step_share[t, n]
            broken += not (0 < share <= 1 and 0 <= solution.step_share[t, n] <= 1)
        stored = sum(models.size_gb[m] for m in range(instance.model_count) if solution.cache[t, m])
        broken += bandwidth_sum > 1 + 1e-9 or steps_sum > 1 + 1e-9 or stored > server.storage_gb * (1 + 1e-9)
    return {name: total / trace.requested_model.size for name, total in totals.items()} | {"broken": broken}


def seconds(work: Callable[[], object], calls: int) -> float:
    """Return the seconds of one of `calls` calls in a row."""
    start = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - start) / calls


def ratio(slow: Callable[[], object], fast: Callable[[], object], calls: int) -> float:
    """Return the median of slow / fast over pairs timed next to each other."""
    slow(), fast()
    return statistics.median(seconds(slow, 1) / seconds(fast, calls) for _ in range(PAIRS))


def test_one_evaluation_against_a_loop_over_users(benchmark, instance, solutions):
    """One call of the evaluator is at least 150 times as fast as the equations, one user at a time."""
    solution = solutions[0]
    assert math.isclose(
        user_by_user(instance, solution)["cost"], evaluate(instance, solution).cost, rel_tol=1e-12
    )
    benchmark(evaluate, instance, solution)
    found = ratio(lambda: user_by_user(instance, solution), lambda: evaluate(instance, solution), calls=200)
    benchmark.extra_info["ratio"] = found
    print(f"\nevaluate: {found:.0f} times as fast as user by user")
    assert found >= 150


def test_a_candidate_of_a_batch_against_a_loop_over_users(benchmark, instance, candidates, solutions):
    """As a search prices candidates, each takes at most a 300th of the loop over users."""
    benchmark.pedantic(evaluate_batch, (instance, candidates), rounds=5, warmup_rounds=1)
    found = CANDIDATES * ratio(
        lambda: user_by_user(instance, solutions[0]), lambda: evaluate_batch(instance, candidates), calls=1
    )
    benchmark.extra_info["ratio"] = found
    print(f"\nevaluate_batch, a candidate: {found:.0f} times as fast as user by user")
    assert found >= 300


def test_batch_against_single_calls(benchmark, instance, candidates, solutions):
    """Pricing 1,000 candidates at once is at least 5 times as fast as 1,000 calls."""
    benchmark.pedantic(evaluate_batch, (instance, candidates), rounds=5, warmup_rounds=1)
    found = ratio(
        lambda: [evaluate(instance, solution) for solution in solutions],
        lambda: evaluate_batch(instance, candidates),
        calls=3,
    )
    benchmark.extra_info["ratio"] = found
    print(f"\nevaluate_batch of {CANDIDATES}: {found:.1f} times as fast as single calls")
    assert found >= 5


def test_a_toggle_against_serving_the_slot(benchmark, instance):
    """Re-pricing a slot after a toggle takes at most 5 us and a 30th of serving and pricing the slot anew."""
    pytest.importorskip("numba")
    pricer, slot = SlotPricer(instance, 0, compiled=True), instance.slot(0)
    cache = np.zeros((1, instance.model_count), bool)
    cache[0, 1] = True
    assert math.isclose(
        pricer.toggled_cost(1), evaluate(slot, serve(slot, cache)).slot_cost[0], rel_tol=1e-12
    )
    benchmark(pricer.toggled_cost, 1)
    found = ratio(lambda: evaluate(slot, serve(slot, cache)), lambda: pricer.toggled_cost(1), calls=1000)
    least_us = 1e6 * min(seconds(lambda: pricer.toggled_cost(1), 1000) for _ in range(PAIRS))
    benchmark.extra_info.update(ratio=found, least_us=least_us)
    print(f"\nSlotPricer, a toggle: {least_us:.1f} us, {found:.0f} times as fast as serving the slot anew")
    assert found >= 30
    assert least_us <= 5.0


def test_one_point_of_the_vector_view_against_many(benchmark, instance):
    """A point alone costs what it costs: its repair and its price, against those of a point among 200."""
    slot, view = instance.slot(0), VectorView("priority-serve")
    points = np.random.default_rng(0).random((200, 1, view.apply(slot)))

    def price(some: Array) -> Array:
        return evaluate_batch(slot, view.invert(slot, some)).cost

    benchmark(price, points[:1])
    found = 200 * ratio(lambda: price(points[:1]), lambda: price(points), calls=1)
    least_us = 1e6 * min(seconds(lambda: price(points[:1]), 20) for _ in range(10 * PAIRS))
    benchmark.extra_info.update(ratio=found, least_us=least_us)
    print(f"\nvector view, one point: {least_us:.0f} us, {found:.0f} times a point among 200")
    assert found <= 100
