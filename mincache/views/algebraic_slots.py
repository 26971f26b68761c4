"""What solvers on the algebraic view share: slot after slot, in the time there is, with a bound on each."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mincache.exact.bandwidth import optimal_bandwidth
from mincache.instance import Instance
from mincache.solution import Decisions, Solution
from mincache.solver import Run
from mincache.views.algebraic_bound import Prices, lagrangian_bound


class SlotAnswer(NamedTuple):
    """What a method says of one slot.

    Attributes:
        decisions: with T = 1; None when it found none.
        bound: lower bound on the slot's mean cost, minus infinity without one.
    """

    decisions: Decisions | None
    bound: float = -float("inf")


SlotMethod = Callable[[Instance, float], SlotAnswer]
"""Answers an instance with T = 1 within the seconds given (infinite without a limit)."""


def solve_slots(instance: Instance, run: Run, method: SlotMethod) -> Solution:
    """Return the solution made of a method's answers to each slot, and report their mean bound.

    Each slot may take an equal part of the time left. A slot that was not reached or not answered caches
    nothing, and its bound is the one in which every user has all of storage and steps.
    """
    T, N, M = instance.slot_count, instance.user_count, instance.model_count
    best = Decisions(np.zeros((T, M), dtype=bool), optimal_bandwidth(instance), np.zeros((T, N)))
    bound = lagrangian_bound(instance, Prices.none(instance))
    for t in range(T):
        if run.should_stop():
            break
        answer = method(instance.slot(t), run.remaining() / (T - t))
        bound[t] = max(bound[t], answer.bound)
        if answer.decisions is not None:
            for kept, found in zip(best, answer.decisions, strict=True):
                kept[t] = found[0]
    solution = Solution.of(instance, best)
    run.report(solution, bound=float(bound.mean()))
    return solution
