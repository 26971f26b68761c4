"""Equations (1)-(10) against hand-computed values, closed forms and limits, on numpy and on torch."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import arrays, between, hostile_shares

from mincache.problem import equations

torch = pytest.importorskip("torch")


@given(between(-3, 3), st.integers(1, 30))
def test_zipf_is_a_distribution(skewness, ranks):
    """(1) sums to one, and is proportional to rank^-gamma."""
    probability = equations.zipf_probability(np.arange(1.0, ranks + 1), skewness, ranks)
    assert probability.sum() == pytest.approx(1, rel=1e-13)
    for rank in range(1, ranks + 1):
        assert probability[rank - 1] / probability[0] == pytest.approx(rank**-skewness, rel=1e-12)


def test_zipf_by_hand():
    """(1) at gamma = 1 and M = 3 is 6/11, 3/11, 2/11; at gamma = 0 all are equal."""
    ranks = np.array([1.0, 2.0, 3.0])
    assert equations.zipf_probability(ranks, 1.0, 3) == pytest.approx([6 / 11, 3 / 11, 2 / 11])
    assert equations.zipf_probability(ranks, 0.0, 3) == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize(
    ("share", "snr", "efficiency"),
    [(1.0, 1.0, 1.0), (1.0, 3.0, 2.0), (0.5, 0.5, 0.5), (0.25, 3.75, 1.0), (0.5, 7.5, 2.0)],
)
def test_rate_by_hand(share, snr, efficiency):
    """(2): b W log2(1 + snr / b), at powers of two; the downlink (5) is the case b = 1."""
    shares = np.array([share])
    assert equations.uplink_rate_bps(shares, snr, 10e6) == pytest.approx(efficiency * 10e6, rel=1e-15)
    if share == 1.0:
        assert equations.downlink_rate_bps(np.array([snr]), 10e6) == pytest.approx(
            efficiency * 10e6, rel=1e-15
        )


def test_signal_to_noise_by_hand():
    """0.2 W over a gain of 1e-10 against 4e-21 W/Hz in 20 MHz is 250."""
    assert equations.signal_to_noise(np.array(0.2), 1e-10, 4e-21, 20e6) == pytest.approx(250, rel=1e-14)


def test_path_loss_by_hand():
    """(3) is -128.1 dB at 1 km, and 37.6 dB less a decade nearer."""
    loss = equations.path_loss_db(np.array([1.0, 0.1, 0.001]))
    assert loss == pytest.approx([-128.1, -90.5, -15.3], rel=1e-14)


@given(between(1e-6, 1e12))
def test_rate_rises_with_the_share_and_ends_at_the_band(snr):
    """A larger share never has a lower rate, none has an infinite one, and no share beats the whole band."""
    shares = np.array([0.0, 1e-320, 1e-315, 1e-308, 1e-300, 1e-200, 1e-100, 1e-16, 1e-3, 0.5, 1.0])
    with np.errstate(over="ignore"):
        rate = equations.spectral_efficiency(shares, snr)
    assert rate[0] == 0.0
    assert (np.diff(rate) > 0).all()
    assert rate[-1] == pytest.approx(math.log2(1 + snr) if snr > 1e-3 else snr / math.log(2), rel=1e-3)


@pytest.mark.parametrize("share", [0.0, -0.0])
def test_no_share_takes_forever(share):
    """Without bandwidth the rate is +0, also at a share of -0, so the upload takes +inf seconds."""
    with np.errstate(divide="ignore"):
        rate = equations.uplink_rate_bps(np.array(share), 1e3, 20e6)
        assert equations.transmission_delay_s(1e6, rate) == math.inf


@given(st.floats(1e-290, 1), st.floats(1e-3, 1e9))
def test_rate_of_any_share(share, snr):
    """(2) holds to the last digits at any share above the largest that float64 cannot divide by."""
    expected = (
        share
        * (math.log1p(snr / share) if snr / share < 1e15 else math.log(snr) - math.log(share))
        / math.log(2)
    )
    assert equations.spectral_efficiency(np.array(share), snr) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("share", [1e-318, 1e-310, 1e-308])
def test_a_vanishing_share_is_no_free_lunch(share):
    """Where snr / share overflows, the rate stays within 5 % of its limit, and below it."""
    snr = 1e6
    exact = share * (math.log(snr) - math.log(share)) / math.log(2)
    with np.errstate(over="ignore"):
        rate = float(equations.spectral_efficiency(np.array(share), snr))
    assert 0.95 * exact <= rate <= exact


def test_delays_by_hand():
    """(4), (6): bits over rate, and over the backhaul too on a miss; infinite at rate 0."""
    hit = np.array([True, False])
    with np.errstate(divide="ignore"):
        assert equations.transmission_delay_s(np.array([8e6, 1.0]), np.array([4e6, 0.0])).tolist() == [
            2,
            math.inf,
        ]
    assert equations.backhaul_delay_s(hit, 8e6, 1e8).tolist() == [0, 0.08]
    assert equations.total_delay_s(1.0, 2.0, 3.5) == 6.5


ONSET, SATURATION, WORST, BEST = 50.0, 150.0, 120.0, 20.0


@pytest.mark.parametrize(
    ("steps", "tv"),
    [
        (-10.0, 120.0),
        (-0.0, 120.0),
        (0.0, 120.0),
        (49.9, 120.0),
        (50.0, 120.0),
        (75.0, 95.0),
        (100.0, 70.0),
        (149.0, 21.0),
        (150.0, 20.0),
        (150.1, 20.0),
        (1e300, 20.0),
        (math.inf, 20.0),
    ],
)
def test_total_variation_by_hand(steps, tv):
    """(7): A2 up to A1 steps, A4 from A3 steps, the chord between; a miss has A4 whatever its steps."""
    hit = np.array([True, False])
    got = equations.total_variation(hit, np.array([steps, steps]), ONSET, SATURATION, WORST, BEST)
    assert got.tolist() == pytest.approx([tv, BEST], rel=1e-15)


@given(between(0, 100), between(1e-3, 100), between(0, 50), between(0, 100))
def test_total_variation_at_its_corners(onset, width, best, drop):
    """Exactly at A1 and at A3 the value is A2 and A4, to the last digit of the larger."""
    saturation, worst = onset + width, best + drop
    at = equations.total_variation(np.True_, np.array([onset, saturation]), onset, saturation, worst, best)
    assert at[0] == pytest.approx(worst, rel=4e-16)
    assert at[1] == best


def test_generation_by_hand():
    """(8): a hit takes its steps, also beyond A3; a miss takes A3 whatever it is given."""
    hit = np.array([True, True, False])
    steps = np.array([0.0, 1000.0, 1000.0])
    assert equations.generation_delay_s(hit, steps, 150.0, 0.5, 3.0).tolist() == [3.0, 503.0, 78.0]


def test_least_steps_by_hand():
    """A floor of 0.25 asks for a quarter of the way from A1 to A3, a floor of 1 for A3, none for nothing."""
    onset, saturation = np.array([50.0, 0.0]), np.array([150.0, 8.0])
    assert equations.least_steps(onset, saturation, 0.25).tolist() == [75.0, 2.0]
    assert equations.least_steps(onset, saturation, 1.0).tolist() == [150.0, 8.0]
    assert equations.least_steps(onset, saturation, 0.0).tolist() == [0.0, 0.0]


def test_loading_by_hand():
    """A model of 3 GB at 0.5 s per GB takes 1.5 s to load, and no time where it is there already."""
    assert equations.loading_delay_s(np.array([True, False]), 3.0, 0.5).tolist() == [1.5, 0.0]


@given(between(0, 1), between(0, 1e3), between(0, 1e3))
def test_cost_lies_between_delay_and_variation(weight, delay, tv):
    """(10) is the weighted mean of delay and TV."""
    cost = equations.cost(weight, delay, tv)
    slack = 1e-12 * max(delay, tv)
    assert min(delay, tv) - slack <= cost <= max(delay, tv) + slack
    assert equations.cost(1.0, delay, tv) == delay
    assert equations.cost(0.0, delay, tv) == tv


def price(share, steps, hit, snr, like):
    """Price two users with every equation but (1) and (3), in the library of `share`."""
    bits, onset, saturation, worst, best = (
        like(v) for v in ([6e7, 5e7], [60, 50], [160, 170], [120, 130], [20, 30])
    )
    rate = equations.uplink_rate_bps(share, snr, 20e6)
    backhaul = equations.backhaul_delay_s(hit, bits, 1e8)
    upload = equations.transmission_delay_s(bits, rate) + backhaul
    download = equations.transmission_delay_s(bits, equations.downlink_rate_bps(snr, 40e6)) + backhaul
    generation = equations.generation_delay_s(hit, steps, saturation, 0.25, 5.0)
    tv = equations.total_variation(hit, steps, onset, saturation, worst, best)
    return equations.cost(0.7, equations.total_delay_s(upload, download, generation), tv)


@given(
    arrays(between(1e-4, 1) | st.sampled_from([1e-300, 1e-310, -0.1]), 2),
    arrays(between(-10, 1000), 2),
    arrays(st.booleans(), 2),
    arrays(between(1, 1e9), 2),
)
def test_numpy_and_torch_agree(share, steps, hit, snr):
    """Both libraries give the same prices, to the last digits."""
    with np.errstate(invalid="ignore", over="ignore"):
        ours = price(share, steps, hit, snr, lambda v: np.array(v, float))
    tensors = (torch.from_numpy(np.asarray(v)) for v in (share, steps, hit, snr))
    theirs = price(*tensors, lambda v: torch.tensor(v, dtype=torch.float64))
    np.testing.assert_allclose(theirs.numpy(), ours, rtol=1e-13)


@given(
    arrays(between(0.01, 1), 2),
    arrays(between(61, 159), 2),
    arrays(st.booleans(), 2),
    arrays(between(1, 1e6), 2),
)
def test_gradients_flow_through_torch(share, steps, hit, snr):
    """The gradients in share, steps and snr are those of finite differences."""
    inputs = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (share, steps, snr)]
    flags = torch.from_numpy(hit)

    def total(share, steps, snr):
        return price(share, steps, flags, snr, lambda v: torch.tensor(v, dtype=torch.float64)).sum()

    slopes = torch.autograd.grad(total(*inputs), inputs)
    for i, step in enumerate((1e-7, 1e-4, 1e-7)):
        for n in range(2):
            moved = [inputs[i].detach().clone() for _ in range(2)]
            size = step * float(inputs[i][n].detach().abs())
            moved[0][n] += size
            moved[1][n] -= size
            up, down = (float(total(*inputs[:i], point, *inputs[i + 1 :]).detach()) for point in moved)
            assert float(slopes[i][n]) == pytest.approx((up - down) / (2 * size), rel=1e-3, abs=1e-5)


def test_gradients_are_finite_at_the_edges():
    """No share and no number of steps turns a gradient of the rate or of (7) into nan."""
    share = torch.tensor([0.0, 1e-100, 1.0], dtype=torch.float64, requires_grad=True)
    equations.spectral_efficiency(share, torch.full((3,), 1e3, dtype=torch.float64)).sum().backward()
    assert share.grad.isfinite().all()
    steps = torch.tensor([0.0, ONSET, SATURATION, 1e300], dtype=torch.float64, requires_grad=True)
    equations.total_variation(torch.tensor(True), steps, ONSET, SATURATION, WORST, BEST).sum().backward()
    assert steps.grad.isfinite().all()


@given(arrays(hostile_shares, 6))
def test_no_warning_for_any_share(shares):
    """The rate of any share in [0, 1], zero included, divides by nothing."""
    with np.errstate(divide="raise", invalid="raise", over="ignore"):
        equations.spectral_efficiency(np.clip(shares, 0, 1), 1e3)


def test_single_precision_stays_single():
    """A float32 tensor is priced in float32, as networks are trained."""
    share = torch.tensor([0.0, 0.5])
    assert equations.spectral_efficiency(share, torch.tensor([3.0, 3.0])).dtype == torch.float32
