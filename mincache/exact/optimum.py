"""The optimum of a whole instance: bandwidth, then cache and steps slot by slot, in passes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mincache.exact import loops
from mincache.exact.bandwidth import optimal_bandwidth
from mincache.exact.regrets import Regrets, regrets
from mincache.exact.tables import Library, Plan, workspace
from mincache.instance import Instance, ModelLibrary, Radio, Server, Trace
from mincache.quantity import Array
from mincache.solution import Solution

RELATIVE_GAP = 1e-11
"""Relative gap at which a slot counts as solved."""

_ROUNDING = 1e-12  # what a limit may be passed by, relatively: decimal sizes that sum to it exactly do
_FIRST_NODES = 500  # in a slot's first pass; its later ones have _GROWTH times more each
_HURRIED_NODES = 20  # in a slot reached when the time is up: enough for a greedy answer
_GROWTH = 8.0
_USERS_A_CALL = 1 << 13  # slots times users handled between two looks at the clock


@dataclass(frozen=True, eq=False)
class Optimum:
    """An answer, and how far from the best it may be.

    Attributes:
        solution: the best solution found.
        bound: lower bound on the cost of every solution.
        proven: whether every slot is solved to the gap asked for.
    """

    solution: Solution
    bound: float
    proven: bool


def optimum(instance: Instance, relative_gap: float = RELATIVE_GAP) -> Optimum:
    """Return the proven optimum of `instance`, however long that takes."""
    return list(improvements(instance, relative_gap=relative_gap))[-1]


def load_compiled() -> None:
    """Load the compiled loops, or compile them, so that the next search need not.

    Raises:
        MissingExtraError: if numba is not installed.
    """
    one, none = np.ones(1), np.zeros(1)
    models = ModelLibrary(one, one, none, one, one, none, one, one)
    radio = Radio(1.0, 1.0, 1.0, 1.0, one, 1.0, 1.0)
    trace = Trace(none, one[None], none[None], one[None])
    list(improvements(Instance("any", 0.5, Server(1.0, 1.0), radio, models, trace), compiled=True))


def improvements(
    instance: Instance,
    *,
    relative_gap: float = RELATIVE_GAP,
    compiled: bool | None = None,
    remaining: Callable[[], float] = lambda: float("inf"),
) -> Iterator[Optimum]:
    """Yield ever better answers, the last of them proven or the best that the time allowed.

    Args:
        instance: what to solve.
        relative_gap: relative gap at which a slot counts as solved.
        compiled: whether to search with compiled loops; by default where that pays.
        remaining: returns the seconds left.
    """
    bandwidth = optimal_bandwidth(instance)
    stakes = regrets(instance, bandwidth)
    search = _Search(instance, stakes, relative_gap * stakes.ideal_cost, compiled)
    nodes = _FIRST_NODES
    while True:
        nodes_per_s = search.run(nodes, remaining)
        yield Optimum(search.solution(bandwidth), search.bound(), search.proven)
        affordable = 0.5 * nodes_per_s * remaining() / max(1, search.unfinished)
        if search.proven or affordable <= nodes:  # each pass begins anew: a shorter one finds nothing
            return
        nodes = int(min(_GROWTH * nodes, affordable))


@np.errstate(over="ignore", invalid="ignore")
def usable(room: float, sizes: Array) -> float:
    """Return how much of `room` items of these `sizes` can fill at all, with an allowance for rounding.

    Where all are multiples of one size, as when all are equal, the room is rounded down to a multiple of
    it: then no bound counts on the rest.
    """
    unit = float(np.minimum.reduce(sizes))
    multiples = sizes / unit
    if np.maximum.reduce(np.abs(multiples - np.rint(multiples))) <= _ROUNDING:
        room = float(np.floor(room / unit * (1.0 + _ROUNDING))) * unit
    return _eased(room)


def _eased(limit: float) -> float:
    return min(limit * (1.0 + _ROUNDING), float(np.finfo(np.float64).max))


class _Search:
    """The plan of an instance between two passes."""

    def __init__(self, instance: Instance, stakes: Regrets, tolerance: Array, compiled: bool | None) -> None:
        self.instance, self.stakes, self.tolerance, self.compiled = instance, stakes, tolerance, compiled
        models = instance.models
        worth = stakes.unserved / models.steps_saturation
        alike_together = (stakes.onset, models.steps_onset, models.steps_saturation, -worth)
        self.library = Library(
            models.size_gb, models.steps_onset, models.steps_saturation, stakes.onset, stakes.unserved,
            by_worth=np.lexsort(alike_together)[: np.count_nonzero(worth)],
        )  # fmt: skip
        T, N, M = instance.slot_count, instance.user_count, instance.model_count
        self.work = workspace(M)
        self.plan = Plan(
            cache=np.zeros((T, M), np.bool_), steps=np.zeros((T, N)), loss=stakes.cloud.sum(axis=1),
            lower=np.zeros(T), unfinished=np.ones(T, np.bool_),
        )  # fmt: skip

    @property
    def unfinished(self) -> int:
        return int(np.count_nonzero(self.plan.unfinished))

    @property
    def proven(self) -> bool:
        return self.unfinished == 0

    def run(self, nodes: int, remaining: Callable[[], float]) -> float:
        """Search each unfinished slot through `nodes` nodes at most; return how many a second that was."""
        start, spent = time.monotonic(), 0
        slots = np.flatnonzero(self.plan.unfinished)
        together = max(1, _USERS_A_CALL // (self.instance.user_count * (1 + nodes // _FIRST_NODES)))
        for first in range(0, slots.size, together):
            limit = nodes if remaining() > 0.0 else min(nodes, _HURRIED_NODES)
            self._search(slots[first : first + together], limit, remaining())
            spent += limit * int(np.count_nonzero(self.plan.unfinished[slots[first : first + together]]))
        return float(spent) / (time.monotonic() - start)

    def _search(self, slots: Array, nodes: int, remaining_s: float) -> None:
        server, models = self.instance.server, self.instance.models
        work = slots.size * self.instance.user_count * (1 + nodes // _FIRST_NODES)
        ignored = np.errstate(over="ignore", invalid="ignore")
        with loops.fitting(work, self.compiled, remaining_s) as search_slots, ignored:
            search_slots(
                self.library, self.instance.trace.requested_model, self.stakes.cloud,
                usable(server.storage_gb, models.size_gb), _eased(server.steps),
                self.tolerance, nodes, slots, self.plan, self.work,
            )  # fmt: skip

    def solution(self, bandwidth_share: Array) -> Solution:
        """Return the plan as a solution; its step shares sum to 1 at most, whoever adds them up."""
        steps, available = self.plan.steps, self.instance.server.steps
        share = steps / available
        share = np.where(share * available < steps, np.nextafter(share, 1.0), share)
        most = 1.0 - 16 * np.finfo(np.float64).eps
        share *= np.minimum(1.0, most / np.maximum(most, share.sum(axis=1, keepdims=True)))
        return Solution(self.instance.name, self.plan.cache, bandwidth_share, share)

    def bound(self) -> float:
        """Return the lower bound on the cost (11), less what rounding may have added to it."""
        total = float((self.stakes.ideal_cost + self.plan.lower).sum())
        bound = total / self.instance.trace.requested_model.size * (1.0 - 1e-13)
        return bound if np.isfinite(bound) else -float("inf")
