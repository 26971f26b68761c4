"""The only unit conversions of the project.

Everything inside mincache is in SI units (W, Hz, bit, s) except storage, which stays in GB as in the
paper; these functions stand at the border, where Table I speaks of dBm, MHz, MB and Mbps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Number = Any
"""A float or a numpy array; what goes in comes out."""


def decibel_to_ratio(decibel: Number) -> Number:
    """Return the power ratio of `decibel` dB."""
    return 10.0 ** (decibel / 10.0)


def ratio_to_decibel(ratio: Number) -> Number:
    """Return a power ratio in dB."""
    return 10.0 * np.log10(ratio)


def dbm_to_watt(dbm: Number) -> Number:
    """Return `dbm` dBm in watt; for a density, dBm/Hz in W/Hz."""
    return decibel_to_ratio(dbm) / 1000.0


def megahertz_to_hertz(megahertz: Number) -> Number:
    """Return `megahertz` MHz in Hz."""
    return megahertz * 1e6


def megabytes_to_bits(megabytes: Number) -> Number:
    """Return `megabytes` MB in bit; 1 MB is 8e6 bit."""
    return megabytes * 8e6


def megabits_per_second_to_bits_per_second(megabits_per_second: Number) -> Number:
    """Return `megabits_per_second` Mbps in bit/s."""
    return megabits_per_second * 1e6


def metres_to_kilometres(metres: Number) -> Number:
    """Return `metres` m in km."""
    return metres / 1000.0


DATA_UNITS = {"bit": 1.0, "byte": 8.0, "kB": 8e3, "MB": 8e6, "GB": 8e9}
"""Bits of one unit of data; units are decimal."""
TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Seconds of one unit of time."""


def data_to_bits(size: Number, unit: str) -> Number:
    """Return a size in one of `DATA_UNITS` in bit."""
    return size * DATA_UNITS[unit]


def time_to_seconds(time: Number, unit: str) -> Number:
    """Return a time in one of `TIME_UNITS` in s."""
    return time * TIME_UNITS[unit]
