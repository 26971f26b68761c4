"""How numbers are written: the same in every table, page and rendering."""

from __future__ import annotations

from collections.abc import Mapping

NOTHING = "-"


def cost(value: float | None) -> str:
    """Return a cost with 3 decimals."""
    return NOTHING if value is None else f"{value:.3f}"


def percent(value: float | None, decimals: int = 1) -> str:
    """Return a fraction as a percentage; what rounds to zero carries no sign."""
    return NOTHING if value is None else f"{value:z.{decimals}%}"


def duration(seconds: float | None) -> str:
    """Return a time with 3 significant digits, in ms below a second."""
    if seconds is None:
        return NOTHING
    # A float of three digits is written without an exponent.
    return f"{float(f'{seconds:.3g}'):.15g} s" if seconds >= 1.0 else f"{seconds * 1e3:.3g} ms"


def failures(kinds: Mapping[str, int], declined: int = 0) -> str:
    """Return failures and declined runs, such as `3 crash, 1 declined`; "" if there are none."""
    return ", ".join(f"{n} {kind}" for kind, n in (*kinds.items(), ("declined", declined)) if n)


def between(low: str, high: str) -> str:
    """Return a range of two texts, one of them where they are equal."""
    return low if low == high else f"{low} to {high}"
