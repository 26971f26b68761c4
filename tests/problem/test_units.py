"""Conversions against values that Table I's readers can check by hand."""

import math

import numpy as np
import pytest

from mincache.problem import units


@pytest.mark.parametrize(
    ("dbm", "watt"), [(0, 1e-3), (30, 1.0), (43, 19.952623149688797), (23, 0.19952623149688797), (-10, 1e-4)]
)
def test_dbm(dbm, watt):
    """0 dBm is a milliwatt, and 10 dB are a factor of ten."""
    assert units.dbm_to_watt(dbm) == pytest.approx(watt, rel=1e-14)


def test_noise_density():
    """-176 dBm/Hz is 10^-20.6 W/Hz."""
    assert units.dbm_to_watt(-176.0) == pytest.approx(math.exp(-20.6 * math.log(10)), rel=1e-12)


def test_factors():
    """MB, MHz and Mbps are decimal: 8e6 bit, 1e6 Hz, 1e6 bit/s; a metre is a thousandth of a km."""
    assert units.megabytes_to_bits(1) == 8_000_000
    assert units.megahertz_to_hertz(20) == 20_000_000
    assert units.megabits_per_second_to_bits_per_second(100) == 100_000_000
    assert units.metres_to_kilometres(250) == 0.25
    assert units.decibel_to_ratio(-20) == pytest.approx(0.01, rel=1e-14)


def test_arrays_in_arrays_out():
    """Each conversion works on arrays, entry by entry."""
    values = np.array([1.0, 23.0, 43.0])
    for convert in (units.dbm_to_watt, units.megabytes_to_bits, units.metres_to_kilometres):
        assert convert(values).tolist() == pytest.approx([convert(value) for value in values.tolist()])


def test_units_of_data_and_time_are_decimal():
    """A byte has 8 bits, larger units go up by thousands, and units of time go down by thousands."""
    steps = [units.data_to_bits(1, unit) for unit in ("byte", "kB", "MB", "GB")]
    assert steps == [8, 8_000, units.megabytes_to_bits(1), 8_000_000_000]
    assert units.data_to_bits(3, "bit") == 3
    assert [units.time_to_seconds(2_000, unit) for unit in ("s", "ms")] == [2_000, 2]
    assert units.time_to_seconds(1, "us") == pytest.approx(1000 * units.time_to_seconds(1, "ns"), rel=1e-15)
