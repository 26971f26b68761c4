"""The optimum of a whole instance: bandwidth, then cache and steps frame by frame, in passes.

Where loading takes time: the cheapest course through all caches that fit, or if they are many, see `keeping`.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mincache.exact.cache_sets import CacheSets, cheapest_course
from mincache.exact.keeping import CachePlan, Pricing
from mincache.exact.passes import FrameSearch
from mincache.exact.regrets import loading_losses
from mincache.exact.slot_pricing import SlotPricer
from mincache.problem.instance import Instance, smallest_instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Solution

RELATIVE_GAP = 1e-11
"""Relative gap at which a frame counts as solved."""
MOST_SETS = 1 << 16
"""Number of caches that fit up to which all are looked at, where loading takes time."""
_MOST_NUMBERS = 1 << 25  # sets times frames, or models, held in memory
_SLOTS_JUDGED = 4  # after which the time that the others will take is told


@dataclass(frozen=True, eq=False)
class Optimum:
    """An answer, a lower bound on the cost of every solution, and whether all is solved to the gap."""

    solution: Solution
    bound: float
    proven: bool


def optimum(instance: Instance) -> Optimum:
    """Return the proven optimum of `instance`, however long that takes."""
    return list(improvements(instance))[-1]


def load_compiled() -> None:
    """Load the compiled loops, or compile them, so that the next search need not."""
    list(improvements(smallest_instance(), compiled=True))
    SlotPricer(smallest_instance(), 0, compiled=True).toggled_costs()


def improvements(
    instance: Instance,
    *,
    relative_gap: float = RELATIVE_GAP,
    compiled: bool | None = None,
    most_sets: int = MOST_SETS,
    remaining: Callable[[], float] = lambda: float("inf"),
) -> Iterator[Optimum]:
    """Yield ever better answers, the last of them proven or the best that the time allowed.

    Loops are compiled by default where that pays. Where loading takes time, all caches that fit are looked at
    up to `most_sets`. `remaining` gives the seconds left.
    """
    search = FrameSearch(instance, relative_gap, compiled)
    if instance.rules.loading_s_per_gb > 0.0:
        for course in _courses(search, relative_gap, most_sets, remaining):
            yield Optimum(search.solution(course.cache), search.bound(course.lower), course.proven)
        return
    for _ in search.passes(remaining):
        yield Optimum(search.solution(), search.bound(), not search.unfinished)


def _courses(
    search: FrameSearch, relative_gap: float, most_sets: int, remaining: Callable[[], float]
) -> Iterator[CachePlan]:
    """Yield ever better courses; the last is the best of all, or of those found in the time."""
    load = loading_losses(search.instance, search.slots)
    pricing = Pricing(search, load, relative_gap * float(search.ideal.sum()), remaining)
    yield pricing.best  # nothing cached: an answer, should time run out while the first trees are searched
    climbing = pricing.climb()
    first = next(climbing)
    yield first
    if first.proven:
        return
    best = _best_course(search, load, most_sets, remaining)
    if best is not None:
        yield best
        return
    for phase in (climbing, pricing.mix(), pricing.close()):
        yield from phase
        if pricing.late:
            return


def _best_course(
    search: FrameSearch, load: Array, most_sets: int, remaining: Callable[[], float]
) -> CachePlan | None:
    """Return the best course of all; None if the caches that fit are too many, or the time too short."""
    instance = search.instance
    stake = np.zeros(instance.model_count)
    np.add.at(stake, instance.trace.requested_model, search.stakes.cloud)
    storage_gb = search.limits[0]
    models = np.flatnonzero((stake > 0.0) & (instance.models.size_gb <= storage_gb))
    most = min(most_sets, _MOST_NUMBERS // max(len(load), len(models), 1))
    sets = CacheSets.that_fit(instance.models.size_gb[models], storage_gb, most)
    if sets is None or (costs := _costs(search, sets, models, remaining)) is None:
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
    instance, T = search.instance, search.instance.slot_count
    taken_s: list[float] = []  # of each slot but the first, with which the loops may be compiled
    loss, lower = np.zeros((2, len(search.ideal), len(sets.member)))
    for t in range(T):
        part = sets.common_with(np.isin(models, instance.trace.requested_model[t]))
        own = np.flatnonzero(part == np.arange(len(part)))
        members = np.zeros((len(own), instance.model_count), bool)
        members[:, models] = sets.member[own]
        start = time.monotonic()
        found = search.cache_losses(t, members, remaining)
        if t > 0:
            taken_s.append(time.monotonic() - start)
        left_s = remaining()
        # A slot may be slow by chance: a few are judged, or those that took half of the time there was.
        judged = t >= _SLOTS_JUDGED or 0.0 < left_s < sum(taken_s)
        if found is None or (judged and (T - 1 - t) * float(np.median(taken_s)) > left_s):
            return None
        place = np.searchsorted(own, part)
        loss[t // search.slots] += found[0][place]
        lower[t // search.slots] += found[1][place]
    return loss, (loss if np.array_equal(loss, lower) else lower)
