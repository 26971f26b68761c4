"""Courses of caches, one a frame: the cheapest through lists of caches, and what others cost at least.

With `load` w and `price` y [K, M] of keeping, a course pays for its caches, w - y for each model that it
loads at the start of a frame, and y for each that it drops.
"""

from collections.abc import Sequence

import numpy as np

from mincache.problem.quantity import Array

Lists = Sequence[tuple[Array, Array]]
"""For each frame, caches bool [S, M] and what they cost [S]."""
_NUMBERS_AT_ONCE = 1 << 22


def cheapest_course(lists: Lists, price: Array, load: Array, most: float = np.inf) -> Array | None:
    """Return the place in each list of the course that costs least; None if all reach `most`."""
    caches, label = np.zeros((1, load.shape[1])), np.zeros(1)
    stages = []
    for (sets, cost), y, w in zip(lists, price, load, strict=True):
        if not (len(label) and len(sets)):
            return None
        new = sets.astype(float)
        reached, origin = _reached(caches, label, new, y, w)
        reached += cost
        kept = np.flatnonzero(reached < most)
        caches, label = new[kept], reached[kept]
        stages.append((kept, origin[kept]))
    if not len(label):
        return None
    at, course = int(label.argmin()), []
    for kept, origin in reversed(stages):
        course.append(kept[at])
        at = origin[at]
    return np.array(course[::-1])


def rest_of_courses(lists: Lists, margins: Array, price: Array, load: Array, most: float) -> Array:
    """Return what courses pay at least in all frames but k, for each k [K], whatever they cache in k.

    A cache that is not on its frame's list costs the frame's margin [K] at least, and no loading or dropping
    is counted next to it. Nothing above `most` is told apart from it.
    """
    nothing = np.zeros((1, load.shape[1]))
    before = _least_so_far(lists, margins, price, load, most)
    # Backwards, what is loaded is dropped, and the other way round.
    dropped, loaded = (np.append(nothing, costs[:0:-1], axis=0) for costs in (load - price, load))
    after = _least_so_far(lists[::-1], margins[::-1], dropped, loaded, most)[::-1]
    return np.asarray(np.minimum(np.append(0.0, before[:-1]) + np.append(after[1:], 0.0), most))


def _least_so_far(lists: Lists, margins: Array, price: Array, load: Array, most: float) -> Array:
    """Return the least cost of the frames up to each, [K], for courses that may leave the lists."""
    caches, label, unlisted, least = np.zeros((1, load.shape[1])), np.zeros(1), np.inf, []
    for (sets, cost), margin, y, w in zip(lists, margins, price, load, strict=True):
        nearest, new = min(label.min(initial=most), unlisted), sets.astype(float)
        reached = np.minimum(_reached(caches, label, new, y, w)[0], unlisted) + cost
        unlisted = nearest + margin
        kept = reached < most
        caches, label = new[kept], reached[kept]
        least.append(min(label.min(initial=most), unlisted))
    return np.array(least)


def _reached(old: Array, label: Array, new: Array, price: Array, load: Array) -> tuple[Array, Array]:
    """Return the least label with the cost of going on, for each new cache, and from which old one."""
    best, origin = np.full(len(new), np.inf), np.zeros(len(new), np.int64)
    entered, left = new @ (load - price), old @ price
    weighted = (new * load).T
    chunk = max(1, _NUMBERS_AT_ONCE // max(1, len(new)))
    for first in range(0, len(old) if len(new) else 0, chunk):
        part = slice(first, first + chunk)
        total = (label[part] + left[part])[:, None] + entered - old[part] @ weighted
        row = total.argmin(axis=0)
        value = total[row, np.arange(len(new))]
        better = value < best
        best[better], origin[better] = value[better], row[better] + first
    return best, origin


def course_loss(cache: Array, losses: Array, load: Array) -> float:
    """Return the loss of a course [K, M] with loading, given that of its frames [K]."""
    risen = cache.copy()
    risen[1:] &= ~cache[:-1]
    return float(losses.sum() + load[risen].sum())
