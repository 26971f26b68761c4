"""Closing the gap that prices leave: all caches near each frame's best, and a dynamic program through them.

At the prices of `keeping`, what a course costs above the bound is a sum of terms that are at least 0: each
frame's excess over its best, and the slack of the prices: w - y for each model that is loaded, y for each
that is dropped. So a course that costs less than the bound plus a margin uses only caches whose excess is
below the margin. All of these are listed (as routes are in vehicle routing: Baldacci, Christofides and
Mingozzi, 2008), with a small margin first; and the cheapest course through the lists is found, with its
excess so far as label. A course found within the margin is the best of all. If none is, the bound rises by
the margin.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mincache.exact.keeping import CachePlan, Pricing
from mincache.problem.quantity import Array

_FIRST_MARGINS = 8.0  # the first margin is the gap by this
_GROWTH = 2.0
_MOST_LISTED = 200_000  # caches a frame
_NUMBERS_AT_ONCE = 1 << 22
_SLICE = 0.5


def close(pricing: Pricing) -> Iterator[CachePlan]:
    """Yield better courses and bounds, until they meet or time and room are used up."""
    start = pricing.best.lower
    margin = (pricing.best.loss - start) / _FIRST_MARGINS
    while not pricing.late:
        margin = min(margin, pricing.best.loss - start)
        lists = _lists(pricing, margin)
        if lists is None:
            return
        cache = _cheapest(pricing, lists, pricing.best.loss - start)
        if cache is not None:
            pricing.improve(cache, course_loss(pricing, cache))
        # A course through other caches costs the margin more than the bound, at least.
        best = pricing.best
        pricing.improve(best.cache, best.loss, min(start + margin, best.loss - 0.5 * pricing.tolerance))
        yield pricing.best
        margin *= _GROWTH


def course_loss(pricing: Pricing, cache: Array) -> float:
    """Return the loss of a course [K, M], with loading."""
    losses = pricing.search.caches_in_frames(cache, None)
    assert losses is not None  # without a limit
    risen = cache.copy()
    risen[1:] &= ~cache[:-1]
    return float(np.diagonal(losses).sum() + pricing.load[risen].sum())


def _lists(pricing: Pricing, margin: float) -> list[tuple[Array, Array]] | None:
    """Return the caches of each frame whose excess is below the margin, and that excess; None if too many."""
    keep, lists = pricing.keep(pricing.price), []
    for k in range(len(pricing.load)):
        trees, left = pricing.search.trees, pricing.remaining()
        nodes = trees.affordable(_SLICE * left)
        cutoff = float(pricing.least[k]) + margin
        found = trees.all_below(k, keep[k], pricing.wanted(k), cutoff, nodes, left, _MOST_LISTED)
        if not found.complete:
            return None
        lists.append((found.caches, found.losses - pricing.least[k]))
    return lists


def _cheapest(pricing: Pricing, lists: list[tuple[Array, Array]], most: float) -> Array | None:
    """Return the course of least excess through the lists, bool [K, M]; None if all reach `most`."""
    price, load = pricing.price, pricing.load
    caches, label = lists[0]
    kept = np.flatnonzero(label < most)
    caches, label = caches[kept], label[kept]
    stages, before = [caches], []
    for k in range(1, len(lists)):
        sets, excess = lists[k]
        if not (len(label) and len(sets)):
            return None
        reached, origin = _reached(caches.astype(float), label, sets.astype(float), price[k], load[k])
        reached += excess
        kept = np.flatnonzero(reached < most)
        caches, label = sets[kept], reached[kept]
        stages.append(caches)
        before.append(origin[kept])
    if not len(label):
        return None
    at = int(label.argmin())
    course = [stages[-1][at]]
    for stage, origin in zip(reversed(stages[:-1]), reversed(before), strict=True):
        at = int(origin[at])
        course.append(stage[at])
    return np.array(course[::-1])


def _reached(old: Array, label: Array, new: Array, price: Array, load: Array) -> tuple[Array, Array]:
    """Return the least label with the slack of going on, for each new cache, and from which old one.

    The slack is w - y for what is loaded, and y for what is dropped.
    """
    best, origin = np.full(len(new), np.inf), np.zeros(len(new), np.int64)
    entered, left = new @ (load - price), old @ price
    weighted = (new * load).T
    chunk = max(1, _NUMBERS_AT_ONCE // max(1, len(new)))
    for first in range(0, len(old), chunk):
        part = slice(first, first + chunk)
        total = (label[part] + left[part])[:, None] + entered - old[part] @ weighted
        row = total.argmin(axis=0)
        value = total[row, np.arange(len(new))]
        better = value < best
        best[better], origin[better] = value[better], row[better] + first
    return best, origin
