"""The optimum where loading a model takes time: the cheapest course through the caches that fit.

Then what is cached in one frame bears on the next, and frames cannot be solved one by one. Where the caches
that fit are not too many, what each costs in each frame is computed, and the cheapest course through them
is the optimum (see `cache_sets`). Where they are too many, see `keeping`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from mincache.exact.cache_sets import CacheSets, cheapest_course
from mincache.exact.keeping import CachePlan, Pricing
from mincache.exact.listing import close
from mincache.exact.passes import FrameSearch, usable_room
from mincache.exact.regrets import LARGEST
from mincache.problem import equations
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import demand

_MOST_NUMBERS = 1 << 25  # sets times frames, or models, held in memory


@np.errstate(over="ignore", invalid="ignore")
def loading_losses(instance: Instance, slots: int) -> Array:
    """Return the cost of loading each model at the start of each frame of so many slots, [K, M].

    Only the users of the frame's first slot wait.
    """
    seconds = equations.loading_delay_s(np.True_, instance.models.size_gb, instance.rules.loading_s_per_gb)
    return np.asarray(np.fmin(demand(instance)[::slots] * (instance.preference_weight * seconds), LARGEST))


def courses(
    search: FrameSearch, relative_gap: float, most_sets: int, remaining: Callable[[], float]
) -> Iterator[CachePlan]:
    """Yield ever better courses; the last is the best of all, or of those found in the time.

    Args:
        search: the instance and its regrets.
        relative_gap: relative gap at which it counts as solved.
        most_sets: caches that fit beyond which not all are looked at.
        remaining: returns the seconds left.
    """
    load = loading_losses(search.instance, search.work.price.size)
    pricing = Pricing(search, load, relative_gap * float(search.ideal.sum()), remaining)
    climbing = pricing.climb()
    first = next(climbing)
    yield first
    if first.proven:
        return
    best = best_course(search, load, most_sets, remaining)
    if best is not None:
        yield best
        return
    for phase in (climbing, pricing.mix(), close(pricing)):
        yield from phase
        if pricing.late:
            return


def best_course(
    search: FrameSearch, load: Array, most_sets: int, remaining: Callable[[], float]
) -> CachePlan | None:
    """Return the best course of all; None if the caches that fit are too many, or the time too short.

    Models whose users would lose nothing at the cloud are never cached: left out, they cost nothing.
    """
    instance = search.instance
    stake = np.zeros(instance.model_count)
    np.add.at(stake, instance.trace.requested_model, search.stakes.cloud)
    storage_gb = usable_room(instance.server.storage_gb, instance.models.size_gb)
    models = np.flatnonzero((stake > 0.0) & (instance.models.size_gb <= storage_gb))
    most = min(most_sets, _MOST_NUMBERS // max(len(load), len(models), 1))
    sets = CacheSets.that_fit(instance.models.size_gb[models], storage_gb, most)
    costs = None if sets is None else _costs(search, sets, models, remaining)
    if sets is None or costs is None:
        return None
    loss, lower = costs
    value, course = cheapest_course(sets, loss, load[:, models])
    least = value if lower is loss else cheapest_course(sets, lower, load[:, models])[0]
    cache = np.zeros((len(load), instance.model_count), bool)
    cache[:, models] = sets.member[course]
    rounding = np.finfo(np.float64).eps * (len(load) + len(models))
    return CachePlan(cache, value, least * (1.0 - rounding), proven=lower is loss)


def _costs(
    search: FrameSearch, sets: CacheSets, models: Array, remaining: Callable[[], float]
) -> tuple[Array, Array] | None:
    """Return what each set costs in each frame, [K, S], and a lower bound; None if that takes too long."""
    instance, slots = search.instance, search.work.price.size
    T, start = instance.slot_count, 0.0
    loss, lower = (np.zeros((len(search.ideal), len(sets.member))) for _ in range(2))
    for t in range(T):
        part = sets.common_with(np.isin(models, instance.trace.requested_model[t]))
        own = np.flatnonzero(part == np.arange(len(part)))
        members = np.zeros((len(own), instance.model_count), bool)
        members[:, models] = sets.member[own]
        found = search.cache_losses(t, members, remaining)
        start = start or time.monotonic()  # after the first slot, with which the loops may be compiled
        if found is None or (t > 0 and (T - 1 - t) * (time.monotonic() - start) > t * remaining()):
            return None
        place = np.searchsorted(own, part)
        loss[t // slots] += found[0][place]
        lower[t // slots] += found[1][place]
    return loss, (loss if np.array_equal(loss, lower) else lower)
