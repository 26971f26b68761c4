"""The search of `frame_tree` for one frame: the best cache below a cutoff, or all of them."""

import time
from typing import NamedTuple

import numpy as np

from mincache.exact.arrays import Dual, Library, Work, zeros
from mincache.exact.loops import choose_loops
from mincache.exact.regrets import Regrets
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array

UNLIMITED = 1 << 60
"""Nodes of a search without a limit."""
_FIRST_NOTES = 1 << 16
_MOST_NOTED = 1 << 18  # caches a frame that a proof lists
_BELOW_ROOT = 1e-3  # of the gap at the root: so much less is shown there with few steps
_PLAIN_NODES_PER_S, _COMPILED_NODES_PER_S = 500.0, 50_000.0  # before any is measured
_NODE_WORK = 1 / 500  # of a short search, a node
_ALIKE = 1.2  # ratio of the largest model to the smallest up to which their number matters
_SPLITS = 2  # of alike models by their number: at that which the prices suggest, and beside it
_LEAST_SCALE, _ROUNDING = 1e-6, 1e-12  # of the storage


class Found(NamedTuple):
    """What a search found."""

    caches: Array  # bool [R, M], below the cutoff
    losses: Array  # [R]
    lower: float  # no other cache loses less
    complete: bool  # whether the search ended by itself, with room for all caches


class FrameTrees:
    """Searches through an instance's frames, whatever loading costs; `limits` [2] are GB and steps."""

    def __init__(
        self, instance: Instance, stakes: Regrets, library: Library, work: Work, limits: Array,
        compiled: bool | None,
    ) -> None:  # fmt: skip
        self.instance, self.stakes, self.library, self.work = instance, stakes, library, work
        self.limits, self.compiled = limits, compiled
        self.dual = zeros(Dual, instance.model_count, work.price.size)
        self.alike = bool(library.size_gb.max() <= _ALIKE * library.size_gb.min())
        self.nodes, self.seconds = 0, 0.0

    def affordable(self, seconds: float) -> int:
        """Return how many nodes may be searched in so many seconds, by what they took so far."""
        if not np.isfinite(seconds):
            return UNLIMITED
        rate = _PLAIN_NODES_PER_S if self.compiled is False else _COMPILED_NODES_PER_S
        if self.seconds > 0.0:
            rate = self.nodes / self.seconds
        return max(1, int(min(rate * seconds, UNLIMITED)))

    def best(self, k: int, keep: Array, cutoff: float, tolerance: float, nodes: int, seconds: float) -> Found:
        """Return frame k's best cache, if below `cutoff` by `tolerance`; `keep` [M] is added regret."""
        found = self._search(k, keep, cutoff, tolerance, nodes, seconds, 1)
        mean = float(self.dual.mean[0])
        if found.complete or not self.alike or not mean > 0.0:
            return found
        number = int(1.0 / mean)
        for _ in range(_SPLITS):
            fewer, more = self._halves(number, mean)
            parts = []
            for half in (fewer, more):
                cutoff = float(found.losses[0]) if len(found.losses) else cutoff
                parts.append(self._limited(half, k, keep, cutoff, tolerance, nodes, seconds))
                found = parts[-1]._replace(lower=found.lower) if len(parts[-1].losses) else found
            lower, complete = min(part.lower for part in parts), all(part.complete for part in parts)
            found = found._replace(lower=max(found.lower, lower), complete=complete)
            if complete:
                break
            number += 1 if parts[0].complete else -1
        return found

    def _halves(self, number: int, mean: float) -> tuple[tuple[Array, float], tuple[Array, float]]:
        """Return the limits on two halves of all caches: so many models at most, or more, then smaller ones.

        Alike models hardly ever fill the storage, which no price tells. `mean` is the part that one takes.
        """
        share = self.library.size_gb / self.limits[0]
        scale = max(float(np.abs(share - mean).max()) * number, _LEAST_SCALE)
        fewer = np.full(share.size, 1.0 / max(number, 1)), 1.0 if number else 0.5  # 0.5 of a model: none
        return fewer, ((share - mean) / scale, (1.0 - mean * (number + 1) + _ROUNDING) / scale)

    def _limited(
        self, limit: tuple[Array, float], k: int, keep: Array, cutoff: float, tolerance: float, nodes: int,
        seconds: float,
    ) -> Found:  # fmt: skip
        """Search frame k's caches within a further limit on the models."""
        self.dual.weights[:], self.dual.most[0] = limit
        try:
            return self._search(k, keep, cutoff, tolerance, nodes, seconds, 1)
        finally:
            self.dual.weights[:], self.dual.most[0] = 0.0, 0.0

    def all_below(
        self, k: int, keep: Array, wanted: Array, cutoff: float, nodes: int, seconds: float, most: int
    ) -> Found:
        """Return the caches of frame k below `cutoff`, also of models that are `wanted` bool [M] later."""
        self.dual.wanted[:] = wanted
        try:
            return self._search(k, keep, cutoff, -1.0, nodes, seconds, most)
        finally:
            self.dual.wanted[:] = False

    def noted(
        self, k: int, keep: Array, wanted: Array, cutoff: float, nodes: int
    ) -> tuple[Array, Array, int, float]:
        """Return moves and prices of a search for all caches below a cutoff, their grid, and the cutoff.

        Where so many nodes do not suffice, the cutoff is lowered to what the root shows.
        """
        plain, size = self.dual, _FIRST_NOTES
        try:
            while True:
                # Steps of a price in one: a power of 2, by the cutoff's size.
                grid = 1 << max(0, 17 - int(np.frexp(max(abs(cutoff), 1e-300))[1]))
                plain.grid[0] = grid
                self.dual = plain._replace(moves=np.zeros(size, np.int64), prices=np.zeros(size))
                found = self.all_below(k, keep, wanted, cutoff, nodes, np.inf, _MOST_NOTED)
                moves, prices = (int(count) for count in plain.noted)
                if not found.complete:
                    root = self.all_below(k, keep, wanted, cutoff, 1, np.inf, 1).lower
                    cutoff, nodes = root - _BELOW_ROOT * (cutoff - root), UNLIMITED
                elif max(moves, prices) <= size:
                    return self.dual.moves[:moves], self.dual.prices[:prices].astype(np.int64), grid, cutoff
                else:
                    size = 2 * max(moves, prices)
        finally:
            self.dual = plain
            plain.grid[0] = 0.0

    def _search(
        self, k: int, keep: Array, cutoff: float, tolerance: float, nodes: int, seconds: float, most: int
    ) -> Found:
        F = self.work.price.size
        slots = slice(k * F, min((k + 1) * F, self.instance.slot_count))
        requested, cloud = self.instance.trace.requested_model[slots], self.stakes.cloud[slots]
        caches, losses, result = np.zeros((most, keep.size), np.bool_), np.zeros(most), np.zeros(3)
        search_tree = choose_loops(
            "search_tree", requested.size * (1.0 + nodes * _NODE_WORK), self.compiled, seconds
        )
        start = time.monotonic()
        search_tree(
            self.library, requested, cloud, keep, self.limits, cutoff, tolerance, nodes, caches, losses,
            result, self.work, self.dual,
        )  # fmt: skip
        count, spent = int(result[0]), int(result[2])
        if spent > 1:  # else loops may just have been compiled
            self.nodes, self.seconds = self.nodes + spent, self.seconds + time.monotonic() - start
        kept = min(count, most)
        complete = spent < nodes and (tolerance >= 0.0 or count <= most)
        return Found(caches[:kept], losses[:kept], float(result[1]), complete)
