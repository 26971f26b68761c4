"""Numbers to 6 significant digits, as the generator stores them.

What counts is the result of Python's own formatting and parsing, which is right to the last bit on any
machine. Arrays get the same numbers without making text of each.
"""

from __future__ import annotations

import numpy as np

from mincache.problem.quantity import Array

SIGNIFICANT_DIGITS = 6
_LEAST, _MOST = 10.0 ** (SIGNIFICANT_DIGITS - 1), 10.0**SIGNIFICANT_DIGITS - 1.0
_EXACT_POWER = 22
_POWERS = np.array([float(f"1e{power}") for power in range(_EXACT_POWER + 1)])
"""The powers of ten that a float64 holds exactly."""
_CLEAR = 1e-6
"""How far from half way between two whole numbers leaves no doubt: computed with an error below 1e-9."""


def round_number(value: float) -> float:
    """Return the float nearest to the decimal of 6 significant digits nearest to `value`."""
    return float(f"{value:.{SIGNIFICANT_DIGITS - 1}e}")


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def round_array(values: Array) -> Array:
    """Return the array of `round_number` of each of `values` (float64), to the last bit.

    A number times an exact power of ten is off by one rounding, far less than `_CLEAR`; so wherever it is
    not that near to half way, its nearest whole number holds the right digits. Those and a power of ten
    are both exact, so that one product or quotient of them is the float nearest to the decimal. The rest
    (zeros, the very large and small, the undecided) goes through `round_number`.
    """
    flat = values.ravel()
    size = np.abs(flat)
    power = SIGNIFICANT_DIGITS - 1 - np.floor(np.log10(size))
    simple = np.abs(power) <= _EXACT_POWER  # never where it is nan or infinite
    scale = _POWERS[np.where(simple, np.abs(power), 0.0).astype(np.int64)]
    scaled = np.where(power >= 0.0, size * scale, size / scale)
    simple &= (scaled >= _LEAST) & (scaled <= _MOST)
    simple &= np.abs(scaled - np.floor(scaled) - 0.5) > _CLEAR
    digits = np.rint(scaled)
    rounded = np.copysign(np.where(power >= 0.0, digits / scale, digits * scale), flat)
    rounded[~simple] = [round_number(value) for value in flat[~simple].tolist()]
    return np.asarray(rounded.reshape(values.shape))
