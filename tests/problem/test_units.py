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
    assert units.BITS_PER_MEGABYTE == 8_000_000
    assert 20 * units.MEGA == 20_000_000
    assert 250 / units.METRES_PER_KILOMETRE == 0.25
    assert units.decibel_to_ratio(-20) == pytest.approx(0.01, rel=1e-14)


def test_arrays_in_arrays_out():
    """Each conversion works on arrays, entry by entry."""
    values = np.array([1.0, 23.0, 43.0])
    for convert in (units.dbm_to_watt, units.decibel_to_ratio, units.ratio_to_decibel):
        assert convert(values).tolist() == pytest.approx([convert(value) for value in values.tolist()])


def test_units_of_data_and_time_are_decimal():
    """A byte has 8 bits, larger units go up by thousands, and units of time go down by thousands."""
    assert units.DATA_UNITS == {"bit": 1, "byte": 8, "kB": 8_000, "MB": 8_000_000, "GB": 8_000_000_000}
    assert list(units.TIME_UNITS) == ["s", "ms", "us", "ns"]
    assert list(units.TIME_UNITS.values()) == pytest.approx([1000.0**-power for power in range(4)], rel=1e-15)
