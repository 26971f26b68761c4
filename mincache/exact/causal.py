"""The best causal policies: what can be reached by who places a cache before the slot is shown.

Without loading the best is greedy in the belief over the states. Where loading takes time, backward induction
over slots, states and all caches that fit gives the best policy of who is told the state, of the slot itself
(`seen`) or of the one before: a lower bound on what policies with hidden states can reach.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mincache.exact.cache_sets import CacheSets
from mincache.exact.expected_losses import ExpectedLosses, expected_losses
from mincache.problem.popularity import Popularity
from mincache.problem.quantity import Array
from mincache.problem.revealed import Site


@dataclass(frozen=True, eq=False)
class CausalProgramme:
    """The best placements of who is told states."""

    losses: ExpectedLosses
    onward: Array  # [T, G, S], expected loss of all later slots by state and cache; S = 1 without loading
    value: float  # expected loss of all slots, beginning with nothing cached

    def place(self, t: int, belief: Array, held: Array) -> Array:
        """Return the best cache of slot `t`, bool [M], after `held`, under a belief [G] over its states."""
        member, load = self.losses.sets.member, belief @ self.losses.load
        loss = belief @ (self.losses.loss + self.onward[t]) + (member & ~held) @ load
        return np.asarray(member[loss.argmin()])


def causal_programme(site: Site, popularity: Popularity, seen: bool = False) -> CausalProgramme:
    """Return the best policy without frames of who knows the slot's state (`seen`), or the one before."""
    losses, moves = expected_losses(site, popularity), popularity.transition
    sets, loss, load = losses.sets, losses.loss, losses.load
    linked = site.rules.loading_s_per_gb > 0.0
    onward = np.zeros((site.slot_count, len(moves), loss.shape[1] if linked else 1))
    for t in range(site.slot_count - 1, 0, -1):
        onward[t - 1] = _told(sets, loss + onward[t], load, moves, seen, linked)
    value = _told(sets, loss + onward[0], load, popularity.first[None], seen, linked)[0, 0]
    return CausalProgramme(losses, onward, float(value))


def _told(sets: CacheSets, cost: Array, load: Array, moves: Array, seen: bool, linked: bool) -> Array:
    """Return the expected cost from the next slot on, [H, S] by the cache held before."""
    if not seen:
        cost, load = moves @ cost, moves @ load
    onward = cheapest_onward(sets, cost, load) if linked else cost.min(axis=1, keepdims=True)
    return np.asarray(moves @ onward if seen else onward)


def cheapest_onward(sets: CacheSets, cost: Array, load: Array) -> Array:
    """Return the least cost of going on from each set to sets of `cost` [K, S], loading for `load` [K, M]."""
    cost = cost.copy()
    for m, (having, lacking) in enumerate(sets.pairs):
        cost[:, lacking] = np.minimum(cost[:, lacking], cost[:, having] + load[:, m, None])
    for having, lacking in sets.pairs:
        cost[:, having] = np.minimum(cost[:, having], cost[:, lacking])
    return cost


def best_static(losses: ExpectedLosses, popularity: Popularity, slots: int) -> Array:
    """Return the cache that costs least if it never changes for so many slots, bool [M]."""
    belief, visits = popularity.first, np.zeros(len(popularity.order))
    first = belief @ losses.load
    for _ in range(slots):
        visits, belief = visits + belief, belief @ popularity.transition
    return np.asarray(losses.sets.member[(visits @ losses.loss + losses.sets.member @ first).argmin()])
