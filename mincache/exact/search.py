"""Branch and bound over what to cache and whom to serve, frame by frame.

A slot's loss is the sum of its regrets (see `regrets`): `cloud` for each requested model left out of the
cache; for each cached one, `unserved` for every user who gets no steps. At the optimum of a given cache
all users but one get none or A3 steps, since the regret is concave in the steps; the last one gets what is
left over. So two knapsacks are nested: models in the storage, and for each such filling, users of the
cached models in the steps. Both are searched by the same `tree`; a price on steps (see `prices`) turns the
gain of caching a model into one number.

A frame is one slot in the paper's problem. One of several slots has one cache, and what caching a model
saves is added up over them; then each slot's users are served by themselves. Where every hit gets some
steps at least, these are taken off first and all others count from there; a cache whose users' least steps
are more than there are is out.

The user who is served in part counts as served in full: then the last unit put in overshoots the room, and
whoever loses least by it is cut by as much. (Were that unit not the last, taking out the last would give
the cut user more than it loses, as every user's regret per step is at least the gain per step of all that
come later.)

Losses only add up numbers that are not negative, so a huge one that the optimum avoids takes no digits from
the others. The loops are plain Python over arrays that they are given, which numba compiles as they are.
"""

from __future__ import annotations

import numpy as np

from mincache.exact.prices import step_cost, step_prices
from mincache.exact.tables import Library, Plan, Tree, Work
from mincache.exact.tree import next_leaf, planted
from mincache.quantity import Array


def search_frames(
    library: Library, requested: Array, cloud: Array, keep: Array, storage_gb: float, steps: float,
    tolerance: Array, node_limit: int, frames: Array, plan: Plan, work: Work,
) -> None:  # fmt: skip
    """Improve `plan` in the given `frames`, each until proven within its `tolerance` or out of nodes.

    Args:
        library: the models.
        requested: [T, N], the model that each user asks for.
        cloud: [T, N], regret of sending the request to the cloud.
        keep: [K, M], more regret of not caching a model in a frame, of either sign; or [0, M] for none.
        storage_gb: what the cached models may take.
        steps: what the users of a slot may take.
        tolerance: [K], the gap at which a frame counts as solved.
        node_limit: nodes to search in each frame.
        frames: indices of the frames to work on.
        plan: incumbents and bounds.
        work: arrays to work in.
    """
    for k in frames:
        first = k * work.price.size
        last = min(first + work.price.size, requested.shape[0])
        take_requests(requested[first:last], cloud[first:last], work)
        if keep.shape[0] > 0:
            for m in range(work.cloud.size):
                work.cloud[m] += keep[k, m]
        work.nodes_left[0] = node_limit
        _search(library, work, requested[first:last], storage_gb, steps, tolerance[k], k, plan)
        plan.unfinished[k] = work.nodes_left[0] <= 0


def take_requests(requested: Array, cloud: Array, work: Work) -> None:
    """Write the requests of a frame's slots [F, N], and their regrets at the cloud, into `work`."""
    work.cloud[:] = 0.0
    for j in range(requested.shape[0]):
        work.demand[j, :] = 0
        for n in range(requested.shape[1]):
            work.demand[j, requested[j, n]] += 1
            work.cloud[requested[j, n]] += cloud[j, n]


def _search(
    library: Library, work: Work, requested: Array, storage_gb: float, steps: float, tolerance: float,
    k: int, plan: Plan,
) -> None:  # fmt: skip
    """Improve frame `k` of the plan."""
    slots = requested.shape[0]
    count = 0
    for m in range(work.cloud.size):
        fits = library.size_gb[m] <= storage_gb and _suffice(library, work, slots, m, steps)
        if fits and work.cloud[m] > 0.0:
            work.items[count] = m
            count += 1
    items = work.items[:count]
    step_prices(library, work, slots, items, storage_gb, steps)
    tree = _storage_tree(library, work, slots, items, storage_gb, steps)
    best, lower = plan.loss[k], tree.bound[0]
    while lower < best - tolerance and next_leaf(tree, best - tolerance, work.nodes_left):
        left_out = _left_out(library, tree, work, slots, steps)
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


def serve_sets(
    library: Library, requested: Array, cloud: Array, steps: float, sets: Array, node_limit: int,
    loss: Array, lower: Array, given: Array, work: Work,
) -> None:  # fmt: skip
    """Serve the users of one slot as well as can be with each of several caches.

    Args:
        library: the models.
        requested: [1, N], the model that each user asks for.
        cloud: [1, N], regret of sending the request to the cloud.
        steps: what the users may take.
        sets: bool [S, M], the caches.
        node_limit: nodes to search for each.
        loss: [S], where to write the slot's loss; infinite where the least steps of all hits are not there.
        lower: [S], where to write a bound on it: the loss itself unless the nodes ran out.
        given: [S, N], where to write the users' steps; or [0, N] for nowhere.
        work: arrays to work in.
    """
    take_requests(requested, cloud, work)
    for s in range(sets.shape[0]):
        work.spare[:] = steps
        left_out, suffices = 0.0, True
        for m in range(work.cached.size):
            work.cached[m] = sets[s, m]
            if work.cached[m]:
                suffices = suffices and set_aside(library, work, 1, m)
            else:
                left_out += work.cloud[m]
        loss[s] = lower[s] = np.inf
        if suffices:
            work.nodes_left[0] = node_limit
            loss[s] = serve_cached(library, work, 1, left_out, np.inf)
            lower[s] = loss[s] if work.nodes_left[0] > 0 else left_out
            if given.shape[0] > 0:
                assign(library, requested[0], work, 0, given[s])


def _suffice(library: Library, work: Work, slots: int, m: int, steps: float) -> bool:
    """Return whether `steps` are enough for the least that all hits on a model get."""
    enough = True
    for j in range(slots):
        enough = enough and work.demand[j, m] * library.least_steps[m] <= steps
    return enough


def _left_out(library: Library, tree: Tree, work: Work, slots: int, steps: float) -> float:
    """Write the cache at this leaf into `work.cached`; return the loss of the models that are not in it.

    Models whose hits' least steps are not there any more are left out too: then the leaf is of no use, but
    what remains may be.
    """
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


def set_aside(library: Library, work: Work, slots: int, m: int) -> bool:
    """Take the least steps of all hits on a model from `work.spare`; return whether they were there."""
    if library.least_steps[m] > 0.0:
        for j in range(slots):
            if work.demand[j, m] * library.least_steps[m] > work.spare[j]:
                return False
        for j in range(slots):
            work.spare[j] -= work.demand[j, m] * library.least_steps[m]
    return True


def serve_cached(library: Library, work: Work, slots: int, left_out: float, best: float) -> float:
    """Serve the users of the cached models in each slot; return the frame's loss, or `best` if not under it.

    `left_out` is the loss of the models that are not cached.
    """
    loss = left_out
    for j in range(slots):
        loss = _serve(library, work, j, loss, best)
        if loss >= best:
            return best
    return loss


def _serve(library: Library, work: Work, j: int, base: float, best: float) -> float:
    """Share the steps of slot `j` among the users of the cached models, for a loss under `best` if it can be.

    The loss is returned, with the `base` that it has already, or `best` where that cannot be undercut. The
    number of users fully served, the model of the user who gets part of A3 steps (-1 for none), and those
    steps, are written into `work`.
    """
    tree = _service_tree(library, work, j, base)
    n = tree.models.size
    served = work.served[j]
    while tree.bound[0] < best and next_leaf(tree, best, work.nodes_left):
        missing = max(0.0, -tree.room[n])
        cut, regret = _cheapest_cut(library, tree, missing)
        if tree.loss[n] + regret < best:
            best = tree.loss[n] + regret
            served[:] = 0
            for i in range(n):
                served[tree.models[i]] = tree.amount[i]
            work.part_model[j] = -1
            if cut >= 0:
                m = tree.models[cut]
                work.part_model[j] = m
                work.part_steps[j] = tree.size[cut] - missing
                served[m] -= 1
    return best


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


def assign(library: Library, requested: Array, work: Work, j: int, steps: Array) -> None:
    """Give the users of slot `j` their steps, first come first served: those of one model are all alike."""
    served = work.served[j]
    for n in range(requested.size):
        m = requested[n]
        steps[n] = library.least_steps[m] if work.cached[m] else 0.0
        if served[m] > 0:
            served[m] -= 1
            steps[n] += library.full_steps[m]
        elif m == work.part_model[j]:
            work.part_model[j] = -1
            steps[n] += work.part_steps[j]


def _storage_tree(
    library: Library, work: Work, slots: int, items: Array, storage_gb: float, steps: float
) -> Tree:
    """Return the tree of what to cache, with what each item is worth at the prices of steps."""
    base = 0.0
    work.cached[:] = False
    for m in items:
        work.cached[m] = True
    for j in range(slots):
        base -= work.price[j] * steps
        for m in items:
            base += step_cost(library, work.demand[j, m], m, work.price[j])
    for m in range(work.cloud.size):
        if not work.cached[m]:
            base += work.cloud[m]
    tree = planted(work.storage, items, library.size_gb, work.worth, work.ones, storage_gb, base)
    for i in range(1, items.size):
        a, b = items[i - 1], items[i]
        tree.twin[i] = (
            library.size_gb[a] == library.size_gb[b]
            and work.cloud[a] == work.cloud[b]
            and _asked_alike(work, slots, a, b)
            and _serve_alike(library, a, b)
        )
    return tree


def _service_tree(library: Library, work: Work, j: int, base: float) -> Tree:
    """Return the tree of how many users to serve in slot `j`; `base` is the loss there is without them."""
    count = 0
    for m in library.by_worth:
        if work.cached[m]:
            work.service.models[count] = m
            count += 1
    items = work.service.models[:count]
    tree = planted(
        work.service, items, library.full_steps, library.unserved, work.demand[j], work.spare[j], base
    )
    tree.overshoot[0] = 1
    for i in range(1, count):
        tree.twin[i] = _serve_alike(library, items[i - 1], items[i])
    return tree


def _asked_alike(work: Work, slots: int, a: int, b: int) -> bool:
    """Return whether equally many users ask for both models in each slot."""
    alike = True
    for j in range(slots):
        alike = alike and work.demand[j, a] == work.demand[j, b]
    return alike


def _serve_alike(library: Library, a: int, b: int) -> bool:
    """Return whether steps do the same for users of both models."""
    return bool(
        library.full_steps[a] == library.full_steps[b]
        and library.least_steps[a] == library.least_steps[b]
        and library.onset_steps[a] == library.onset_steps[b]
        and library.unserved[a] == library.unserved[b]
        and library.onset[a] == library.onset[b]
    )
