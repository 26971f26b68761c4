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
from mincache.views.algebraic_service import ServiceTable
from mincache.views.algebraic_uplink import Tangents, shares_near_optimum

_LARGEST = 1e12  # with their tolerances of 1e-6 and 1e-9, larger numbers leave nothing certain
_CLAIM_SLACK = 1e-6


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


def out_of_range(instance: Instance) -> str | None:
    """Return None, or a sentence why solvers with absolute tolerances cannot take the instance."""
    with np.errstate(all="ignore"):
        table = ServiceTable.of(instance)
        tangents = Tangents.at(instance, shares_near_optimum(instance))
        written = (table.cloud_cost, table.edge_cost, tangents.offset_s, tangents.slope_s)
        largest = float(np.max([np.abs(numbers).max() for numbers in written]))
    if largest <= _LARGEST:
        return None
    return f"costs or delays of up to {largest:.3g} are more than solvers take ({_LARGEST:g})"


def less_tolerances(bound: float) -> float:
    """Return a bound that a solver claims, less 1e-6 of it and of 1, for the tolerances it works to."""
    return bound - _CLAIM_SLACK * (1.0 + abs(bound))


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
