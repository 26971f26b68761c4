"""Branch and bound over what to cache and whom to serve, frame by frame.

A slot's loss is the sum of its regrets (see `regrets`): `cloud` for each requested model left out of the
cache; for each cached one, `unserved` for every user who gets no steps. So two knapsacks are nested: models
in the storage, and for each such filling, users of the cached models in the steps (see `serving`). Both are
searched by the same `tree`; a price on steps (see `prices`) turns the gain of caching a model into one
number.

A frame is one slot in the paper's problem. One of several slots has one cache, and what caching a model
saves is added up over them; then each slot's users are served by themselves. Where every hit gets some
steps at least, these are taken off first and all others count from there; a cache whose users' least steps
are more than there are is out.

Losses only add up numbers that are not negative, so a huge one that the optimum avoids takes no digits from
the others. The loops are plain Python over arrays that they are given, which numba compiles as they are.
"""

from __future__ import annotations

from mincache.exact.arrays import Library, Plan, Tree, Work
from mincache.exact.prices import step_cost, step_prices
from mincache.exact.serving import assign, serve_alike, serve_cached, set_aside, take_requests
from mincache.exact.tree import next_leaf, planted
from mincache.problem.quantity import Array


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
            and serve_alike(library, a, b)
        )
    return tree


def _asked_alike(work: Work, slots: int, a: int, b: int) -> bool:
    """Return whether equally many users ask for both models in each slot."""
    alike = True
    for j in range(slots):
        alike = alike and work.demand[j, a] == work.demand[j, b]
    return alike
