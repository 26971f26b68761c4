"""The best causal policies: what can be reached by who places a cache before the slot is shown.

Without loading the best is greedy in the belief over the states. Where loading takes time, backward induction
over slots, states and all caches that fit gives the best policy of who is told the state, of the slot itself
(`seen`) or of the one before: a lower bound on what policies with hidden states can reach.

What a cache loses in a slot on average is a finite sum. A miss loses its regret at the cloud, which is linear
in the size of its data. Hits share the steps: a knapsack of the counts alone, which are multinomial. The
steps serve so many users of a model at most, so all larger counts are taken together.
"""

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from mincache.errors import InputError
from mincache.exact.cache_sets import CacheSets
from mincache.exact.passes import FrameSearch, usable_room
from mincache.exact.regrets import regrets
from mincache.problem.instance import Instance
from mincache.problem.popularity import Popularity
from mincache.problem.quantity import Array
from mincache.problem.revealed import ShownSlot, Site

MOST_CACHES = 1 << 14
"""Caches that fit beyond which not all are looked at."""
_MOST_NUMBERS = 1 << 25
_MOST_USERS = 150  # beyond, their factorial overflows


@dataclass(frozen=True, eq=False)
class ExpectedLosses:
    """What caching means on average at a site, for each of its G states and S caches that fit."""

    sets: CacheSets
    loss: Array  # [G, S], expected loss of a slot with each cache, loading left out
    load: Array  # [G, M], expected cost of loading each model in a slot


def expected_losses(site: Site, popularity: Popularity) -> ExpectedLosses:
    """Return what each cache that fits loses on average."""
    N, p = site.user_count, popularity.probability
    if site.rules.steps_floor > 0.0:
        raise InputError("rules.steps_floor", "must be 0 for expected losses", str(site.rules.steps_floor))
    sets = caches_that_fit(site)
    cloud, unserved, onset = _a_request(site, popularity.mean_input_bits)
    loss = N * ((p * cloud) @ ~sets.member.T + (p * unserved) @ sets.member.T)
    worth = np.flatnonzero(unserved)
    kinds, kind = np.unique(sets.member[:, worth], axis=0, return_inverse=True)
    for number, cached in enumerate(kinds):
        of = worth[cached]
        loss[:, kind == number] -= _saved(site, of, unserved[of], onset[of], p[:, of])[:, None]
    wait = site.preference_weight * site.rules.loading_s_per_gb * site.models.size_gb
    return ExpectedLosses(sets, loss, N * p * wait)


def caches_that_fit(site: Site) -> CacheSets:
    """Return all caches that a site can hold."""
    size_gb = site.models.size_gb
    sets = CacheSets.that_fit(size_gb, usable_room(site.server.storage_gb, size_gb), MOST_CACHES)
    if sets is None:
        rule = f"must fit in at most {MOST_CACHES} caches"
        raise InputError("models", rule, "more", "this looks at all of them")
    return sets


def realised_losses(instance: Instance, member: Array) -> Array:
    """Return what each of the caches bool [S, M] loses in each slot, loading left out: [T, S]."""
    search = FrameSearch(instance)
    requested, steps = instance.trace.requested_model, instance.models.steps_saturation
    if instance.rules.steps_floor == 0.0 and steps.max() * instance.user_count <= instance.server.steps:
        cloud = np.zeros((instance.slot_count, instance.model_count))
        np.add.at(cloud, (np.arange(len(cloud))[:, None], requested), search.stakes.cloud)
        return np.asarray(cloud @ ~member.T)  # steps suffice for everybody
    found = (search.cache_losses(t, member, lambda: math.inf) for t in range(instance.slot_count))
    return np.array([losses[0] for losses in found if losses is not None])


def _a_request(site: Site, input_bits: float) -> tuple[Array, Array, Array]:
    """Return mean regrets of a request for each model: at the cloud, without steps, with A1 steps."""
    M = site.model_count
    radio = replace(site.radio, user_power_w=np.ones(M))
    one_each = ShownSlot(0, np.arange(M), np.full(M, input_bits), np.ones(M))
    found = regrets(replace(site, radio=radio).instance(one_each), np.full((1, M), 1.0 / M))
    return found.cloud[0], found.unserved, found.onset


def _saved(site: Site, of: Array, full: Array, onset: Array, p: Array) -> Array:
    """Return what steps save on average [G] the users of models `of` [J], of probability `p` [G, J]."""
    users, steps, full_steps = site.user_count, site.server.steps, site.models.steps_saturation[of]
    if users * full_steps.max(initial=0.0) <= steps:
        return np.asarray(users * p @ full)
    most = min(users, int(steps // full_steps.min()) + 1)  # served, the last one in part
    if users > _MOST_USERS or p.size * (most + 1) ** p.shape[1] * (users + 1) > _MOST_NUMBERS:
        raise InputError("users and steps", "must make fewer counts of requests to sum over", "more")
    counts = np.indices((most + 1,) * p.shape[1]).reshape(p.shape[1], -1).T
    onset_steps, best = site.models.steps_onset[of], np.zeros(len(counts))
    for served in map(np.array, itertools.product(*(range(int(steps // each) + 1) for each in full_steps))):
        left = steps - served @ full_steps
        if left >= 0.0 and (there := (counts >= served).all(axis=1)).any():
            share = np.clip((full_steps - left) / (full_steps - onset_steps), 0.0, 1.0)
            partly = np.where(left >= onset_steps, np.maximum(full - onset * share, 0.0), 0.0)
            more = np.where(counts > served, partly, 0.0).max(axis=1)
            best = np.where(there, np.maximum(best, served @ full + more), best)
    return np.asarray(_probabilities(p, users, most) @ best)


def _probabilities(p: Array, users: int, most: int) -> Array:
    """Return how likely each of (most + 1)^J counts is, [G, V]; `most` stands for as many or more."""
    factor = p[..., None] ** np.arange(users + 1) / [math.factorial(c) for c in range(users + 1)]
    weight = np.zeros((len(p), 1, users + 1))
    weight[:, 0, 0] = 1.0
    for j in range(p.shape[1]):
        grown = np.zeros((len(p), weight.shape[1], most + 1, users + 1))
        for c in range(users + 1):
            grown[:, :, min(c, most), c:] += weight[:, :, : users + 1 - c] * factor[:, j, c, None, None]
        weight = grown.reshape(len(p), -1, users + 1)
    others = np.maximum(1.0 - p.sum(axis=1, keepdims=True), 0.0) ** np.arange(users, -1, -1)
    orders = [math.perm(users, n) for n in range(users + 1)]
    return np.asarray(np.einsum("gvn,gn->gv", weight, others * orders))


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
