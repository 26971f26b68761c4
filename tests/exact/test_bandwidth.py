from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import between, instances, positive_extremes

from mincache import Decisions, Instance, evaluate_batch
from mincache.exact import bandwidth, marginal_delay_s, optimal_bandwidth, optimal_shares
from mincache.problem.instance import ModelLibrary, Radio, Server, Trace
from mincache.problem.quantity import Array

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


def lone_user(snr: float) -> Instance:
    """One user who sends 1 Mbit over 1 Hz of band, at this signal-to-noise ratio over the whole of it."""
    one = np.ones(1)
    return Instance(
        "lone", 1.0, Server(1.0, 1.0), Radio(1.0, 1.0, 1.0, 1.0, one, 1.0, 1.0),
        ModelLibrary(one, one, 0 * one, one, one, one, one, one),
        Trace(np.zeros(1), np.full((1, 1), snr), np.zeros((1, 1)), np.full((1, 1), 1e6)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "within"), [(1e-6, 0.9999e-3, 2e-14), (1.0001e-3, 1e-2, 1e-12), (1e-2, 1e2, 1e-13)]
)
def test_the_marginal_delay_of_weak_users(low: float, high: float, within: float) -> None:
    """Where ln(1 + u) - u / (1 + u) cancels, a series gives all digits of it below u = 1e-3, and 12 above."""
    for snr in np.geomspace(low, high, 40):
        want = float(marginal_delay(1e6, snr, 1.0) * mpmath.log(2))
        assert marginal_delay_s(lone_user(snr), np.ones((1, 1))).item() == pytest.approx(want, rel=within)


@pytest.mark.parametrize("snr", [1e-7, 1e-3, 1.0, 1e3, 1e12])
def test_shares_of_two_users_by_bisection(snr: float) -> None:
    """The share of one, found in 60 digits where both marginal delays are the same, to 4e-15."""
    bits, ratios = np.array([1.0, 3.0]), np.array([snr, 5 * snr])
    low, high = mpmath.mpf(0), mpmath.mpf(1)
    with mpmath.workdps(60):
        for _ in range(80):
            share = (low + high) / 2
            first, second = (
                d * (mpmath.log1p(s / b) - s / (s + b)) / (b * mpmath.log1p(s / b)) ** 2
                for d, s, b in ((1, snr, share), (3, 5 * mpmath.mpf(snr), 1 - share))
            )
            low, high = (share, high) if first > second else (low, share)
    assert optimal_shares(bits, ratios) == pytest.approx([float(low), float(1 - low)], rel=1e-14)


def rounds_of(bits: Array, snr: Array, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return in how many rounds, plain ones and those of Newton, the shares settle."""
    rounds = []
    logarithms = bandwidth._logarithms
    with monkeypatch.context() as patch:
        patch.setattr(bandwidth, "_logarithms", lambda *given: (rounds.append(1), logarithms(*given))[1])
        optimal_shares(bits, snr)
    return len(rounds)


@pytest.mark.parametrize(("decades", "rounds"), [(0.5, 4), (3.0, 5), (60.0, 5)])
def test_the_shares_settle_in_a_few_rounds(
    decades: float, rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two plain rounds end near enough for two or three of Newton, whose error is squared in each."""
    users = 10.0 ** np.random.default_rng(1).uniform(-decades, decades, (50, 2, 20))
    assert max(rounds_of(*slot, monkeypatch) for slot in users) == rounds
