from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import between, instances, positive_extremes

from mincache import Decisions, Instance, evaluate_batch
from mincache.exact import marginal_delay_s, optimal_bandwidth, optimal_shares

WIDE = between(-60, 60).map(lambda exponent: 10.0**exponent)


def pairs(value: st.SearchStrategy[float]) -> st.SearchStrategy[list[tuple[float, float]]]:
    """Lists of users: bits to send, and signal-to-noise ratio over the whole band."""
    return st.lists(st.tuples(value, value), min_size=1, max_size=6)


def marginal_delay(bits: float, snr: float, share: float) -> mpmath.mpf:
    """How much delay, in units of bit/Hz, a user would save by more of the band."""
    with mpmath.workdps(400):
        d, s, b = (mpmath.mpf(float(value)) for value in (bits, snr, share))
        log = mpmath.log1p(s / b)
        return d * (log - s / (s + b)) / (b * log) ** 2


@given(pairs(WIDE))
def test_every_users_marginal_delay_is_the_same(users: list[tuple[float, float]]) -> None:
    """Marginals within 1.8e-12, which fall with a power of the share above 1.8: shares within 1e-12."""
    bits, snr = np.array(users).T
    shares = optimal_shares(bits, snr)
    if shares.min() > 1e-200:
        marginal = [marginal_delay(*user, share) for user, share in zip(users, shares, strict=True)]
        assert max(marginal) / min(marginal) - 1 < 1.8e-12


@given(instances(max_users=6))
def test_shares_are_positive_and_never_sum_to_more_than_one(instance: Instance) -> None:
    """Added up without any rounding, the shares of a slot fall short of 1 by rounding alone."""
    for row in optimal_bandwidth(instance):
        total = sum(Fraction(share) for share in row.tolist())
        assert row.min() > 0
        assert 1 - 1e-14 < total <= 1


@pytest.mark.parametrize("users", [1, 2, 3, 1000, 30_001])
def test_equal_users_get_equal_shares(users: int) -> None:
    """Users who are all alike split the band equally, however many they are."""
    shares = optimal_shares(np.full((2, users), 5e7), np.full((2, users), 40.0))
    np.testing.assert_allclose(shares, 1 / users, rtol=1e-13)
    assert shares.sum(axis=1).max() <= 1


@given(instances(max_slots=1), st.integers(0, 2**32))
def test_no_other_split_costs_less(instance: Instance, seed: int) -> None:
    """Of many random splits, near and far, the evaluator finds none cheaper."""
    best = optimal_bandwidth(instance)
    noise = np.random.default_rng(seed).normal(size=(60, *best.shape))
    factors = np.exp(noise * np.logspace(-4, 1, 60)[:, None, None])
    others = np.concatenate([best[None], best * factors])
    others[1:] /= others[1:].sum(axis=-1, keepdims=True)
    nothing_cached = np.zeros((61, 1, instance.model_count))
    cost = evaluate_batch(instance, Decisions(nothing_cached, others, np.zeros_like(others))).cost
    assert cost[0] <= cost[1:].min() * (1 + 1e-12)


@given(instances(positive=positive_extremes))
def test_extreme_numbers_give_shares_all_the_same(instance: Instance) -> None:
    """Whatever float64 holds, every user gets a positive share and the shares sum to 1 at most."""
    shares = optimal_bandwidth(instance)
    assert (shares > 0).all()
    assert (shares.sum(axis=1) <= 1).all()


@given(instances(max_users=5), st.integers(0, 2**32))
def test_the_marginal_delay_is_the_derivative_of_the_upload(instance: Instance, seed: int) -> None:
    """At any split it agrees with the formula in 400 digits, in seconds for a unit of share."""
    radio, trace = instance.radio, instance.trace
    share = np.random.default_rng(seed).dirichlet(np.ones(instance.user_count), instance.slot_count)
    snr = radio.user_power_w * trace.channel_gain / (radio.noise_w_per_hz * radio.uplink_hz)
    users = zip(trace.input_bits.flat, snr.flat, share.flat, strict=True)
    want = [float(marginal_delay(*user) * mpmath.log(2)) / radio.uplink_hz for user in users]
    np.testing.assert_allclose(marginal_delay_s(instance, share).ravel(), want, rtol=1e-10)
