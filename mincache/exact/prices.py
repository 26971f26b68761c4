"""The price of a step at which a slot's bound is highest: it makes the models independent but for storage.

Plain loops over arrays that they are given, which numba compiles as they are.
"""

from __future__ import annotations

from mincache.exact.tables import Library, Slot
from mincache.quantity import Array

_ROUNDS = 64


def step_price(library: Library, slot: Slot, items: Array, worth: Array) -> float:
    """Return the price of a step that makes the bound on the slot's loss highest.

    The bound is concave and piecewise linear in the price: the lines of both sides are followed to where
    they meet. Leaves in `worth` [M] what caching each item saves at that price, and `items` in order of
    that per GB.
    """
    low, high = 0.0, 0.0
    for m in items:
        high = max(high, library.unserved[m] / library.full_steps[m])
    low_value, low_slope = _bound_at(library, slot, items, worth, low)
    if low_slope <= 0.0:
        return low
    high_value, high_slope = _bound_at(library, slot, items, worth, high)[0], -slot.steps
    for _ in range(_ROUNDS):
        price = (high_value - low_value + low_slope * low - high_slope * high) / (low_slope - high_slope)
        if not low < price < high:
            break
        value, slope = _bound_at(library, slot, items, worth, price)
        if slope > 0.0:
            low, low_value, low_slope = price, value, slope
        else:
            high, high_value, high_slope = price, value, slope
    price = low if low_value >= high_value else high
    _bound_at(library, slot, items, worth, price)
    return price


def _bound_at(library: Library, slot: Slot, items: Array, worth: Array, price: float) -> tuple[float, float]:
    """Return the bound on the loss of `items` at a price of steps, and its slope there.

    Writes `worth` and sorts `items` as `step_price` leaves them.
    """
    value, slope = -price * slot.steps, -slot.steps
    for m in items:
        paid = step_cost(library, slot, m, price)
        worth[m] = slot.cloud[m] - paid
        value += paid
    _sort(items, worth, library.size_gb)
    room = slot.storage_gb
    for m in items:
        size = library.size_gb[m]
        fraction = min(1.0, max(0.0, room / size)) if worth[m] > 0.0 else 0.0
        room -= fraction * size
        value += (1.0 - fraction) * worth[m]
        if price * library.full_steps[m] < library.unserved[m]:
            slope += fraction * slot.demand[m] * library.full_steps[m]
    return value, slope


def step_cost(library: Library, slot: Slot, m: int, price: float) -> float:
    """Return what the requests for a cached model cost when steps have a price: unserved, or that."""
    return float(slot.demand[m] * min(library.unserved[m], price * library.full_steps[m]))


def _sort(items: Array, gain: Array, size: Array) -> None:
    """Sort `items` by gain per size, highest first by Shell's sort: nearly sorted, it is quick."""
    gap = 1
    while gap < items.size // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, items.size):
            m = items[i]
            while i >= gap and gain[items[i - gap]] * size[m] < gain[m] * size[items[i - gap]]:
                items[i] = items[i - gap]
                i -= gap
            items[i] = m
        gap //= 3
