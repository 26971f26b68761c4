"""All the caches that the storage holds, and the cheapest course through them where loading takes time.

Between two frames a course may drop models, which is free, and then load others. Every subset of what fits
fits too, so that takes one sweep a model over the sets with and without it, not their number squared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mincache.problem.quantity import Array


@dataclass(frozen=True, eq=False)
class CacheSets:
    """Every set of U models that fits, the empty one first."""

    member: Array  # bool [S, U], which models are in which set
    pairs: tuple[tuple[Array, Array], ...]  # by model, indices of the sets with it, and of these without it

    @classmethod
    def that_fit(cls, size_gb: Array, storage_gb: float, most: int) -> CacheSets | None:
        """Return the sets of models of `size_gb` [U] that `storage_gb` holds; None if more than `most`."""
        used, grown = np.zeros(1), []
        for size in size_gb:
            grown.append(np.flatnonzero(used + size <= storage_gb))  # the sets that this model fits in with
            used = np.concatenate([used, used[grown[-1]] + size])
            if len(used) > most:
                return None
        member = np.zeros((len(used), size_gb.size), bool)
        without = np.zeros(member.shape, np.int32)  # the set less a model, or the set itself
        place, first = np.zeros(len(used), np.int32), 1  # where the set that a set grows to stands
        for u, old in enumerate(grown):
            new = slice(first, first + len(old))
            place[old] = np.arange(new.start, new.stop)
            member[new], without[new] = member[old], place[without[old]]
            member[new, u], without[new, u] = True, old
            first = new.stop
        having = [np.flatnonzero(column) for column in member.T]
        return cls(member, tuple((rows, without[rows, u]) for u, rows in enumerate(having)))

    def common_with(self, wanted: Array) -> Array:
        """Return for each set the index of its part that is in `wanted`, bool [U]."""
        part = np.arange(len(self.member))
        for u in np.flatnonzero(~wanted):
            having, lacking = self.pairs[u]
            part[having] = part[lacking]
        return part

    def reached(self, cost: Array, load: Array) -> Array:
        """Return the least cost of being at each set next: `cost` [S] to be at it now, `load` [U] a model."""
        cost = cost.copy()
        for having, lacking in self.pairs:
            cost[lacking] = np.minimum(cost[lacking], cost[having])
        for (having, lacking), price in zip(self.pairs, load, strict=True):
            cost[having] = np.minimum(cost[having], cost[lacking] + price)
        return cost


def cheapest_course(sets: CacheSets, cost: Array, load: Array) -> tuple[float, Array]:
    """Return the least total of a course that begins with nothing cached, and the set of each frame, [K].

    It pays `cost` [K, S] by frame and set, infinite where it may not be, and `load` [K, U] a model loaded.
    """
    total = np.empty_like(cost)
    before = np.full(len(sets.member), np.inf)
    before[0] = 0.0
    for k in range(len(cost)):
        before = total[k] = sets.reached(before, load[k]) + cost[k]
    course = np.zeros(len(cost), np.int64)
    course[-1] = total[-1].argmin()
    for k in range(len(cost) - 1, 0, -1):
        loaded = ~sets.member @ (sets.member[course[k]] * load[k])
        course[k - 1] = (total[k - 1] + loaded).argmin()
    return float(total[-1, course[-1]]), course
