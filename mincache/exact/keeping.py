"""The best course of caches where loading takes time and the caches that fit are too many to look at.

Prices make the frames independent, and bound every course: the Lagrangean relaxation of loading. They follow
the caches' changes at first; then they are the duals of a linear program that mixes the caches met so far
(column generation). Last, all caches near each frame's best are listed, and the cheapest course through them
is found, as routes are in vehicle routing (Baldacci, Christofides and Mingozzi, 2008). docs/decomposition.md
derives it.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from mincache.exact.courses import cheapest_course, course_loss, rest_of_courses
from mincache.exact.passes import FrameSearch
from mincache.exact.pool import CachePool
from mincache.exact.trees import UNLIMITED
from mincache.problem.quantity import Array

_CLIMBS, _CLIMB_NODES = 60, 800  # rounds of subgradient steps, and nodes a frame in each
_PATIENCE = 6  # rounds without a better bound after which the steps get shorter
_MIX_NODES, _MORE_NODES = 3000, 8  # nodes a frame in column generation at first, and then times as many
_MIXES = 400  # rounds of column generation at most
_SMOOTHING = 0.5  # share of the best prices so far in the next
_ROUNDS_A_COURSE = 10  # rounds between two courses put together from all caches met
_SETTLED = 2e-8  # gap to the mixture, relative to the cost, at which prices are good enough
_ROUNDING = 1e-12
_EXACT = 0.2  # of the tolerance, for the frames together
_SLICE = 0.5  # of the time left, for one frame
_FIRST_MARGINS, _MARGIN_GROWTH = 8.0, 2.0  # the first margins are the gap by this
_MOST_LISTED = 200_000  # caches a frame


class CachePlan(NamedTuple):
    """A cache for each frame."""

    cache: Array  # bool [K, M]
    loss: float  # what it costs above the ideal, with the loading
    lower: float  # lower bound on that of every course
    proven: bool  # whether the two are as close as asked for


class Pricing:
    """Prices of keeping models, the caches met, and the best course and bound so far.

    `load` [K, M] is what loading each model costs at the start of each frame; `remaining` gives seconds.
    """

    def __init__(
        self, search: FrameSearch, load: Array, tolerance: float, remaining: Callable[[], float]
    ) -> None:
        self.search, self.load, self.tolerance, self.remaining = search, load, tolerance, remaining
        self.pool = CachePool(search, load, remaining)
        self.price = np.zeros_like(load)  # that gave the bound
        self.price[0] = load[0]  # before the first frame nothing is cached: every model in it has risen
        self.least = np.zeros(len(load))  # what each frame costs at least at these prices
        nothing = np.zeros(load.shape, bool)
        self.best = CachePlan(nothing, float(search.stakes.cloud.sum()), -np.inf, proven=False)
        self.closed: tuple[list[tuple[Array, Array]], Array] | None = None  # lists, and their margins [K]
        self.pool.add(nothing[:1])

    @property
    def late(self) -> bool:
        """Whether nothing more is to be done."""
        return self.best.proven or self.remaining() <= 0.0

    def keep(self, price: Array) -> Array:
        """Return the regret of not caching each model in each frame that these prices amount to, [K, M]."""
        return np.append(price[1:], np.zeros((1, price.shape[1])), axis=0) - price

    def raised(self, lower: float) -> float:
        """Return a bound in the units of losses, less rounding."""
        first = float(self.load[0].sum())
        return lower + first - _ROUNDING * (abs(lower) + 2.0 * first)

    def improve(self, cache: Array, loss: float, lower: float = -np.inf) -> None:
        """Take over a course and a bound, where they are better."""
        lower = max(lower, self.best.lower)
        if not loss < self.best.loss:
            cache, loss = self.best.cache, self.best.loss
        self.best = CachePlan(cache, loss, lower, loss - lower <= self.tolerance)

    def round(self, price: Array, nodes: int) -> tuple[Array, float, float]:
        """Return the best caches [K, M] at these prices, the bound, and what it might have been."""
        keep, K = self.keep(price), len(self.load)
        caches, (least, known) = np.zeros(self.load.shape, bool), np.zeros((2, K))
        exact = _EXACT * self.tolerance / K
        for k in range(K):
            priced = self.pool.loss[k] - self.pool.sets @ keep[k] + keep[k].sum()
            i = int(priced.argmin())
            limit = min(nodes, self.search.trees.affordable(_SLICE * self.remaining()))
            found = self.search.trees.best(k, keep[k], float(priced[i]), exact, limit, self.remaining())
            caches[k] = found.caches[0] if len(found.losses) else self.pool.sets[i]
            known[k] = found.losses[0] if len(found.losses) else priced[i]
            least[k] = found.lower
        lower = self.raised(float(least.sum()))
        if lower > self.best.lower:
            self.price, self.least = price, least
        self.improve(self.best.cache, self.best.loss, lower)
        self.pool.add(caches)
        return caches, lower, self.raised(float(known.sum()))

    def course(self) -> None:
        """Put the cheapest course together from all caches met."""
        if self.remaining() > 0.0:
            self.improve(*self.pool.course())

    def climb(self) -> Iterator[CachePlan]:
        """Move the prices along the rises of the frames' best caches, each looked for in few nodes."""
        price, length, waited = self.price, 1.0, 0
        for count in range(1, _CLIMBS + 1):
            before = self.best.lower
            caches, lower, _ = self.round(price, _CLIMB_NODES)
            if count == 1 or count % _ROUNDS_A_COURSE == 0:
                self.course()
                yield self.best
            if self.late:
                return
            waited = 0 if lower > before else waited + 1
            if waited > _PATIENCE:
                price, length, waited = self.price, 0.5 * length, 0
            rise = np.diff(caches.astype(float), axis=0)
            step = length * (self.best.loss - lower) / max(1.0, float(np.square(rise).sum()))
            price = price.copy()
            price[1:] = np.clip(price[1:] + step * rise, 0.0, self.load[1:])

    def mix(self) -> Iterator[CachePlan]:
        """Take prices from the cheapest mixture of the caches met, until it is no cheaper than the bound."""
        # Prices between the mixture's and the best hold them steady; few nodes do while they find new caches.
        settled = max(self.tolerance, _SETTLED * float(self.search.ideal.sum()))
        center, reach, limit, smoothing = self.price, -np.inf, _MIX_NODES, _SMOOTHING
        for count in range(1, _MIXES + 1):
            value, price = self.pool.mixture(self.keep(center), self.best.loss - self.best.lower)
            if self.late or value - self.best.lower <= settled:
                break
            asked, size = smoothing * center + (1.0 - smoothing) * price, len(self.pool.sets)
            _, _, guess = self.round(asked, limit)
            if guess > reach:
                center, reach = asked, guess
            grown = len(self.pool.sets) > size
            if value - reach <= settled or not (grown or smoothing > 0.0):
                if limit == UNLIMITED:
                    break
                limit = min(limit * _MORE_NODES, UNLIMITED) if grown else UNLIMITED
                reach, smoothing = -np.inf, _SMOOTHING
            else:
                smoothing = _SMOOTHING if grown else 0.0
            if count % _ROUNDS_A_COURSE == 0:
                self.course()
                yield self.best
        self.course()
        yield self.best

    def close(self) -> Iterator[CachePlan]:
        """Yield better courses and bounds from lists of caches, until they meet or time or room ends."""
        start = self.best.lower
        margins = np.full(len(self.load), (self.best.loss - start) / _FIRST_MARGINS)
        lists: list[tuple[Array, Array]] = [(self.pool.sets[:0], margins[:0]) for _ in margins]
        grown = np.ones(len(margins), bool)
        while not self.late:
            for k in np.flatnonzero(grown):
                listed = self._listed(int(k), float(margins[k]))
                if listed is None:
                    return
                lists[k] = listed
            course = cheapest_course(lists, self.price, self.load, self.best.loss - start)
            if course is not None:
                cache = np.array([caches[at] for (caches, _), at in zip(lists, course, strict=True)])
                losses = self.search.caches_in_frames(cache)
                assert losses is not None  # without a limit
                self.improve(cache, course_loss(cache, np.diagonal(losses), self.load))
            # Another course leaves the lists in one frame at least, and costs its margin there.
            gap = self.best.loss - start
            needed = gap - rest_of_courses(lists, margins, self.price, self.load, gap)
            grown = margins < needed
            lower = self.best.loss + float((margins - needed).min()) if grown.any() else self.best.loss
            self.improve(self.best.cache, self.best.loss, min(lower, self.best.loss - 0.5 * self.tolerance))
            self.closed = lists, margins
            yield self.best
            margins = np.where(grown, np.minimum(_MARGIN_GROWTH * margins, needed), margins)

    def cuts(self, goal: float) -> Array:
        """Return losses [K] below which all caches must be known, to show that none is less than `goal`."""
        gap = max(0.0, goal - self.raised(float(self.least.sum())))
        lists, margins = self.closed or ([], np.full(len(self.load), gap))
        margins = np.minimum(margins, gap)
        # A wide margin is the dearest to prove: each in turn gets as narrow as the other frames allow.
        for k in np.argsort(-margins, kind="stable") if lists else ():
            within = [
                (sets[cost < m], cost[cost < m]) for (sets, cost), m in zip(lists, margins, strict=True)
            ]
            rest = rest_of_courses(within, margins, self.price, self.load, gap)
            margins[k] = min(margins[k], gap - rest[k])
        return self.least + margins

    def _listed(self, k: int, margin: float) -> tuple[Array, Array] | None:
        """Return frame k's caches whose excess is below the margin, and that excess; None if too many."""
        left, wanted = self.remaining(), np.any(self.load[k + 1 : k + 2], axis=0)
        keep, least, trees = self.keep(self.price)[k], float(self.least[k]), self.search.trees
        nodes = trees.affordable(_SLICE * left)
        found = trees.all_below(k, keep, wanted, least + margin, nodes, left, _MOST_LISTED)
        return (found.caches, found.losses - least) if found.complete else None
