"""Sharing a slot's steps among the users of the cached models, so that they lose least by it.

At an optimum all users but one get the least steps that they may, or A3; the last one gets what is left over.
So it is a knapsack of users in steps. The user who is served in part counts as served in full: then the last
unit put in overshoots the room, and whoever loses least by it is cut by as much.

A bounded knapsack's promising fillings come depth first, in order of gain per room. The bound at a node is
the fractional filling of what room is left.

All loops take `requested` [T, N], the model that each user asks for, and `cloud` [T, N], the regret of
sending the request to the cloud. `limits` [2] are what may be taken: storage in GB, and steps in each slot.
"""

import numpy as np

from mincache.exact.arrays import Library, Tree, Work
from mincache.problem.quantity import Array


def take_requests(requested: Array, cloud: Array, work: Work) -> None:
    """Write the requests of a frame's slots [F, N], and their regrets at the cloud, into `work`."""
    work.cloud[:] = 0.0
    for j in range(requested.shape[0]):
        work.demand[j, :] = 0
        for n in range(requested.shape[1]):
            work.demand[j, requested[j, n]] += 1
            work.cloud[requested[j, n]] += cloud[j, n]


def set_aside(library: Library, work: Work, slots: int, m: int) -> bool:
    """Take the least steps of all hits on a model from `work.spare`; return whether they were there."""
    if library.least_steps[m] > 0.0:
        for j in range(slots):
            if work.demand[j, m] * library.least_steps[m] > work.spare[j]:
                return False
        for j in range(slots):
            work.spare[j] -= work.demand[j, m] * library.least_steps[m]
    return True


def fits(library: Library, work: Work, slots: int, m: int, limits: Array) -> bool:
    """Return whether a model fits in the storage, and the least steps of its hits in each slot's steps."""
    enough = library.size_gb[m] <= limits[0]
    for j in range(slots):
        enough = enough and work.demand[j, m] * library.least_steps[m] <= limits[1]
    return bool(enough)


def take_cache(library: Library, work: Work, slots: int, steps: float) -> tuple[float, bool]:
    """Set the least steps of hits aside; return the loss of what is not cached, and if they are there."""
    loss, suffices = 0.0, True
    work.spare[:] = steps
    for m in range(work.cached.size):
        if work.cached[m]:
            suffices = suffices and set_aside(library, work, slots, m)
        else:
            loss += work.cloud[m]
    return loss, suffices


def serve_slots(
    library: Library, requested: Array, cloud: Array, steps: float, sets: Array, node_limit: int,
    loss: Array, lower: Array, given: Array, work: Work,
) -> None:  # fmt: skip
    """Serve the users of each slot as well as can be with each of several caches `sets`, bool [T, S, M].

    Further arguments:
        steps: what the users of a slot may take.
        loss: [T, S], where to write the slot's loss; infinite where the least steps are not there.
        lower: [T, S], where to write a bound on it: the loss itself unless the nodes ran out.
        given: [T, S, N], where to write the users' steps; or [T, 0, N] for nowhere.
    """
    for t in range(sets.shape[0]):
        take_requests(requested[t : t + 1], cloud[t : t + 1], work)
        for s in range(sets.shape[1]):
            for m in range(work.cached.size):
                work.cached[m] = sets[t, s, m]
            left_out, suffices = take_cache(library, work, 1, steps)
            loss[t, s] = lower[t, s] = np.inf
            if suffices:
                work.nodes_left[0] = node_limit
                loss[t, s] = serve_cached(library, work, 1, left_out, np.inf)
                lower[t, s] = loss[t, s] if work.nodes_left[0] > 0 else left_out
                if given.shape[1] > 0:
                    assign(library, requested[t], work, 0, given[t, s])


def serve_cached(library: Library, work: Work, slots: int, left_out: float, best: float) -> float:
    """Serve the users of the cached models; return the frame's loss, or `best` if it is not under that."""
    loss = left_out
    for j in range(slots):
        loss = _serve(library, work, j, loss, best)
        if loss >= best:
            return best
    return loss


def _serve(library: Library, work: Work, j: int, base: float, best: float) -> float:
    """Share the steps of slot `j`, whose loss is `base` before; return the loss, or `best` if not under."""
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
        tree.twin[i] = serve_alike(library, items[i - 1], items[i])
    return tree


def serve_alike(library: Library, a: int, b: int) -> bool:
    """Return whether steps do the same for users of both models."""
    return bool(
        library.full_steps[a] == library.full_steps[b]
        and library.least_steps[a] == library.least_steps[b]
        and library.onset_steps[a] == library.onset_steps[b]
        and library.unserved[a] == library.unserved[b]
        and library.onset[a] == library.onset[b]
    )


def planted(
    tree: Tree, models: Array, size: Array, gain: Array, units: Array, room: float, base: float
) -> Tree:
    """Return a part of `tree`, at its start: filling `room` with units of `models`; `base` if all fit."""
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


def next_leaf(tree: Tree, best: float, nodes_left: Array) -> bool:
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
