"""What solvers on the algebraic view share: part after part, in the time there is, with a bound on each.

A part is what no decision reaches beyond: a slot, a frame, or where loading links all slots the whole.
"""

import math
from collections.abc import Callable, Iterator
from typing import ClassVar, NamedTuple

import numpy as np

from mincache.algebra.dual_bound import slot_bounds
from mincache.algebra.service_cost import ServiceTable, Tangents, loading_cost, shares_near_optimum
from mincache.errors import InputError
from mincache.exact.bandwidth import optimal_bandwidth
from mincache.problem.instance import RULES, Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions, Solution
from mincache.solving.contract import Run, Solver
from mincache.solving.feasible import linked_slots

_LARGEST = 1e12  # with their tolerances of 1e-6 and 1e-9, larger numbers leave nothing certain
_CLAIM_SLACK = 1e-6


class PartAnswer(NamedTuple):
    """What a method says of one part."""

    decisions: Decisions | None  # of its slots; None when it found none
    bound: float = -float("inf")  # lower bound on the part's mean cost, minus infinity without one


PartMethod = Callable[[Instance, float], PartAnswer]
"""Answers a part as an instance of its own within the seconds given (infinite without a limit)."""


def out_of_range(instance: Instance) -> str | None:
    """Return None, or a sentence why solvers with absolute tolerances cannot take the instance."""
    with np.errstate(all="ignore"):
        table = ServiceTable.of(instance)
        tangents = Tangents.at(instance, shares_near_optimum(instance))
        written = (
            table.cloud_cost, table.edge_cost, loading_cost(instance), tangents.offset_s, tangents.slope_s
        )  # fmt: skip
        largest = float(np.max([np.abs(numbers).max() for numbers in written]))
    if largest <= _LARGEST:
        return None
    return f"costs or delays of up to {largest:.3g} are more than solvers take ({_LARGEST:g})"


class PartsSolver(Solver):
    """A solver on the algebraic view; it declines numbers out of a solver's range.

    Raises:
        InputError: if a field `gap`, `threads` or `nodes` of it is below what solvers take, or not finite.
    """

    kind: ClassVar[str] = "exact"
    rules: ClassVar[tuple[str, ...]] = RULES

    def __post_init__(self) -> None:
        for name, least in (("gap", 0), ("threads", 1), ("nodes", -1)):
            value = getattr(self, name, least)
            if not least <= value < math.inf:
                raise InputError(name, f"must be finite and >= {least}", str(value))

    def supports(self, instance: Instance) -> str | None:
        """Return None, or a sentence why it cannot answer `instance`."""
        return super().supports(instance) or out_of_range(instance)


def less_tolerances(bound: float) -> float:
    """Return a bound that a solver claims, less 1e-6 of it and of 1, for the tolerances it works to."""
    return bound - _CLAIM_SLACK * (1.0 + abs(bound))


def agrees(claimed: float, cost: float) -> bool:
    """Return whether an answer costs what its solver says, to 1e-6 of it and of 1."""
    return abs(claimed - cost) <= _CLAIM_SLACK * (1.0 + abs(claimed))


def solve_parts(instance: Instance, run: Run, method: PartMethod, together: int = 1) -> Solution:
    """Return the solution made of a method's answers to so many parts at a time; report their mean bound."""
    best, bound = answer_parts(instance, run.remaining, method, together)
    solution = Solution.of(instance, best)
    run.report(solution, bound=float(bound.mean()))
    return solution


def answer_parts(
    instance: Instance, remaining: Callable[[], float], method: PartMethod, together: int = 1
) -> tuple[Decisions, Array]:
    """Return the decisions made of a method's answers to each part, and lower bounds on slots' costs, [T].

    A part that was not reached or not answered in its part of the time caches nothing.
    """
    T, N, M = instance.slot_count, instance.user_count, instance.model_count
    best = Decisions(np.zeros((T, M), dtype=bool), optimal_bandwidth(instance), np.zeros((T, N)))
    bound = slot_bounds(instance)
    for first, part in parts(instance, together):
        seconds = remaining()
        if seconds <= 0.0:
            break
        slots = slice(first, first + part.slot_count)
        answer = method(part, seconds * part.slot_count / (T - first))
        if answer.bound > bound[slots].mean():
            bound[slots] = answer.bound
        if answer.decisions is not None:
            for kept, found in zip(best, answer.decisions, strict=True):
                kept[slots] = found
    return best, bound


def parts(instance: Instance, together: int = 1) -> Iterator[tuple[int, Instance]]:
    """Yield each part's first slot, and the part as an instance; or so many parts together."""
    T, length = instance.slot_count, linked_slots(instance) * together
    for first in range(0, T, length):
        stop = min(first + length, T)
        if stop == first + 1 < T:
            yield first, instance.slot(first)
        else:
            yield first, instance if stop - first == T else instance.between(first, stop)
