"""The optimum of a whole instance: bandwidth, then cache and steps frame by frame, in passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mincache.exact.bandwidth import optimal_bandwidth
from mincache.exact.loading import courses
from mincache.exact.passes import FrameSearch, as_bound
from mincache.exact.regrets import regrets
from mincache.problem.instance import Instance, smallest_instance
from mincache.problem.solution import Solution

RELATIVE_GAP = 1e-11
"""Relative gap at which a frame counts as solved."""
MOST_SETS = 1 << 16
"""Number of caches that fit up to which all are looked at, where loading takes time."""


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
    list(improvements(smallest_instance(), compiled=True))


def improvements(
    instance: Instance,
    *,
    relative_gap: float = RELATIVE_GAP,
    compiled: bool | None = None,
    most_sets: int = MOST_SETS,
    remaining: Callable[[], float] = lambda: float("inf"),
) -> Iterator[Optimum]:
    """Yield ever better answers, the last of them proven or the best that the time allowed.

    Args:
        instance: what to solve.
        relative_gap: relative gap at which a slot counts as solved.
        compiled: whether to search with compiled loops; by default where that pays.
        most_sets: where loading takes time, the number of caches that fit up to which all are looked at.
        remaining: returns the seconds left.
    """
    bandwidth = optimal_bandwidth(instance)
    stakes = regrets(instance, bandwidth)
    search = FrameSearch(instance, stakes, relative_gap, compiled)
    if instance.rules.loading_s_per_gb > 0.0:
        for course in courses(search, relative_gap, most_sets, remaining):
            cache = np.repeat(course.cache, search.work.price.size, axis=0)[: instance.slot_count]
            steps = search.served_steps(cache[:, np.newaxis])[:, 0]
            solution = search.as_solution(cache, bandwidth, steps)
            bound = as_bound(instance, float(search.ideal.sum()) + course.lower)
            yield Optimum(solution, bound, course.proven)
        return
    for _ in search.passes(remaining):
        yield Optimum(search.solution(bandwidth), search.bound(), search.proven)
