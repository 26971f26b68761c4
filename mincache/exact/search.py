"""Branch and bound over what to cache and whom to serve, frame by frame, with one price of steps a slot.

Two knapsacks are nested: models in the storage, and for each filling users of the cached models in the steps
(see `serving`). A price on each slot's steps turns what caching a model saves into one number. Losses only
add up numbers that are not negative, so a huge one that the optimum avoids takes no digits from the others.
"""

from mincache.exact.arrays import Library, Plan, Tree, Work
from mincache.exact.serving import (
    assign,
    fits,
    next_leaf,
    planted,
    serve_alike,
    serve_cached,
    set_aside,
    take_requests,
)
from mincache.problem.quantity import Array

_ROUNDS = 64
_SWEEPS = 4  # over the slots of a frame
_HIGHEST = 1e200  # a price beyond which products of it overflow


def search_frames(
    library: Library, requested: Array, cloud: Array, limits: Array, tolerance: Array, node_limit: int,
    frames: Array, plan: Plan, work: Work,
) -> None:  # fmt: skip
    """Improve `plan` in `frames`, each until proven within its `tolerance` [K] or out of its nodes."""
    for k in frames:
        first = k * work.price.size
        last = min(first + work.price.size, requested.shape[0])
        take_requests(requested[first:last], cloud[first:last], work)
        work.nodes_left[0] = node_limit
        _search(library, work, requested[first:last], limits, tolerance[k], k, plan)
        plan.unfinished[k] = work.nodes_left[0] <= 0


def _search(
    library: Library, work: Work, requested: Array, limits: Array, tolerance: float, k: int, plan: Plan
) -> None:
    """Improve frame `k` of the plan."""
    slots = requested.shape[0]
    count = 0
    for m in range(work.cloud.size):
        if work.cloud[m] > 0.0 and fits(library, work, slots, m, limits):
            work.items[count] = m
            count += 1
    items = work.items[:count]
    _set_prices(library, work, slots, items, limits)
    tree = _storage_tree(library, work, slots, items, limits)
    best, lower = plan.loss[k], tree.bound[0]
    while lower < best - tolerance and next_leaf(tree, best - tolerance, work.nodes_left):
        left_out = _left_out(library, tree, work, slots, limits[1])
        loss = serve_cached(library, work, slots, left_out, best - tolerance)
        if loss < best - tolerance:
            best = loss
            plan.loss[k] = best
            first = k * work.price.size
            for j in range(slots):
                for m in range(work.cached.size):
                    plan.cache[first + j, m] = work.cached[m]
                assign(library, requested[j], work, j, plan.steps[first + j])
    if work.nodes_left[0] > 0:
        lower = max(lower, best - tolerance)
    plan.lower[k] = max(plan.lower[k], min(lower, best))


def _left_out(library: Library, tree: Tree, work: Work, slots: int, steps: float) -> float:
    """Write the cache at this leaf into `work.cached`; return the loss of the models that are not in it."""
    cached = work.cached
    cached[:] = False
    work.spare[:] = steps
    for i in range(tree.models.size):
        m = tree.models[i]
        if tree.amount[i] > 0:
            cached[m] = set_aside(library, work, slots, m)
    loss = 0.0
    for m in range(cached.size):
        if not cached[m]:
            loss += work.cloud[m]
    return loss


def _storage_tree(library: Library, work: Work, slots: int, items: Array, limits: Array) -> Tree:
    """Return the tree of what to cache, with what each item is worth at the prices of steps."""
    base = 0.0
    work.cached[:] = False
    for m in items:
        work.cached[m] = True
    for j in range(slots):
        base -= work.price[j] * limits[1]
        for m in items:
            base += _step_cost(library, work.demand[j, m], m, work.price[j])
    for m in range(work.cloud.size):
        if not work.cached[m]:
            base += work.cloud[m]
    tree = planted(work.storage, items, library.size_gb, work.worth, work.ones, limits[0], base)
    for i in range(1, items.size):
        a, b = items[i - 1], items[i]
        alike = library.size_gb[a] == library.size_gb[b] and work.cloud[a] == work.cloud[b]
        for j in range(slots):
            alike = alike and work.demand[j, a] == work.demand[j, b]
        tree.twin[i] = alike and serve_alike(library, a, b)
    return tree


def _set_prices(library: Library, work: Work, slots: int, items: Array, limits: Array) -> None:
    """Leave in `work.price` the prices of steps in a frame, and `work.worth` and `items` as `_price` does."""
    if slots == 1:
        work.price[0] = _price(library, work.demand[0], work.cloud, limits, items, work.worth)
        return
    work.price[:] = 0.0
    for m in items:
        work.net[m] = work.cloud[m]
    for _ in range(_SWEEPS):
        moved = False
        for j in range(slots):
            before = work.price[j]
            for m in items:
                work.net[m] += _step_cost(library, work.demand[j, m], m, before)
            work.price[j] = _price(library, work.demand[j], work.net, limits, items, work.worth)
            for m in items:
                work.net[m] -= _step_cost(library, work.demand[j, m], m, work.price[j])
            moved = moved or work.price[j] != before
        if not moved:
            break
    for m in items:  # once more: sums to which numbers were added and taken away again are not exact
        work.worth[m] = work.cloud[m]
        for j in range(slots):
            work.worth[m] -= _step_cost(library, work.demand[j, m], m, work.price[j])
    _sort(items, work.worth, library.size_gb)


def _price(library: Library, demand: Array, cloud: Array, limits: Array, items: Array, worth: Array) -> float:
    """Return the price of a step that makes the bound on a slot's loss highest."""
    low, high = 0.0, 0.0
    for m in items:
        high = max(high, _highest(library, demand[m], cloud[m], m))
    low_value, low_slope = _bound_at(library, demand, cloud, limits, items, worth, low)
    if low_slope <= 0.0:
        return low
    high_value, high_slope = _bound_at(library, demand, cloud, limits, items, worth, high)[0], -limits[1]
    for _ in range(_ROUNDS):
        price = (high_value - low_value + low_slope * low - high_slope * high) / (low_slope - high_slope)
        if not low < price < high:
            break
        value, slope = _bound_at(library, demand, cloud, limits, items, worth, price)
        if slope > 0.0:
            low, low_value, low_slope = price, value, slope
        else:
            high, high_value, high_slope = price, value, slope
    price = high if high_value > low_value else low
    _bound_at(library, demand, cloud, limits, items, worth, price)
    return price


def _highest(library: Library, demand: int, cloud: float, m: int) -> float:
    """Return a price above which nothing more happens to a model: unserved, and not worth caching either."""
    highest = 0.0
    if library.full_steps[m] > 0.0:
        highest = library.unserved[m] / library.full_steps[m]
    if library.least_steps[m] > 0.0 and demand > 0:
        highest = max(highest, (cloud / demand - library.unserved[m]) / library.least_steps[m])
    return float(min(highest, _HIGHEST))


def _bound_at(
    library: Library, demand: Array, cloud: Array, limits: Array, items: Array, worth: Array, price: float
) -> tuple[float, float]:
    """Return the bound on a slot's loss at a price of steps, and its slope there; `worth` as in `_price`."""
    value, slope = -price * limits[1], -limits[1]
    for m in items:
        paid = _step_cost(library, demand[m], m, price)
        worth[m] = cloud[m] - paid
        value += paid
    _sort(items, worth, library.size_gb)
    room = limits[0]
    for m in items:
        size = library.size_gb[m]
        fraction = min(1.0, max(0.0, room / size)) if worth[m] > 0.0 else 0.0
        room -= fraction * size
        value += (1.0 - fraction) * worth[m]
        if price * library.full_steps[m] < library.unserved[m]:
            slope += fraction * demand[m] * library.full_steps[m]
        slope += fraction * demand[m] * library.least_steps[m]
    return value, slope


def _step_cost(library: Library, demand: int, m: int, price: float) -> float:
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
