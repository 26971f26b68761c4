"""The caches met so far, what each costs in each frame, and the cheapest course and mixture of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from mincache.problem.quantity import Array

if TYPE_CHECKING:
    from mincache.exact.passes import FrameSearch

_MOST = 4000
_FEWEST_MIXED = 30  # caches a frame that the mixture is made of at least


class CachePool:
    """Caches, each known once, and priced in every frame.

    Args:
        search: the instance and its regrets.
        load: [K, M], what loading each model costs at the start of each frame.
        remaining: returns the seconds left.

    Attributes:
        sets: bool [S, M].
        loss: [K, S], what each costs in each frame, without loading.
    """

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
        losses = self.search.caches_in_frames(np.array(rows), self.remaining if len(self.sets) else None)
        if losses is None:
            return
        self.known.update(row.tobytes() for row in rows)
        self.sets = np.concatenate([self.sets, rows])
        self.loss = np.concatenate([self.loss, losses], axis=1)

    def course(self) -> tuple[Array, float]:
        """Return the cheapest course through the caches met, bool [K, M], and its loss with loading."""
        members = self.sets.astype(float)
        before = []
        total = members @ self.load[0] + self.loss[0]
        for loss, load in zip(self.loss[1:], self.load[1:], strict=True):
            # What is loaded on the way from one (rows) to the other (columns): all of it but what they share.
            loaded = members * load
            reached = (total[:, None] - members @ loaded.T) + loaded.sum(axis=1)
            before.append(reached.argmin(axis=0))
            total = reached.min(axis=0) + loss
        course = [int(total.argmin())]
        for chosen in reversed(before):
            course.append(int(chosen[course[-1]]))
        course.reverse()
        cache = self.sets[course]
        risen = cache.copy()
        risen[1:] &= ~cache[:-1]
        loss = float(self.loss[np.arange(len(cache)), course].sum() + self.load[risen].sum())
        return cache, loss

    def mixture(self, keep: Array, gap: float) -> tuple[float, Array]:
        """Return the least cost of a mixture of caches in each frame, and the prices that it puts on keeping.

        Args:
            keep: [K, M], regret of not caching a model by the present prices: caches near a frame's best at
                them are mixed.
            gap: how near.

        Returns:
            The cost; and the prices, [K, M], which are the duals of "what is cached more is loaded".
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
    """Solve the linear program of a mixture; return its cost and the prices, or None where that fails.

    Args:
        cost: [C], of each cache in its frame.
        members: bool [C, M], what is in it.
        frame: [C], which frame.
        paid: [(K - 1) M], what loading costs after the first frame.
        used: the indices where that is not 0.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, hstack

    K, M, C = int(frame[-1]) + 1, members.shape[1], len(cost)
    cache, model = np.nonzero(members)
    at = (
        frame[cache] * M + model
    )  # the row of what is kept into the next frame; that of what is loaded is M less
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
