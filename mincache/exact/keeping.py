"""Good courses of caches, and a bound on all, where loading takes time and the caches that fit are many.

Loading a model for w costs w times the rise of "it is cached" from one frame to the next, if it rises. For
any price y between 0 and w that is at least y times the rise, be it a fall. So with such a price for each
model and frame, having the model in a frame costs y and saves the next frame's y, frames are independent
again, and their optima bound every course. The prices climb along the rises of these optima. The caches met
on the way are the ones that the best course is put together from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from mincache.exact.passes import FIRST_NODES, FrameSearch
from mincache.problem.quantity import Array

_ROUNDS = 400
_ROUNDS_A_COURSE = 10  # rounds between two courses put together from all caches met
_MOST_MET = 300
_PATIENCE = 12  # rounds without a better bound after which the steps get shorter
_ROUNDING = 1e-12


class CachePlan(NamedTuple):
    """A cache for each frame.

    Attributes:
        cache: bool [K, M].
        loss: what it costs above the ideal, with the loading.
        lower: lower bound on that of every course.
        proven: whether the two are as close as asked for.
    """

    cache: Array
    loss: float
    lower: float
    proven: bool


def courses_by_prices(
    search: FrameSearch, load: Array, relative_gap: float, remaining: Callable[[], float]
) -> Iterator[CachePlan]:
    """Yield ever better courses and bounds, until they meet, the time is up or prices settle.

    Args:
        search: the instance and its regrets.
        load: [K, M], what loading each model costs at the start of each frame.
        relative_gap: relative gap at which it counts as solved.
        remaining: returns the seconds left.
    """
    tolerance = relative_gap * float(search.ideal.sum())
    met = _Met(search, load)
    price, length, waited = np.zeros_like(load), 1.0, 0
    price[0] = load[0]  # before the first frame nothing is cached: every model in it has risen
    best = CachePlan(np.zeros(load.shape, bool), float(search.stakes.cloud.sum()), 0.0, False)
    for count in range(1, _ROUNDS + 1):
        cache, loss, lower = _round(search, price, load, remaining)
        waited = 0 if lower > best.lower else waited + 1
        best = _better(best, cache, loss, lower, tolerance)
        met.add(cache)
        together = count % _ROUNDS_A_COURSE == 0
        if together and remaining() > 0.0:
            best = _better(best, *met.course(remaining), best.lower, tolerance)
        done = best.proven or remaining() <= 0.0 or count == _ROUNDS
        if together or done or count == 1:
            yield best
        if done:
            return
        if waited > _PATIENCE:
            length, waited = 0.5 * length, 0
        rise = np.diff(cache.astype(float), axis=0)
        step = length * (best.loss - lower) / max(1.0, float(np.square(rise).sum()))
        price[1:] = np.clip(price[1:] + step * rise, 0.0, load[1:])


def _better(best: CachePlan, cache: Array, loss: float, lower: float, tolerance: float) -> CachePlan:
    lower = max(lower, best.lower)
    if loss < best.loss:
        best = best._replace(cache=cache, loss=loss)
    return best._replace(lower=lower, proven=best.loss - lower <= tolerance)


@np.errstate(over="ignore", invalid="ignore")
def _round(
    search: FrameSearch, price: Array, load: Array, remaining: Callable[[], float]
) -> tuple[Array, float, float]:
    """Return the caches that are best at these prices, the loss of their course, and the bound they give."""
    keep = np.append(price[1:], np.zeros((1, price.shape[1])), axis=0) - price
    priced = FrameSearch(search.instance, search.stakes, 0.0, search.compiled, keep)
    priced.run(FIRST_NODES, remaining)
    cache = priced.plan.cache[:: search.work.price.size]
    loss = float((priced.plan.loss - np.where(cache, 0.0, keep).sum(axis=1)).sum())
    first = float(price[0].sum())
    lower = float(priced.plan.lower.sum()) + first
    return cache, loss + _loading(cache, load), lower - _ROUNDING * (abs(lower) + 2.0 * first)


def _loading(cache: Array, load: Array) -> float:
    before = np.zeros_like(cache)
    before[1:] = cache[:-1]
    return float(np.where(cache & ~before, load, 0.0).sum())


class _Met:
    """The caches met so far, and what each costs in each frame."""

    def __init__(self, search: FrameSearch, load: Array) -> None:
        self.search, self.load = search, load
        self.place: dict[bytes, int] = {}
        self.sets = np.zeros((0, load.shape[1]), bool)
        self.loss = np.zeros((len(load), 0))
        self.add(np.zeros((1, load.shape[1]), bool))

    def add(self, caches: Array) -> None:
        """Note these caches [K, M], those that are new."""
        for cache in caches:
            if len(self.place) < _MOST_MET:
                self.place.setdefault(cache.tobytes(), len(self.place))
        self.sets = np.array([np.frombuffer(row, bool) for row in self.place])

    def course(self, remaining: Callable[[], float]) -> tuple[Array, float]:
        """Return the cheapest course through them [K, M], and its loss: infinite if the time is too short."""
        if not self._price(remaining):
            return self.sets[:1].repeat(len(self.load), axis=0), np.inf
        before = [np.zeros(0, np.int64)]
        total = (self.sets * self.load[0]).sum(axis=1) + self.loss[0]
        for loss, load in zip(self.loss[1:], self.load[1:], strict=True):
            if remaining() <= 0.0:
                return self.sets[:1].repeat(len(self.load), axis=0), np.inf
            reached = total[:, None] + ~self.sets @ (self.sets * load).T
            before.append(reached.argmin(axis=0))
            total = reached.min(axis=0) + loss
        course = [int(total.argmin())]
        for chosen in before[:0:-1]:
            course.append(int(chosen[course[-1]]))
        return self.sets[course[::-1]], float(total.min())

    def _price(self, remaining: Callable[[], float]) -> bool:
        """Find what the new ones cost; return whether there was time."""
        new, slots = self.sets[self.loss.shape[1] :], self.search.work.price.size
        loss = np.zeros((len(self.load), len(new)))
        for t in range(self.search.instance.slot_count):
            found = self.search.cache_losses(t, new, remaining)
            if found is None:
                return False
            loss[t // slots] += found[0]
        self.loss = np.concatenate([self.loss, loss], axis=1)
        return True
