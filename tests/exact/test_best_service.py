"""The best bandwidth and steps for given caches."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from brute_force import hostile_instances, least_cost_with
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import arrays, examples, feasible, instances

from mincache import InputError, Instance, evaluate, evaluate_batch, load, serve, serve_batch
from mincache.exact import optimum
from mincache.problem.instance import Rules, Server
from mincache.problem.quantity import Array

SMOKE = load("smoke-v1.l1.n10.t0")


def caches_of(draw: st.DrawFn, instance: Instance, *batch: int) -> Array:
    """Draw caches that stay the same within each frame of `instance`, whether they fit or not."""
    T, M = instance.slot_count, instance.model_count
    frames = draw(arrays(st.booleans(), *batch, T, M)).reshape(*batch, T, M)
    slot = np.arange(T)
    return frames[..., slot - slot % instance.rules.frame_slots, :]


@examples(100, whole=500)
@given(st.data(), hostile_instances())
def test_no_other_steps_cost_less(data: st.DataObject, instance: Instance) -> None:
    """With every rule and cache, the cost is the least that brute force finds, or both find none."""
    instance = replace(instance, server=Server(1e6, instance.server.steps))  # whatever is cached fits
    cache = data.draw(st.composite(caches_of)(instance))
    solution = serve(instance, cache)
    score, least = evaluate(instance, solution), least_cost_with(instance, cache, solution.bandwidth_share)
    assert score.feasible == np.isfinite(least)
    assert not score.feasible or score.cost == pytest.approx(least, rel=1e-9)
    assert {violation.constraint for violation in score.violations} <= {"quality"}


@given(st.data(), instances())
def test_no_other_shares_cost_less(data: st.DataObject, instance: Instance) -> None:
    """Any feasible solution costs at least what its cache costs with the best bandwidth and steps."""
    other = data.draw(feasible(instance))
    least = evaluate(instance, serve(instance, other.cache))
    assert least.feasible
    assert least.cost <= evaluate(instance, other).cost * (1 + 1e-9)


@pytest.mark.parametrize("rules", [Rules(), Rules(3), Rules(steps_floor=0.4), Rules(2, 0.5, 0.2)], ids=str)
def test_the_optimal_caches_give_the_optimum(rules: Rules) -> None:
    """A search over caches alone misses nothing: the optimum's cache brings back the optimum's cost."""
    instance = replace(SMOKE, rules=rules)
    best = optimum(instance).solution
    cost = evaluate(instance, serve(instance, best.cache)).cost
    # Steps may pass their limit by what the evaluator forgives; how far, the two decide apart.
    assert cost == pytest.approx(evaluate(instance, best).cost, rel=2e-9)


@given(st.data(), instances(max_slots=2, max_users=3, with_rules=True))
def test_a_batch_is_its_caches_one_by_one(data: st.DataObject, instance: Instance) -> None:
    """Each entry of a batch, with any leading axes, is the answer to its cache alone, bit by bit."""
    caches = data.draw(st.composite(caches_of)(instance, 2, 3))
    batch = serve_batch(instance, caches)
    assert evaluate_batch(instance, batch).cost.shape == (2, 3)
    for i, j in itertools.product(range(2), range(3)):
        one = serve(instance, caches[i, j])
        assert all(
            np.array_equal(got[i, j], of_one) for got, of_one in zip(batch, one.decisions, strict=True)
        )


@pytest.mark.parametrize("steps_floor", [0.0, 0.3])
def test_compiled_loops_give_the_same_bytes(steps_floor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer does not depend on which form of the loops ran."""
    instance = replace(SMOKE, rules=Rules(steps_floor=steps_floor))
    caches = np.random.default_rng(1).random((4, instance.slot_count, instance.model_count)) < 0.4
    plain, compiled = [], []
    for steps, pays in ((plain, False), (compiled, True)):
        monkeypatch.setattr("mincache.exact.loops._plain_s", [0.0])
        monkeypatch.setattr("mincache.exact.loops._LARGE_WORK", 0 if pays else 1e9)
        steps.append(serve_batch(instance, caches).step_share.tobytes())
    assert plain == compiled


def test_an_empty_batch_is_answered() -> None:
    """A batch of no caches gives decisions with no entries."""
    batch = serve_batch(SMOKE, np.zeros((0, SMOKE.slot_count, SMOKE.model_count)))
    assert batch.step_share.shape == (0, SMOKE.slot_count, SMOKE.user_count)


@pytest.mark.parametrize(
    ("cache", "told"),
    [
        (np.zeros((10, 9)), "cache: must have the shape [10][10]; received [10, 9]"),
        (np.zeros((1, 10, 10)), "for a batch of caches call mincache.serve_batch"),
        (np.full((10, 10), 0.5), "cache: must be 0 or 1 everywhere; received 0.5"),
        (np.full((10, 10), np.nan), "cache: must be 0 or 1 everywhere; received nan"),
        (np.zeros(3), "must have the shape [10][10]; received [3]"),
        ([[0], [0, 1]], "must be an array of numbers; received rows of different lengths"),
        ([["a"] * 10] * 10, "cache: must be an array of numbers"),
    ],
)
def test_what_is_no_cache_is_refused(cache: Array, told: str) -> None:
    """A wrong shape or value is refused in one line."""
    with pytest.raises(InputError) as caught:
        serve(SMOKE, cache)
    assert told in str(caught.value)


@given(st.integers(2, 4))
def test_a_cache_that_changes_within_a_frame_is_refused(frame_slots: int) -> None:
    """The message names the first slot that differs from its frame's first."""
    cache = np.zeros((SMOKE.slot_count, SMOKE.model_count))
    cache[frame_slots + 1, 3] = 1
    instance = replace(SMOKE, rules=Rules(frame_slots))
    assume(frame_slots > 1)
    with pytest.raises(InputError, match=f"frame of {frame_slots} slots; .* in slot {frame_slots + 1}"):
        serve(instance, cache)
