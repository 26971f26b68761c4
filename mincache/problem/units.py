"""The only unit conversions: inside are SI units and GB of storage, outside dBm, MHz, MB and Mbps."""

from typing import Any

import numpy as np

Number = Any
"""A float or a numpy array; what goes in comes out."""
MEGA = 1e6
"""Hz of one MHz, bit/s of one Mbps."""
METRES_PER_KILOMETRE = 1000.0
DATA_UNITS = {"bit": 1.0, "byte": 8.0, "kB": 8e3, "MB": 8e6, "GB": 8e9}
"""Bits of one unit of data; units are decimal."""
TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Seconds of one unit of time."""
BITS_PER_MEGABYTE = DATA_UNITS["MB"]


def decibel_to_ratio(decibel: Number) -> Number:
    """Return the power ratio of `decibel` dB."""
    return 10.0 ** (decibel / 10.0)


def ratio_to_decibel(ratio: Number) -> Number:
    """Return a power ratio in dB."""
    return 10.0 * np.log10(ratio)


def dbm_to_watt(dbm: Number) -> Number:
    """Return `dbm` dBm in watt; for a density, dBm/Hz in W/Hz."""
    return decibel_to_ratio(dbm) / 1000.0
