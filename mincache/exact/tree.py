"""A bounded knapsack's promising fillings, one after the other: depth first, in order of gain per room.

The bound at a node is the fractional filling of what room is left. A unit may overshoot the room where the
tree allows it (see `serving`); nothing is put in after that.
"""

from __future__ import annotations

import numpy as np

from mincache.exact.arrays import Tree
from mincache.problem.quantity import Array


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
