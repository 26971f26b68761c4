"""Estimates and their intervals."""

import numpy as np
import pytest
from scipy import stats

from mincache.paper.measurements import estimate


def ratio(a, b):
    """The function that most claims are of."""
    return (a - b) / a


def test_agrees_with_another_bootstrap():
    """The paired percentile bootstrap of scipy gives the same interval of a ratio, within its noise.

    With 20 libraries the widened level is 1 - 2 Phi(-sqrt(20 / 19) t), t = 2.0930 in tables, so 96.82 %.
    """
    rng = np.random.default_rng(5)
    baseline = rng.normal(50, 4, 20)
    solver = 0.8 * baseline + rng.normal(0, 2, 20)
    found = estimate(ratio, baseline, solver)
    oracle = stats.bootstrap(
        (baseline, solver), lambda a, b, axis: ratio(a.mean(axis=axis), b.mean(axis=axis)),
        paired=True, method="percentile", n_resamples=20_000, rng=6, confidence_level=0.9682,
    ).confidence_interval  # fmt: skip
    assert found.value == pytest.approx(1 - solver.mean() / baseline.mean())
    width = oracle.high - oracle.low
    assert found.low == pytest.approx(oracle.low, abs=0.05 * width)
    assert found.high == pytest.approx(oracle.high, abs=0.05 * width)


def test_libraries_are_drawn_together():
    """Where the solver is 20 % better in every library, so it is in every resample, however they differ."""
    baseline = np.array([1.0, 10.0, 100.0])
    assert estimate(ratio, baseline, 0.8 * baseline) == pytest.approx((0.2, 0.2, 0.2))


@pytest.mark.parametrize("count", [5, 20])
def test_covers_the_truth_as_often_as_it_should(count):
    """Of 300 normal samples the interval holds the mean in 91 to 99 %, also with five libraries."""
    rng = np.random.default_rng(7)
    found = [estimate(lambda x: x, rng.normal(0, 1, count)) for _ in range(300)]
    assert 0.91 <= np.mean([one.low <= 0 <= one.high for one in found]) <= 0.99


def test_fields():
    """An estimate makes three fields of a row."""
    assert estimate(lambda x: x, np.array([3.0])).fields("x") == {"x": 3, "x_low": 3, "x_high": 3}
