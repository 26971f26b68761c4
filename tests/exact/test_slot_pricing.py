"""Pricing a slot's cache and its neighbours, against the evaluator."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import arrays, examples, instances

from mincache import InputError, Instance, SlotPricer, evaluate, load, serve
from mincache.problem.instance import Rules
from mincache.problem.quantity import Array

SMOKE = load("smoke-v1.l1.n10.t0")
RULES = [Rules(), Rules(steps_floor=0.4), Rules(loading_s_per_gb=0.3), Rules(1, 0.5, 0.2), Rules(2)]


def expected(instance: Instance, cache: Array, t: int) -> float:
    """The cost of slot `t` by the evaluator; infinite where it breaks a limit."""
    found = evaluate(instance, serve(instance, cache))
    broken = any(violation.slot == t for violation in found.violations)
    return np.inf if broken else found.slot_cost[t]


@examples(60, whole=200)
@given(st.data(), instances(with_rules=True))
def test_prices_are_the_evaluators(data: st.DataObject, instance: Instance) -> None:
    """With every rule, cache and toggle, the price is the evaluator's to 1e-12; a toggle back undoes it."""
    instance = replace(instance, rules=replace(instance.rules, frame_slots=1))  # a slot alone has no frames
    T, M = instance.slot_count, instance.model_count
    cache = data.draw(arrays(st.booleans(), T, M)).reshape(T, M)
    t = data.draw(st.integers(0, T - 1))
    pricer = SlotPricer(instance, t, cache[t], cache[t - 1] if t else None, compiled=False)
    costs, before = pricer.toggled_costs(), pricer.cost
    for m in range(M):
        other = cache.copy()
        other[t, m] ^= True
        assert pricer.toggled_cost(m) == pytest.approx(expected(instance, other, t), rel=1e-12)
        assert costs[m] == pytest.approx(pricer.toggled_cost(m), rel=1e-14)
    m = data.draw(st.integers(0, M - 1))
    cache[t, m] ^= True
    assert pricer.toggle(m) == pytest.approx(expected(instance, cache, t), rel=1e-12)
    assert (pricer.cache == cache[t]).all()
    assert pricer.toggle(m) == before


@pytest.mark.parametrize("rules", RULES, ids=str)
def test_a_swap_is_two_toggles(rules: Rules) -> None:
    """Both ways lead to one price, which is the evaluator's; in a frame each slot is priced alone."""
    instance = replace(SMOKE, rules=rules)
    cache = np.zeros((instance.slot_count, instance.model_count), bool)
    cache[:, 0] = True
    pricer = SlotPricer(instance, 3, cache[3], cache[2])
    swapped = pricer.toggled_cost(0, 1)
    pricer.toggle(0)
    assert pricer.toggle(1) == swapped
    cache[2:4, :2] ^= True
    loaded = replace(instance, rules=replace(rules, loading_s_per_gb=0.0))
    if not rules.loading_s_per_gb:
        assert swapped == pytest.approx(expected(loaded, cache, 3), rel=1e-12)


def test_compiled_loops_price_alike() -> None:
    """Numba's prices are those of plain Python, to rounding."""
    pytest.importorskip("numba")
    rng = np.random.default_rng(0)
    for rules in RULES:
        instance = replace(SMOKE, rules=rules)
        pricers = [SlotPricer(instance, 1, compiled=compiled) for compiled in (False, True)]
        for m in rng.integers(instance.model_count, size=20).tolist():
            one, other = (pricer.toggle(m) for pricer in pricers)
            assert one == pytest.approx(other, rel=1e-14)
            one_all, other_all = (pricer.toggled_costs() for pricer in pricers)
            assert one_all == pytest.approx(other_all, rel=1e-14)


@pytest.mark.parametrize("slot", [-1, 10, 1.0, None, True, "1"])
def test_what_is_no_slot_is_refused(slot: object) -> None:
    """The refusal tells which there are."""
    with pytest.raises(InputError, match="slot: must be a slot from 0 to 9; received"):
        SlotPricer(SMOKE, slot)  # type: ignore[arg-type]


@pytest.mark.parametrize("cache", [[1], [[0] * 10], [0.5] * 10, ["x"] * 10, [None] * 10, object(), 1])
def test_what_is_no_cache_is_refused(cache: object) -> None:
    """The refusal tells the shape and the values."""
    with pytest.raises(InputError, match="cache: must be an array of 10 numbers, 0 or 1"):
        SlotPricer(SMOKE, 0, cache)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "other"), [(-1, None), (10, None), (0, 10), (3, 3), ("x", None), (1.5, None), (0, -1)]
)
def test_what_is_no_model_is_refused(model: object, other: object) -> None:
    """Also a model with itself; the pricer stays as it was."""
    pricer = SlotPricer(SMOKE, 0)
    before = pricer.cost
    with pytest.raises(InputError, match="model: must be a model from 0 to 9, or two"):
        pricer.toggle(model, other)  # type: ignore[arg-type]
    assert pricer.cost == before
