"""Branch and bound over what to cache and whom to serve, slot by slot, in loops that numba compiles.

A slot's loss is the sum of its regrets (see `regrets`): `cloud` for each requested model left out of the
cache; for each cached one, `unserved` for every user who gets no steps. At the optimum of a given cache
all users but one get none or A3 steps, since the regret is concave in the steps; the last one gets what is
left over. So two knapsacks are nested: models in the storage, and for each such filling, users of the
cached models in the steps.

Both are searched by the same tree (`Tree`): depth first in order of gain per room, bounded by the
fractional filling. A price on steps, the one that makes the root's bound highest, turns the gain of caching
a model into one number. The user who is served in part counts as served in full: then the last unit put in
overshoots the room, and whoever loses least by it is cut by as much. (Were that unit not the last, taking
out the last would give the cut user more than it loses, as every user's regret per step is at least the
gain per step of all that come later.)

The same functions run as plain Python. Losses only add up numbers that are not negative, so a huge one
that the optimum avoids takes no digits from the others.
"""

from __future__ import annotations

import numpy as np

from mincache.exact.tables import Library, Plan, Slot, Tree, Work
from mincache.quantity import Array

_PRICE_ROUNDS = 64


def search_slots(
    library: Library, requested: Array, cloud: Array, storage_gb: float, steps: float,
    tolerance: Array, node_limit: int, slots: Array, plan: Plan, work: Work,
) -> None:  # fmt: skip
    """Improve `plan` in the given `slots`, each until proven within its `tolerance` or out of nodes.

    Args:
        library: the models.
        requested: [T, N], the model that each user asks for.
        cloud: [T, N], regret of sending the request to the cloud.
        storage_gb: what the cached models may take.
        steps: what the users of a slot may take.
        tolerance: [T], the gap at which a slot counts as solved.
        node_limit: nodes to search in each slot.
        slots: indices of the slots to work on.
        plan: incumbents and bounds.
        work: arrays to work in.
    """
    slot = Slot(work.demand, work.cloud, storage_gb, steps)
    for t in slots:
        slot.demand[:] = 0
        slot.cloud[:] = 0.0
        for n in range(requested.shape[1]):
            slot.demand[requested[t, n]] += 1
            slot.cloud[requested[t, n]] += cloud[t, n]
        work.nodes_left[0] = node_limit
        _search(library, slot, work, requested[t], tolerance[t], t, plan)
        plan.unfinished[t] = work.nodes_left[0] <= 0


def _search(
    library: Library, slot: Slot, work: Work, requested: Array, tolerance: float, t: int, plan: Plan
) -> None:
    """Improve slot `t` of the plan."""
    count = 0
    for m in range(slot.demand.size):
        if slot.cloud[m] > 0.0 and library.size_gb[m] <= slot.storage_gb:
            work.items[count] = m
            count += 1
    items, worth, cached, served = work.items[:count], work.worth, work.cached, work.served
    price = _step_price(library, slot, items, worth)
    tree = _storage_tree(library, slot, work, items, price)
    best, lower = plan.loss[t], tree.bound[0]
    while lower < best - tolerance and _next_leaf(tree, best - tolerance, work.nodes_left):
        left_out = _left_out(tree, slot, cached)
        loss, part_model, part_steps = _serve(library, slot, work, left_out, best - tolerance)
        if loss < best - tolerance:
            best = loss
            plan.loss[t] = best
            for m in range(cached.size):
                plan.cache[t, m] = cached[m]
            _assign(library, requested, served, part_model, part_steps, plan.steps[t])
    if work.nodes_left[0] > 0:
        lower = max(lower, best - tolerance)
    plan.lower[t] = max(plan.lower[t], min(lower, best))


def _left_out(tree: Tree, slot: Slot, cached: Array) -> float:
    """Write the cache at this leaf into `cached`; return the loss of the models that are not in it."""
    cached[:] = False
    for i in range(tree.models.size):
        cached[tree.models[i]] = tree.amount[i] > 0
    loss = 0.0
    for m in range(cached.size):
        if not cached[m]:
            loss += slot.cloud[m]
    return loss


def _serve(
    library: Library, slot: Slot, work: Work, left_out: float, best: float
) -> tuple[float, int, float]:
    """Share the steps among the users of the cached models, for a loss under `best` if there is one.

    Returns:
        The loss, or `best` where it cannot be undercut; the model of the user who gets part of A3 steps (-1
        for none); and those steps. The users fully served are written into `work.served`.
    """
    tree = _service_tree(library, slot, work, left_out)
    n = tree.models.size
    part_model, part_steps = -1, 0.0
    while tree.bound[0] < best and _next_leaf(tree, best, work.nodes_left):
        missing = max(0.0, -tree.room[n])
        cut, regret = _cheapest_cut(library, tree, missing)
        if tree.loss[n] + regret < best:
            best = tree.loss[n] + regret
            work.served[:] = 0
            for i in range(n):
                work.served[tree.models[i]] = tree.amount[i]
            part_model = -1
            if cut >= 0:
                part_model = tree.models[cut]
                part_steps = tree.size[cut] - missing
                work.served[part_model] -= 1
    return best, part_model, part_steps


def _cheapest_cut(library: Library, tree: Tree, missing: float) -> tuple[int, float]:
    """Return the item one of whose users loses least by getting `missing` steps less, and that regret."""
    if missing == 0.0:
        return -1, 0.0
    best, least = -1, np.inf
    for i in range(tree.models.size):
        m = tree.models[i]
        if tree.amount[i] > 0 and tree.size[i] > missing:
            regret = library.onset[m] * missing / (library.full_steps[m] - library.onset_steps[m])
            if regret < min(least, tree.gain[i]):
                best, least = i, regret
    return best, least


def _assign(
    library: Library, requested: Array, served: Array, part_model: int, part_steps: float, steps: Array
) -> None:
    """Give the users of a slot their steps, first come first served: those of one model are all alike."""
    for n in range(requested.size):
        m = requested[n]
        steps[n] = 0.0
        if served[m] > 0:
            served[m] -= 1
            steps[n] = library.full_steps[m]
        elif m == part_model:
            part_model = -1
            steps[n] = part_steps


def _step_price(library: Library, slot: Slot, items: Array, worth: Array) -> float:
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
    for _ in range(_PRICE_ROUNDS):
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

    Writes `worth` and sorts `items` as `_step_price` leaves them.
    """
    value, slope = -price * slot.steps, -slot.steps
    for m in items:
        paid = _step_cost(library, slot, m, price)
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


def _step_cost(library: Library, slot: Slot, m: int, price: float) -> float:
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


def _storage_tree(library: Library, slot: Slot, work: Work, items: Array, price: float) -> Tree:
    """Return the tree of what to cache, with what each item is worth at a price of steps."""
    base = -price * slot.steps
    work.cached[:] = False
    for m in items:
        work.cached[m] = True
        base += _step_cost(library, slot, m, price)
    for m in range(slot.demand.size):
        if not work.cached[m]:
            base += slot.cloud[m]
    tree = _planted(work.storage, items, library.size_gb, work.worth, work.ones, slot.storage_gb, base)
    for i in range(1, items.size):
        a, b = items[i - 1], items[i]
        tree.twin[i] = (
            library.size_gb[a] == library.size_gb[b]
            and slot.cloud[a] == slot.cloud[b]
            and slot.demand[a] == slot.demand[b]
            and _serve_alike(library, a, b)
        )
    return tree


def _service_tree(library: Library, slot: Slot, work: Work, left_out: float) -> Tree:
    """Return the tree of how many users to serve; `left_out` is the loss of the models not cached."""
    count = 0
    for m in library.by_worth:
        if work.cached[m]:
            work.service.models[count] = m
            count += 1
    items = work.service.models[:count]
    tree = _planted(
        work.service, items, library.full_steps, library.unserved, slot.demand, slot.steps, left_out
    )
    tree.overshoot[0] = 1
    for i in range(1, count):
        tree.twin[i] = _serve_alike(library, items[i - 1], items[i])
    return tree


def _serve_alike(library: Library, a: int, b: int) -> bool:
    """Return whether steps do the same for users of both models."""
    return bool(
        library.full_steps[a] == library.full_steps[b]
        and library.onset_steps[a] == library.onset_steps[b]
        and library.unserved[a] == library.unserved[b]
        and library.onset[a] == library.onset[b]
    )


def _planted(
    tree: Tree, models: Array, size: Array, gain: Array, units: Array, room: float, base: float
) -> Tree:
    """Return a part of `tree`, at its start: filling `room` with `models`, in their order.

    Args:
        tree: the arrays to use.
        models: the items.
        size: [M], room that a unit takes.
        gain: [M], loss that a unit saves.
        units: [M], how many there are.
        room: what there is.
        base: the loss if all fit.
    """
    n = models.size
    planted = Tree(
        models, tree.size[:n], tree.gain[:n], tree.units[:n], tree.twin[:n], tree.reduced[:n],
        tree.tail[: n + 1], tree.amount[:n], tree.room[: n + 1], tree.loss[: n + 1], tree.overshoot,
        tree.level, tree.bound,
    )  # fmt: skip
    tree.level[0] = -1
    tree.room[0], tree.loss[0], tree.tail[n] = room, base, 0.0
    for i in range(n - 1, -1, -1):
        m = models[i]
        tree.size[i], tree.gain[i], tree.units[i], tree.twin[i] = size[m], gain[m], units[m], False
        tree.tail[i] = tree.tail[i + 1] + units[m] * gain[m]
    tree.bound[0], price = _fractional(planted, 0)
    for i in range(n):
        against = tree.gain[i] - price * tree.size[i]
        tree.reduced[i] = max(0.0, against) if tree.gain[i] > 0.0 else -against
    return planted


def _fractional(tree: Tree, level: int) -> tuple[float, float]:
    """Return the loss if items from `level` on may be split, and the gain per room of the one that is."""
    loss, room = tree.loss[level], tree.room[level]
    if room < 0.0:  # to be cut from an item above, none of which gains less than the last
        return loss + tree.tail[level] - tree.gain[level - 1] / tree.size[level - 1] * room, 0.0
    for i in range(level, tree.size.size):
        if tree.gain[i] <= 0.0:
            return loss + tree.tail[i], 0.0
        if tree.units[i] * tree.size[i] > room:
            price = tree.gain[i] / tree.size[i]
            return loss + tree.tail[i] - price * room, price
        room -= tree.units[i] * tree.size[i]
    return loss, 0.0


def _next_leaf(tree: Tree, best: float, nodes_left: Array) -> bool:
    """Move to the next leaf whose loss may be under `best`; return whether there was one."""
    level = 0 if tree.level[0] < 0 else _retreat(tree, best)
    while level >= 0 and nodes_left[0] > 0:
        nodes_left[0] -= 1
        if _advance(tree, level, best):
            return True
        level = _retreat(tree, best)
    return False


def _advance(tree: Tree, level: int, best: float) -> bool:
    """Fill greedily from `level` on; return whether a leaf was reached before the bound met `best`."""
    changed = True
    while level < tree.size.size:
        tree.level[0] = level
        if changed and _fractional(tree, level)[0] >= best:
            return False
        amount = _most(tree, level) if tree.gain[level] > 0.0 else 0
        changed = amount < tree.units[level]
        _put(tree, level, amount)
        level += 1
    tree.level[0] = level
    return True


def _retreat(tree: Tree, best: float) -> int:
    """Change the last amount that may be changed; return the level after it, or -1 at the end."""
    for level in range(tree.level[0] - 1, -1, -1):
        if tree.bound[0] + tree.reduced[level] < best:
            if tree.gain[level] > 0.0:
                if tree.amount[level] > 0:
                    _put(tree, level, tree.amount[level] - 1)
                    return level + 1
            elif tree.amount[level] < _most(tree, level):
                _put(tree, level, tree.amount[level] + 1)
                return level + 1
    return -1


def _most(tree: Tree, level: int) -> int:
    """Return how many units of the item at `level` may go in; none if its twin before it was preferred."""
    twin_first = tree.twin[level] and tree.amount[level - 1] < tree.units[level - 1]
    if twin_first or tree.room[level] <= 0.0:
        return 0
    fitting = np.floor(tree.room[level] / tree.size[level]) + tree.overshoot[0]
    return int(min(float(tree.units[level]), fitting))


def _put(tree: Tree, level: int, amount: int) -> None:
    tree.amount[level] = amount
    tree.room[level + 1] = tree.room[level] - amount * tree.size[level]
    tree.loss[level + 1] = tree.loss[level] + (tree.units[level] - amount) * tree.gain[level]
