"""Rounding arrays gives what rounding each number's text gives, to the last bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mincache.generation.digits import round_array, round_number

COUNT = 100_000
RNG = np.random.default_rng(5)
TIES = RNG.integers(100_000, 1_000_000, 20_000) + 0.5


def one_by_one(values):
    """Return the array of `round_number` of each."""
    return np.array([round_number(value) for value in values.ravel().tolist()]).reshape(values.shape)


@pytest.mark.parametrize(
    "values",
    [
        4e7 * (1 + RNG.random(COUNT)),
        10 ** RNG.uniform(-17, -8, COUNT),
        -(10 ** RNG.uniform(-30, 30, COUNT)),
        RNG.random((50, 40, 10)),
        10 ** RNG.uniform(-320, 308, COUNT // 5),
        np.array([0.0, -0.0, 1.0, 999_999.4999, 999_999.5, 99_999.95, 1e22, 1e23, 5e-324, 1.7e308]),
    ],
    ids=["input bits", "gains", "wide", "matrix", "everything", "ends"],
)
def test_arrays_are_rounded_as_numbers_are(values):
    """Whatever the magnitude, no bit differs."""
    rounded = round_array(values)
    assert rounded.shape == values.shape
    assert rounded.tobytes() == one_by_one(values).tobytes()


@pytest.mark.parametrize("power", range(-20, 21, 5))
def test_ties_and_their_neighbours(power):
    """Half way between two decimals, and one bit to either side of it, no bit differs."""
    half_way = TIES * 10.0**power
    for values in (half_way, np.nextafter(half_way, 0.0), np.nextafter(half_way, np.inf)):
        assert round_array(values).tobytes() == one_by_one(values).tobytes()


@given(hnp.arrays(np.float64, st.integers(0, 5), elements=st.floats()))
def test_any_float(values):
    """Infinities and nan stay what they are, and no bit of a number differs."""
    rounded, wanted = round_array(values), one_by_one(values)
    assert np.array_equal(rounded, wanted, equal_nan=True)
    assert np.array_equal(np.signbit(rounded), np.signbit(wanted))


@given(st.floats(1e-300, 1e300))
def test_six_digits(value):
    """A rounded number is its own text of six digits, and within half a unit of the last of them."""
    rounded = round_number(value)
    assert float(f"{rounded:.5e}") == rounded
    assert abs(rounded - value) <= 5.0000001e-6 * value
