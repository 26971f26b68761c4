"""The price of a step at which a slot's bound is highest: it makes the models independent but for storage.

In a frame of several slots each slot has its price. They are raised one after the other, which ends near
the highest bound and need not reach it: whatever the prices, the bound holds.

Plain loops over arrays that they are given, which numba compiles as they are.
"""

from __future__ import annotations

from mincache.exact.arrays import Library, Slot, Work
from mincache.problem.quantity import Array

_ROUNDS = 64
_SWEEPS = 4  # over the slots of a frame
_HIGHEST = 1e200  # a price beyond which products of it overflow


def step_prices(
    library: Library, work: Work, slots: int, items: Array, storage_gb: float, steps: float
) -> None:
    """Leave in `work.price` the prices of steps in a frame of `slots`, and the rest as `step_price` does."""
    if slots == 1:
        slot = Slot(work.demand[0], work.cloud, storage_gb, steps)
        work.price[0] = step_price(library, slot, items, work.worth)
        return
    work.price[:] = 0.0
    for m in items:
        work.net[m] = work.cloud[m]
    for _ in range(_SWEEPS):
        moved = False
        for j in range(slots):
            before = work.price[j]
            for m in items:
                work.net[m] += step_cost(library, work.demand[j, m], m, before)
            slot = Slot(work.demand[j], work.net, storage_gb, steps)
            work.price[j] = step_price(library, slot, items, work.worth)
            for m in items:
                work.net[m] -= step_cost(library, work.demand[j, m], m, work.price[j])
            moved = moved or work.price[j] != before
        if not moved:
            break
    for m in items:  # once more: sums to which numbers were added and taken away again are not exact
        work.worth[m] = work.cloud[m]
        for j in range(slots):
            work.worth[m] -= step_cost(library, work.demand[j, m], m, work.price[j])
    _sort(items, work.worth, library.size_gb)


def step_price(library: Library, slot: Slot, items: Array, worth: Array) -> float:
    """Return the price of a step that makes the bound on the slot's loss highest.

    The bound is concave and piecewise linear in the price: the lines of both sides are followed to where
    they meet. Leaves in `worth` [M] what caching each item saves at that price, and `items` in order of
    that per GB.
    """
    low, high = 0.0, 0.0
    for m in items:
        high = max(high, _highest(library, slot, m))
    low_value, low_slope = _bound_at(library, slot, items, worth, low)
    if low_slope <= 0.0:
        return low
    high_value, high_slope = _bound_at(library, slot, items, worth, high)[0], -slot.steps
    for _ in range(_ROUNDS):
        price = meeting_price(low, low_value, low_slope, high, high_value, high_slope)
        if not low < price < high:
            break
        value, slope = _bound_at(library, slot, items, worth, price)
        if slope > 0.0:
            low, low_value, low_slope = price, value, slope
        else:
            high, high_value, high_slope = price, value, slope
    price = high if high_value > low_value else low
    _bound_at(library, slot, items, worth, price)
    return price


def meeting_price(
    low: float, low_value: float, low_slope: float, high: float, high_value: float, high_slope: float
) -> float:
    """Return the price at which the bound's lines at two prices meet; the bound is at most as high there."""
    return (high_value - low_value + low_slope * low - high_slope * high) / (low_slope - high_slope)


def _highest(library: Library, slot: Slot, m: int) -> float:
    """Return a price above which nothing more happens to a model: unserved, and not worth caching either."""
    highest = 0.0
    if library.full_steps[m] > 0.0:
        highest = library.unserved[m] / library.full_steps[m]
    if library.least_steps[m] > 0.0 and slot.demand[m] > 0:
        gain = slot.cloud[m] / slot.demand[m] - library.unserved[m]
        highest = max(highest, gain / library.least_steps[m])
    return float(min(highest, _HIGHEST))


def _bound_at(library: Library, slot: Slot, items: Array, worth: Array, price: float) -> tuple[float, float]:
    """Return the bound on the loss of `items` at a price of steps, and its slope there.

    Writes `worth` and sorts `items` as `step_price` leaves them.
    """
    value, slope = -price * slot.steps, -slot.steps
    for m in items:
        paid = step_cost(library, slot.demand[m], m, price)
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
        slope += fraction * slot.demand[m] * library.least_steps[m]
    return value, slope


def step_cost(library: Library, demand: int, m: int, price: float) -> float:
    """Return what `demand` requests for a cached model cost when steps have a price: unserved, or that."""
    each = min(library.unserved[m], price * library.full_steps[m])
    return float(demand * (each + price * library.least_steps[m]))


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
