"""Branch and bound over what to cache and whom to serve, slot by slot.

A slot's loss is the sum of its regrets (see `regrets`): `cloud` for each requested model left out of the
cache; for each cached one, `unserved` for every user who gets no steps. At the optimum of a given cache
all users but one get none or A3 steps, since the regret is concave in the steps; the last one gets what is
left over. So two knapsacks are nested: models in the storage, and for each such filling, users of the
cached models in the steps. Both are searched by the same `tree`; a price on steps (see `prices`) turns the
gain of caching a model into one number.

The user who is served in part counts as served in full: then the last unit put in overshoots the room, and
whoever loses least by it is cut by as much. (Were that unit not the last, taking out the last would give
the cut user more than it loses, as every user's regret per step is at least the gain per step of all that
come later.)

Losses only add up numbers that are not negative, so a huge one that the optimum avoids takes no digits from
the others. The loops are plain Python over arrays that they are given, which numba compiles as they are.
"""

from __future__ import annotations

import numpy as np

from mincache.exact.prices import step_cost, step_price
from mincache.exact.tables import Library, Plan, Slot, Tree, Work
from mincache.exact.tree import next_leaf, planted
from mincache.quantity import Array


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
    price = step_price(library, slot, items, worth)
    tree = _storage_tree(library, slot, work, items, price)
    best, lower = plan.loss[t], tree.bound[0]
    while lower < best - tolerance and next_leaf(tree, best - tolerance, work.nodes_left):
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
    while tree.bound[0] < best and next_leaf(tree, best, work.nodes_left):
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


def _storage_tree(library: Library, slot: Slot, work: Work, items: Array, price: float) -> Tree:
    """Return the tree of what to cache, with what each item is worth at a price of steps."""
    base = -price * slot.steps
    work.cached[:] = False
    for m in items:
        work.cached[m] = True
        base += step_cost(library, slot, m, price)
    for m in range(slot.demand.size):
        if not work.cached[m]:
            base += slot.cloud[m]
    tree = planted(work.storage, items, library.size_gb, work.worth, work.ones, slot.storage_gb, base)
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
    tree = planted(
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
