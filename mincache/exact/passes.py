"""The plan of an instance, improved frame by frame in passes; a frame of one slot is the paper's problem."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from mincache.exact import loops
from mincache.exact.arrays import Library, Plan, workspace
from mincache.exact.regrets import Regrets
from mincache.exact.trees import FrameTrees
from mincache.problem.constraints import TOLERANCE
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import least_steps
from mincache.problem.solution import Solution

FIRST_NODES = 500
"""Nodes of a frame's first pass."""

FORGIVEN = TOLERANCE * (1.0 - 1e-6)
"""What a limit may be passed by, as a fraction: what the evaluator forgives, less rounding."""

_ROUNDING = 1e-12
_NOTICED = 5e-10  # of a slot's cost: what keeping the limit on steps to the letter may add
_TREE_NODES = 2000  # of a frame's first tree
_HURRIED_NODES = 20  # in a frame reached when the time is up: enough for a greedy answer
_GROWTH = 8.0  # of the nodes a frame is given, from one pass to the next
_NODES_A_CACHE = 1 << 20  # for one cache in one slot: hardly ever are more than a few needed
_CACHES_A_CALL = 1 << 12
_USERS_A_CALL = 1 << 13  # slots times users handled between two looks at the clock


@np.errstate(over="ignore", invalid="ignore")
def usable_room(room: float, sizes: Array) -> float:
    """Return how much of `room` items of these `sizes` can fill at all, with what is forgiven.

    Where all are multiples of one size, as when all are equal, the room is rounded down to a multiple of
    it: then no bound counts on the rest.
    """
    unit = float(np.minimum.reduce(sizes))
    multiples = sizes / unit
    if np.maximum.reduce(np.abs(multiples - np.rint(multiples))) <= _ROUNDING:
        room = float(np.floor(room / unit * (1.0 + FORGIVEN))) * unit
    return with_slack(room)


def with_slack(limit: float) -> float:
    """Return a limit with what is forgiven: so a bound holds for whatever the evaluator calls feasible."""
    return min(limit * (1.0 + FORGIVEN), float(np.finfo(np.float64).max))


def _library(instance: Instance, stakes: Regrets) -> Library:
    """Return the models as the search needs them, with steps that count from the least a hit gets."""
    models, least = instance.models, least_steps(instance)
    onset_steps, full_steps = models.steps_onset, models.steps_saturation
    if instance.rules.steps_floor > 0.0:
        onset_steps, full_steps = (np.maximum(steps - least, 0.0) for steps in (onset_steps, full_steps))
        for steps in onset_steps, full_steps:
            steps.setflags(write=False)  # as an instance's are: others would be another type to compile for
        worth = np.divide(stakes.unserved, full_steps, out=np.zeros(least.size), where=full_steps > 0.0)
    else:
        worth = stakes.unserved / full_steps
    alike_together = (stakes.onset, onset_steps, full_steps, -worth)
    return Library(
        models.size_gb, least, onset_steps, full_steps, stakes.onset, stakes.unserved,
        by_worth=np.lexsort(alike_together)[: np.count_nonzero(worth)],
    )  # fmt: skip


class FrameSearch:
    """The plan of an instance between two passes.

    Args:
        instance: what to solve; that loading takes time is left out of account.
        stakes: its regrets.
        relative_gap: relative gap at which a frame counts as solved.
        compiled: whether to search with compiled loops; by default where that pays.
        keep: [K, M], more regret of not caching a model in a frame, of either sign; by default none.
    """

    def __init__(
        self, instance: Instance, stakes: Regrets, relative_gap: float, compiled: bool | None,
        keep: Array | None = None,
    ) -> None:  # fmt: skip
        self.instance, self.stakes, self.compiled = instance, stakes, compiled
        T, N, M, F = instance.slot_count, instance.user_count, instance.model_count, frame_slots(instance)
        self.ideal = frame_sums(stakes.ideal_cost, F)
        self.tolerance = relative_gap * self.ideal
        self.library = _library(instance, stakes)
        self.work = workspace(M, F)
        room = usable_room(instance.server.storage_gb, instance.models.size_gb)
        self.limits = np.array([room, with_slack(instance.server.steps)])
        self.trees = FrameTrees(instance, stakes, self.library, self.work, self.limits, compiled)
        nothing_cached = frame_sums(stakes.cloud.sum(axis=1), F)
        lower = np.zeros(nothing_cached.size)
        if keep is not None:
            nothing_cached = nothing_cached + keep.sum(axis=1)
            lower -= np.inf
        self.keep = np.zeros((0, M)) if keep is None else keep
        self.plan = Plan(
            cache=np.zeros((T, M), np.bool_), steps=np.zeros((T, N)), loss=nothing_cached,
            lower=lower, unfinished=np.ones(nothing_cached.size, np.bool_),
        )  # fmt: skip

    @property
    def unfinished(self) -> int:
        """How many frames are not solved yet."""
        return int(np.count_nonzero(self.plan.unfinished))

    @property
    def proven(self) -> bool:
        """Whether every frame is solved to the gap asked for."""
        return self.unfinished == 0

    def run(self, nodes: int, remaining: Callable[[], float]) -> None:
        """Search each unfinished frame through `nodes` nodes at most, with the root's prices."""
        frames = np.flatnonzero(self.plan.unfinished)
        users = self.instance.user_count * self.work.price.size
        together = max(1, _USERS_A_CALL // (users * (1 + nodes // FIRST_NODES)))
        for first in range(0, frames.size, together):
            limit = nodes if remaining() > 0.0 else min(nodes, _HURRIED_NODES)
            self._search(frames[first : first + together], limit, remaining())

    def _search(self, frames: Array, nodes: int, remaining_s: float) -> None:
        work = frames.size * self.work.price.size * self.instance.user_count * (1 + nodes // FIRST_NODES)
        ignored = np.errstate(over="ignore", invalid="ignore")
        with loops.choose_loops(work, self.compiled, remaining_s) as search_frames, ignored:
            search_frames(
                self.library, self.instance.trace.requested_model, self.stakes.cloud, self.keep,
                self.limits[0], self.limits[1], self.tolerance, nodes, frames, self.plan, self.work,
            )  # fmt: skip

    def passes(self, remaining: Callable[[], float]) -> Iterator[None]:
        """Search pass after pass, until all is proven or another would find nothing in the time.

        The first pass is quick where frames are easy; what it leaves is searched by trees.
        """
        self.run(FIRST_NODES, remaining)
        yield
        nodes = _TREE_NODES
        while not self.proven:
            affordable = 0.5 * self.trees.affordable(remaining()) / self.unfinished
            if (affordable < nodes and nodes > _TREE_NODES) or affordable < 1:
                return  # each pass begins anew: a shorter one finds nothing
            nodes = int(min(nodes, affordable))
            for k in np.flatnonzero(self.plan.unfinished):
                self._deepen(int(k), nodes, remaining())
            yield
            nodes = int(_GROWTH * nodes)

    def _deepen(self, k: int, nodes: int, seconds: float) -> None:
        """Search the caches of an unfinished frame by a tree of so many nodes."""
        plan, keep = self.plan, self.keep[k] if len(self.keep) else np.zeros(self.instance.model_count)
        found = self.trees.best(k, keep, float(plan.loss[k]), float(self.tolerance[k]), nodes, seconds)
        first = k * self.work.price.size
        for t in range(first, min(first + self.work.price.size, self.instance.slot_count)):
            if len(found.losses):
                plan.cache[t] = found.caches[0]
                self._serve(
                    t, plan.cache[t : t + 1], np.empty(1), np.empty(1), plan.steps[t : t + 1], seconds
                )
        if len(found.losses):
            plan.loss[k] = found.losses[0]
        plan.lower[k] = max(plan.lower[k], found.lower)
        plan.unfinished[k] = not found.complete

    def caches_in_frames(self, caches: Array, remaining: Callable[[], float] | None) -> Array | None:
        """Return what each of `caches`, bool [S, M], loses in each frame, [K, S]; None if late."""
        slots = self.work.price.size
        loss = np.zeros((len(self.ideal), len(caches)))
        for t in range(self.instance.slot_count):
            found = self.cache_losses(t, caches, remaining or (lambda: float("inf")))
            if found is None:
                return None
            loss[t // slots] += found[0]
        return loss

    def cache_losses(
        self, t: int, caches: Array, remaining: Callable[[], float]
    ) -> tuple[Array, Array] | None:
        """Return the loss of slot `t` with each of `caches`, bool [S, M], and a lower bound; None if late."""
        loss, lower, nowhere = np.empty(len(caches)), np.empty(len(caches)), np.zeros((0, 0))
        for first in range(0, len(caches), _CACHES_A_CALL):
            if remaining() <= 0.0:
                return None
            part = slice(first, first + _CACHES_A_CALL)
            self._serve(t, caches[part], loss[part], lower[part], nowhere, remaining())
        return loss, lower

    def served_steps(self, cache: Array) -> Array:
        """Return the steps [T, N] that the users get at best with `cache`, bool [T, M]."""
        steps = np.zeros(self.instance.trace.requested_model.shape)
        for t in range(len(cache)):
            part = slice(t, t + 1)
            self._serve(t, cache[part], np.empty(1), np.empty(1), steps[part], float("inf"))
        return steps

    def _serve(
        self, t: int, caches: Array, loss: Array, lower: Array, steps: Array, remaining_s: float
    ) -> None:
        slot, work = slice(t, t + 1), len(caches) * self.instance.user_count
        ignored = np.errstate(over="ignore", invalid="ignore")
        with loops.choose_loops(work, self.compiled, remaining_s, "serve_sets") as serve_sets, ignored:
            serve_sets(
                self.library, self.instance.trace.requested_model[slot], self.stakes.cloud[slot],
                with_slack(self.instance.server.steps), caches, _NODES_A_CACHE, loss, lower, steps, self.work,
            )  # fmt: skip

    def solution(self, bandwidth_share: Array) -> Solution:
        """Return the plan as a solution."""
        return self.as_solution(self.plan.cache, bandwidth_share, self.plan.steps)

    def as_solution(self, cache: Array, bandwidth_share: Array, steps: Array) -> Solution:
        """Return a solution with these steps [T, N], which keep the limit to the letter if that is free."""
        return as_solution(self.instance, cache, bandwidth_share, self._trimmed(cache, steps))

    def _trimmed(self, cache: Array, steps: Array) -> Array:
        """Return steps [T, N], less what they pass the limit by if the user served in part can give it."""
        excess = steps.sum(axis=1) - self.instance.server.steps
        if not (excess > 0.0).any():
            return steps
        requested, library = self.instance.trace.requested_model, self.library
        above = steps - library.least_steps[requested]
        partly = (above > 0.0) & (above < library.full_steps[requested])
        partly &= np.take_along_axis(cache, requested, axis=1)
        slot, user = np.arange(len(steps)), np.where(partly, above, 0.0).argmax(axis=1)
        model = requested[slot, user]
        lost = library.onset[model] * excess / (library.full_steps - library.onset_steps)[model]
        gives = (excess > 0.0) & (above[slot, user] > excess) & partly[slot, user]
        gives &= lost <= _NOTICED * self.stakes.ideal_cost
        steps = steps.copy()
        steps[slot[gives], user[gives]] -= excess[gives]
        return steps

    def bound(self) -> float:
        """Return the lower bound on the cost (11) that the plan proves."""
        return as_bound(self.instance, float((self.ideal + self.plan.lower).sum()))


def frame_slots(instance: Instance) -> int:
    """Return how many slots a frame has, of those there are."""
    return min(instance.rules.frame_slots, instance.slot_count)


def frame_sums(values: Array, slots: int) -> Array:
    """Return the sums of `values` [T, ...] over frames of so many slots."""
    if slots == 1:
        return values
    return np.asarray(np.add.reduceat(values, np.arange(0, len(values), slots)))


def as_solution(instance: Instance, cache: Array, bandwidth_share: Array, steps: Array) -> Solution:
    """Return a solution with these steps [T, N].

    Its step shares sum to 1 at most, whoever adds them up; or to what is forgiven, where the steps do.
    """
    available = instance.server.steps
    share = steps / available
    share = np.where(share * available < steps, np.nextafter(share, 1.0), share)
    total = share.sum(axis=1, keepdims=True)
    most = np.where(total > 1.0 + _ROUNDING, 1.0 + FORGIVEN, 1.0) - 16 * np.finfo(np.float64).eps
    share *= np.minimum(1.0, most / np.maximum(most, total))
    return Solution(instance.name, cache, bandwidth_share, share)


def as_bound(instance: Instance, total: float) -> float:
    """Return a bound on the sum of all costs as one on their mean (11), less what rounding may have added.

    Under a floor on the steps, rounding may also take some from hits that would cost less without them.
    """
    rounding = 1e-13 + (3.0 * _ROUNDING if instance.rules.steps_floor > 0.0 else 0.0)
    bound = total / instance.trace.requested_model.size * (1.0 - rounding)
    return bound if np.isfinite(bound) else -float("inf")
