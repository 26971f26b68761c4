"""Numbers to 6 significant digits, as the generator stores them and Python formats and parses them."""

import numpy as np

from mincache.problem.quantity import Array

SIGNIFICANT_DIGITS = 6
_LEAST, _MOST = 10.0 ** (SIGNIFICANT_DIGITS - 1), 10.0**SIGNIFICANT_DIGITS - 1.0
_EXACT_POWER = 22  # up to which a float64 holds powers of ten exactly
_POWERS = np.array([float(f"1e{power}") for power in range(_EXACT_POWER + 1)])
_CLEAR = 1e-6  # so far from half way between two whole numbers there is no doubt: errors are below 1e-9


def round_number(value: float) -> float:
    """Return the float nearest to the decimal of 6 significant digits nearest to `value`."""
    return float(f"{value:.{SIGNIFICANT_DIGITS - 1}e}")


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def round_array(values: Array) -> Array:
    """Return the array of `round_number` of each of `values` (float64), to the last bit."""
    # Times an exact power of ten a number is off by one rounding. Not near half way, its nearest whole number
    # has the right digits, and one product or quotient of exact numbers is the nearest float.
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
