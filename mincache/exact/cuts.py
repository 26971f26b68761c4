"""What proves a bound: prices of keeping models, and for each frame a cut and the search that shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mincache.exact.arrays import Library
from mincache.exact.keeping import Pricing
from mincache.exact.optimum import RELATIVE_GAP
from mincache.exact.passes import FrameSearch, frame_sums
from mincache.exact.regrets import loading_losses
from mincache.exact.trees import FrameTrees
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import Delays, upload_s
from mincache.problem.solution import Solution

_PROVEN_WITHIN = 1e-10  # relative gap to the optimum up to which a cut proves it
_FORGIVEN = 1.002e-9  # of a limit: somewhat more than the check forgives, so that it finds no lower a bound
_SLACK = 4e-12  # of a cut, for rounding here


@dataclass(frozen=True, eq=False)
class FrameCut:
    """What shows that a frame's caches cost a cut at least, but for those that its leaves list."""

    cut: float  # in the cost (10) summed over the frame's requests, without the radio links, with prices
    grid: int  # steps of a price in one
    moves: list[int]  # the search, as `frame_tree` notes it
    prices: list[int]  # of each slot's steps and of storage, whole numbers of the grid


@dataclass(frozen=True, eq=False)
class Cuts:
    """A solution and the parts of a proof for it."""

    solution: Solution
    keeping: Array  # [K - 1, M], prices of keeping a model from the second frame on; none if loading is free
    frames: list[FrameCut]


def frame_cuts(instance: Instance, remaining: Callable[[], float]) -> Cuts:
    """Solve an instance in the time there is, then return what proves how good the answer is."""
    search = FrameSearch(instance, RELATIVE_GAP)
    load, whole = loading_losses(instance, search.slots), float(search.ideal.sum())
    if instance.rules.loading_s_per_gb > 0.0:
        pricing = Pricing(search, load, RELATIVE_GAP * whole, remaining)
        for phase in (pricing.climb(), pricing.mix(), pricing.close()):
            for _ in phase:
                pass
        course = pricing.best
        goal = min((course.loss + whole) * (1.0 - _PROVEN_WITHIN) - whole, course.lower)
        cuts = pricing.least + max(0.0, goal - pricing.raised(float(pricing.least.sum())))
        trees = _trees(search, pricing.keep(pricing.price), load[1:] > 0.0, cuts)
        return Cuts(search.course(course.cache), pricing.price[1:], trees)
    for _ in search.passes(remaining):
        pass
    solved = (search.plan.loss + search.ideal) * (1.0 - _PROVEN_WITHIN) - search.ideal
    cuts = np.minimum(solved, search.plan.lower)
    trees = _trees(search, np.zeros_like(load), np.zeros(load[1:].shape, bool), cuts)
    return Cuts(search.solution(), load[:0], trees)


def _trees(search: FrameSearch, keep: Array, wanted: Array, cuts: Array) -> list[FrameCut]:
    """Search each frame below its cut once more, with what the check forgives, and note the moves."""
    instance = search.instance
    most = np.array([instance.server.storage_gb, instance.server.steps]) * (1.0 + _FORGIVEN)
    limits = np.minimum(most, np.finfo(np.float64).max)
    library = _forgiving(search.library)
    trees = FrameTrees(instance, search.stakes, library, search.work, limits, search.compiled)
    links_s = upload_s(instance, search.bandwidth) + Delays.of(instance).downlink_s
    slot = search.stakes.ideal_cost - instance.preference_weight * np.add.reduce(links_s, axis=-1)
    ideal = frame_sums(slot, search.slots)
    # A hit may lack some of the steps that it must have, which saves the time that they take.
    step_s = instance.models.seconds_per_step * search.library.least_steps
    lacking_s = np.add.reduce(step_s[instance.trace.requested_model], axis=-1)
    saved = frame_sums(_FORGIVEN * instance.preference_weight * lacking_s, search.slots)
    wanted = np.append(wanted, np.zeros((1, instance.model_count), bool), axis=0)
    found = []
    for k, cut in enumerate(cuts):
        moves, prices, grid = trees.noted(k, keep[k], wanted[k], float(cut))
        cost = float(cut - keep[k].sum() + ideal[k])
        rounding = _SLACK * (abs(float(cut)) + abs(float(keep[k].sum())) + float(ideal[k]))
        found.append(FrameCut(cost - rounding - float(saved[k]), grid, moves.tolist(), prices.tolist()))
    return found


def _forgiving(library: Library) -> Library:
    """Return the models with as much less of the steps that hits must have as the check forgives."""
    lacking = _FORGIVEN * library.least_steps
    least, full = library.least_steps - lacking, library.full_steps + lacking
    for steps in least, full:
        steps.setflags(write=False)  # as the library's are: others would be another type to compile for
    return library._replace(least_steps=least, full_steps=full)
