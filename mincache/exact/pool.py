"""The caches met so far, what each costs in each frame, and the cheapest course and mixture of them."""

from collections.abc import Callable

import numpy as np

from mincache.exact.courses import cheapest_course, course_loss
from mincache.exact.passes import FrameSearch
from mincache.problem.quantity import Array

_MOST = 4000
_FEWEST_MIXED = 30  # caches a frame that the mixture is made of at least


class CachePool:
    """Caches `sets` bool [S, M], and what each costs in every frame without loading, `loss` [K, S]."""

    def __init__(self, search: FrameSearch, load: Array, remaining: Callable[[], float]) -> None:
        self.search, self.load, self.remaining = search, load, remaining
        self.known: set[bytes] = set()
        self.sets = np.zeros((0, load.shape[1]), bool)
        self.loss = np.zeros((len(load), 0))

    def add(self, caches: Array) -> None:
        """Note these caches [R, M], those that are new, and price them; without time, they are left out."""
        new = {row.tobytes(): row for row in caches if row.tobytes() not in self.known}
        rows = list(new.values())[: _MOST - len(self.sets)]
        if not rows:
            return
        limit = (self.remaining,) if len(self.sets) else ()
        losses = self.search.caches_in_frames(np.array(rows), *limit)
        if losses is None:
            return
        self.known.update(row.tobytes() for row in rows)
        self.sets = np.concatenate([self.sets, rows])
        self.loss = np.concatenate([self.loss, losses], axis=1)

    def course(self) -> tuple[Array, float]:
        """Return the cheapest course through the caches met, bool [K, M], and its loss with loading."""
        every = [(self.sets, loss) for loss in self.loss]
        course = cheapest_course(every, np.zeros_like(self.load), self.load)
        assert course is not None  # nothing cached is always possible
        cache = self.sets[course]
        return cache, course_loss(cache, self.loss[np.arange(len(course)), course], self.load)

    def mixture(self, keep: Array, gap: float) -> tuple[float, Array]:
        """Return the least cost of mixing caches, and the prices [K, M] of keeping: duals of what is loaded.

        Mixed are caches within `gap` of a frame's best, where not caching a model costs `keep` [K, M].
        """
        K, M = self.load.shape
        price = np.zeros_like(self.load)
        price[0] = self.load[0]
        frame, place = self._near(keep, gap)
        members = self.sets[place]
        cost = self.loss[frame, place] + np.where(frame == 0, members @ self.load[0], 0.0)
        paid = self.load[1:].ravel()
        used = np.flatnonzero(paid > 0.0)
        if not used.size:
            return float(np.minimum.reduceat(cost, np.searchsorted(frame, np.arange(K))).sum()), price
        answer = _mixed(cost, members, frame, paid, used)
        if answer is None:
            return -np.inf, price
        price[1:] = answer[1].reshape(K - 1, M)
        return answer[0], price

    def _near(self, keep: Array, gap: float) -> tuple[Array, Array]:
        """Return frame and place of the caches that are near each frame's best."""
        chosen = []
        for loss, kept in zip(self.loss, keep, strict=True):
            priced = loss - self.sets @ kept
            order = np.argsort(priced, kind="stable")
            near = np.count_nonzero(priced <= priced[order[0]] + gap)
            order = order[: max(near, _FEWEST_MIXED)]
            chosen.append(order[np.isfinite(priced[order])])  # a floor on steps forbids some caches
        return np.repeat(np.arange(len(chosen)), list(map(len, chosen))), np.concatenate(chosen)


def _mixed(cost: Array, members: Array, frame: Array, paid: Array, used: Array) -> tuple[float, Array] | None:
    """Return the cost of the cheapest mixture and its prices, or None where the linear program fails."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, hstack

    K, M, C = int(frame[-1]) + 1, members.shape[1], len(cost)
    cache, model = np.nonzero(members)
    # The row of what is kept into the next frame; that of what is loaded is M less.
    at = frame[cache] * M + model
    row = np.concatenate([at - M, at])
    value = np.repeat([1.0, -1.0], cache.size)
    inside = (row >= 0) & (row < paid.size)
    rise = csr_array((value[inside], (row[inside], np.tile(cache, 2)[inside])), shape=(paid.size, C))
    whole = csr_array((np.ones(C), (frame, np.arange(C))), shape=(K, C + used.size))
    loaded = csr_array((-np.ones(used.size), (np.arange(used.size), np.arange(used.size))))
    answer = linprog(
        np.concatenate([cost, paid[used]]), A_ub=hstack([rise[used], loaded]), b_ub=np.zeros(used.size),
        A_eq=whole, b_eq=np.ones(K), method="highs",
    )  # fmt: skip
    if answer.status != 0:
        return None
    price = np.zeros(paid.size)
    price[used] = np.clip(-answer.ineqlin.marginals, 0.0, paid[used])
    return float(answer.fun), price
