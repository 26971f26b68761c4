"""The plan of an instance, improved frame by frame in passes; a frame of one slot is the paper's problem."""

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np

from mincache.exact.arrays import Library, Plan, Work, zeros
from mincache.exact.bandwidth import optimal_bandwidth
from mincache.exact.loops import choose_loops
from mincache.exact.regrets import Regrets, regrets
from mincache.exact.trees import FrameTrees
from mincache.problem.constraints import TOLERANCE
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import least_steps
from mincache.problem.solution import Solution

_FORGIVEN = TOLERANCE * (1.0 - 1e-6)  # of a limit: what the evaluator forgives, less rounding
_ROUNDING = 1e-12
_NOTICED = 5e-10  # of a slot's cost: what keeping the limit on steps to the letter may add
_FIRST_NODES = 500  # of a frame's first pass
_TREE_NODES = 2000  # of a frame's first tree
_HURRIED_NODES = 20  # in a frame reached when the time is up: enough for a greedy answer
_SLICE, _SLICE_IF_ALIKE = 0.5, 0.2  # of the time left, for one search: alike models may need five
_GROWTH = 8.0  # of the nodes a frame is given, from one pass to the next
_NODES_A_CACHE = 1 << 20  # for one cache in one slot: hardly ever are more than a few needed
_CACHES_A_CALL = 1 << 12
_USERS_A_CALL = 1 << 12  # slots times users handled between two looks at the clock


@np.errstate(over="ignore", invalid="ignore")
def usable_room(room: float, sizes: Array) -> float:
    """Return how much of `room` items of these `sizes` can fill at all, with what is forgiven."""
    # Where all are multiples of one size, no bound counts on the rest of the room.
    unit = float(np.minimum.reduce(sizes))
    multiples = sizes / unit
    if np.maximum.reduce(np.abs(multiples - np.rint(multiples))) <= _ROUNDING:
        room = float(np.floor(room / unit * (1.0 + _FORGIVEN))) * unit
    return with_slack(room)


def with_slack(limit: float) -> float:
    """Return a limit with what is forgiven: so a bound holds for whatever the evaluator calls feasible."""
    return min(limit * (1.0 + _FORGIVEN), float(np.finfo(np.float64).max))


def _library(instance: Instance, stakes: Regrets) -> Library:
    """Return the models as the search needs them, with steps that count from the least a hit gets."""
    models, least = instance.models, least_steps(instance)
    onset_steps, full_steps = np.maximum([models.steps_onset, models.steps_saturation] - least, 0.0)
    for steps in onset_steps, full_steps:
        steps.setflags(write=False)  # as an instance's are: others would be another type to compile for
    worth = np.divide(stakes.unserved, full_steps, out=np.zeros(least.size), where=full_steps > 0.0)
    alike_together = (stakes.onset, onset_steps, full_steps, -worth)
    return Library(
        models.size_gb, least, onset_steps, full_steps, stakes.onset, stakes.unserved,
        by_worth=np.lexsort(alike_together)[: np.count_nonzero(worth)],
    )  # fmt: skip


class FrameSearch:
    """The plan of an instance between two passes; that loading takes time is left out of account.

    Frames have so many `slots`; `bandwidth` [T, N] is optimal, `stakes` are the regrets with it.
    """

    def __init__(self, instance: Instance, relative_gap: float = 0.0, compiled: bool | None = None) -> None:
        self.instance, self.compiled = instance, compiled
        self.bandwidth = optimal_bandwidth(instance)
        self.stakes = stakes = regrets(instance, self.bandwidth)
        T, N, M = instance.slot_count, instance.user_count, instance.model_count
        self.slots = min(instance.rules.frame_slots, T)
        self.ideal = frame_sums(stakes.ideal_cost, self.slots)  # [K]
        self.tolerance = relative_gap * self.ideal
        self.library = _library(instance, stakes)
        self.work = zeros(Work, M, self.slots)
        self.work.ones[:] = 1
        room = usable_room(instance.server.storage_gb, instance.models.size_gb)
        self.limits = np.array([room, with_slack(instance.server.steps)])
        loss = frame_sums(stakes.cloud.sum(axis=1), self.slots)
        self.plan = Plan(
            cache=np.zeros((T, M), np.bool_), steps=np.zeros((T, N)), loss=loss, lower=np.zeros(loss.size),
            unfinished=np.ones(loss.size, np.bool_),
        )  # fmt: skip

    @cached_property
    def trees(self) -> FrameTrees:
        """The searches of what the quick one leaves; most instances need none."""
        return FrameTrees(self.instance, self.stakes, self.library, self.work, self.limits, self.compiled)

    @property
    def unfinished(self) -> int:
        """How many frames are not solved yet to the gap asked for."""
        return int(np.count_nonzero(self.plan.unfinished))

    def passes(self, remaining: Callable[[], float]) -> Iterator[None]:
        """Search pass after pass, until all is proven or another would find nothing in the time."""
        self._first_pass(remaining)  # quick where frames are easy; what it leaves is searched by trees
        yield
        nodes, wanted = 0, float(_TREE_NODES)
        while self.unfinished:
            share = _SLICE_IF_ALIKE if self.trees.alike else _SLICE
            before, affordable = nodes, share * self.trees.affordable(remaining()) / self.unfinished
            nodes = int(min(wanted, affordable))
            if nodes < max(1, 2 * before):
                return  # each pass begins anew: one that is no longer finds nothing
            for k in np.flatnonzero(self.plan.unfinished):
                self._deepen(int(k), nodes, remaining())
            yield
            wanted = _GROWTH * nodes

    def _first_pass(self, remaining: Callable[[], float]) -> None:
        frames, users = np.arange(len(self.ideal)), self.instance.user_count * self.slots
        together = max(1, _USERS_A_CALL // users)
        for first in range(0, frames.size, together):
            part, seconds = frames[first : first + together], remaining()
            search_frames = choose_loops("search_frames", 2 * part.size * users, self.compiled, seconds)
            search_frames(
                self.library, self.instance.trace.requested_model, self.stakes.cloud, self.limits,
                self.tolerance, _FIRST_NODES if seconds > 0.0 else _HURRIED_NODES, part, self.plan, self.work,
            )  # fmt: skip

    def _deepen(self, k: int, nodes: int, seconds: float) -> None:
        """Search the caches of an unfinished frame by a tree of so many nodes."""
        plan, keep = self.plan, np.zeros(self.instance.model_count)
        found = self.trees.best(k, keep, float(plan.loss[k]), float(self.tolerance[k]), nodes, seconds)
        if len(found.losses):
            slots = slice(k * self.slots, min((k + 1) * self.slots, self.instance.slot_count))
            plan.cache[slots], plan.loss[k] = found.caches[0], found.losses[0]
            plan.steps[slots] = self.served_steps(plan.cache[slots, None], slots.start, seconds)[:, 0]
        plan.lower[k] = max(plan.lower[k], found.lower)
        plan.unfinished[k] = not found.complete

    def caches_in_frames(
        self, caches: Array, remaining: Callable[[], float] = lambda: float("inf")
    ) -> Array | None:
        """Return what each of `caches`, bool [S, M], loses in each frame, [K, S]; None if late."""
        loss = np.zeros((len(self.ideal), len(caches)))
        for t in range(self.instance.slot_count):
            found = self.cache_losses(t, caches, remaining)
            if found is None:
                return None
            loss[t // self.slots] += found[0]
        return loss

    def cache_losses(
        self, t: int, caches: Array, remaining: Callable[[], float]
    ) -> tuple[Array, Array] | None:
        """Return the loss of slot `t` with each of `caches`, bool [S, M], and a lower bound; None if late."""
        loss, lower, nowhere = np.empty(len(caches)), np.empty(len(caches)), np.zeros((1, 0, 0))
        for first in range(0, len(caches), _CACHES_A_CALL):
            seconds = remaining()
            if seconds <= 0.0:
                return None
            part = np.s_[np.newaxis, first : first + _CACHES_A_CALL]
            self._serve(t, caches[part], loss[part], lower[part], nowhere, self.work, seconds)
        return loss, lower

    def served_steps(self, caches: Array, first: int = 0, seconds: float = float("inf")) -> Array:
        """Return the steps [T, S, N] that users get at best with S caches, bool [T, S, M], from slot `first`.

        Where the steps do not suffice for the least that all hits get, nobody in the slot gets any.
        """
        T, S, M = caches.shape
        steps, (loss, lower) = np.zeros((T, S, self.instance.user_count)), np.empty((2, T, S))
        # With work arrays of its own, so that threads may share the search.
        self._serve(first, caches, loss, lower, steps, zeros(Work, M), seconds)
        return steps

    def _serve(
        self, first: int, caches: Array, loss: Array, lower: Array, steps: Array, work: Work, seconds: float
    ) -> None:
        slots = slice(first, first + len(caches))
        size = loss.size * self.instance.user_count
        choose_loops("serve_slots", size, self.compiled, seconds)(
            self.library, self.instance.trace.requested_model[slots], self.stakes.cloud[slots],
            self.limits[1], caches, _NODES_A_CACHE, loss, lower, steps, work,
        )  # fmt: skip

    def solution(self, course: Array | None = None) -> Solution:
        """Return the plan as a solution, or the best one with a cache for each frame, bool [K, M]."""
        cache, steps = self.plan.cache, self.plan.steps
        if course is not None:
            cache = np.repeat(course, self.slots, axis=0)[: self.instance.slot_count]
            steps = self.served_steps(cache[:, np.newaxis])[:, 0]
        shares = step_shares(self.instance, self._trimmed(cache, steps))
        return Solution(self.instance.name, cache, self.bandwidth, shares)

    def _trimmed(self, cache: Array, steps: Array) -> Array:
        """Return steps [T, N], less what they pass the limit by if the user served in part can give it."""
        excess = steps.sum(axis=1) - self.instance.server.steps
        if not (excess > 0.0).any():
            return steps
        requested, library = self.instance.trace.requested_model, self.library
        above = steps - library.least_steps[requested]
        partly = (above > 0.0) & (above < library.full_steps[requested])
        slot = np.arange(len(steps))
        partly &= cache[slot[:, np.newaxis], requested]
        user = np.where(partly, above, 0.0).argmax(axis=1)
        model = requested[slot, user]
        lost = library.onset[model] * excess / (library.full_steps - library.onset_steps)[model]
        gives = (excess > 0.0) & (above[slot, user] > excess) & partly[slot, user]
        gives &= lost <= _NOTICED * self.stakes.ideal_cost
        steps = steps.copy()
        steps[slot[gives], user[gives]] -= excess[gives]
        return steps

    def bound(self, lower: float | None = None) -> float:
        """Return the bound on the cost (11) that the plan, or `lower` on all losses, proves."""
        total = float((self.ideal + self.plan.lower).sum() if lower is None else self.ideal.sum())
        total += lower or 0.0
        # Under a floor on the steps, rounding may also take some from hits that would cost less without them.
        rounding = 1e-13 + (3.0 * _ROUNDING if self.instance.rules.steps_floor > 0.0 else 0.0)
        bound = total / self.instance.trace.requested_model.size * (1.0 - rounding)
        return bound if np.isfinite(bound) else -float("inf")


def frame_sums(values: Array, slots: int) -> Array:
    """Return the sums of `values` [T, ...] over frames of so many slots."""
    if slots == 1:
        return values
    return np.asarray(np.add.reduceat(values, np.arange(0, len(values), slots)))


def step_shares(instance: Instance, steps: Array) -> Array:
    """Return steps [..., N] as shares that sum to 1 at most, or to what is forgiven where the steps do."""
    available = instance.server.steps
    share = steps / available
    share = np.where(share * available < steps, np.nextafter(share, 1.0), share)
    one = 1.0 - 16 * np.finfo(np.float64).eps
    total = share.sum(axis=-1, keepdims=True)
    most = np.where(total > 1.0 + _ROUNDING, one + _FORGIVEN, one)
    # What is forgiven is forgiven of the sum alone: no user may get more than the whole.
    return np.asarray(np.minimum(share * np.minimum(1.0, most / np.maximum(most, total)), 1.0))
