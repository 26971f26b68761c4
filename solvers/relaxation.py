"""`relaxation`: the linear relaxation of every slot, solved with HiGHS and rounded; with a lower bound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import highspy
import numpy as np
from pyomo.contrib.solver.common.factory import SolverFactory
from pyomo.contrib.solver.common.results import SolutionStatus, TerminationCondition

from mincache import Instance, Run, Solution, Solver
from mincache.exact.bandwidth import optimal_bandwidth
from mincache.views import algebraic
from mincache.views.algebraic_bound import Prices, lagrangian_bound
from mincache.views.algebraic_rounding import round_slot
from mincache.views.algebraic_slots import SlotAnswer, out_of_range, solve_slots


@dataclass(frozen=True)
class Relaxation(Solver):
    """Solve the relaxed Pyomo model of every slot, and round what it says to a feasible solution.

    The bound comes from the multipliers that HiGHS returns, evaluated in `views.algebraic_bound`: it holds
    whatever the solver's tolerances. Slots not reached in time are left to the cloud.
    """

    kind: ClassVar[str] = "relaxation"

    def supports(self, instance: Instance) -> str | None:
        """Return None, or a sentence if the instance's numbers are out of a solver's range."""
        return out_of_range(instance)

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the rounded solution, and report the mean of the slots' bounds."""
        highspy.Highs.resetGlobalScheduler(True)  # else it refuses another number of threads than before
        return solve_slots(instance, run, _solve_slot)


def _solve_slot(slot: Instance, seconds: float) -> SlotAnswer:
    model = algebraic.apply(slot, "relaxed")
    result = SolverFactory("highs").solve(
        model,
        threads=1,
        time_limit=seconds if math.isfinite(seconds) else None,
        load_solutions=False,
        raise_exception_on_nonoptimal_result=False,
    )
    if result.termination_condition == TerminationCondition.maxTimeLimit:
        return SlotAnswer(None)
    if result.solution_status != SolutionStatus.optimal:
        raise RuntimeError(f"HiGHS ended {slot.name} with {result.termination_condition}")
    result.solution_loader.load_vars()
    multiplier = result.solution_loader.get_duals()
    # The objective is a mean over users, storage in thousandths; prices are for the sum and the whole.
    whole = -slot.user_count * np.array([model.storage_limit[0].upper(), 1.0])
    duals = np.array([[multiplier[model.storage_limit[0]]], [multiplier[model.step_limit[0]]]])
    prices = Prices(*(whole[:, None] * duals))
    cache = np.array([variable.value for variable in model.cache.values()])
    steps = np.array([variable.value for variable in model.step_share.values()])
    decisions = round_slot(slot, cache, steps, optimal_bandwidth(slot)[0])
    return SlotAnswer(decisions, float(lagrangian_bound(slot, prices)[0]))
