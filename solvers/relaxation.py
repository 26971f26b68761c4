"""`relaxation`: the linear relaxation of every slot, solved with HiGHS and rounded; with a lower bound.

Under rules that link slots it is the relaxation of every frame, or of the whole instance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import highspy
import numpy as np
from pyomo.contrib.solver.common.factory import SolverFactory
from pyomo.contrib.solver.common.results import SolutionStatus, TerminationCondition

from mincache import Instance, Run, Solution, Solver
from mincache.algebra import pyomo_model
from mincache.algebra.dual_bound import Prices, horizon_bound, lagrangian_bound
from mincache.algebra.parts import RULES, PartAnswer, out_of_range, solve_parts
from mincache.algebra.rounding import round_relaxed
from mincache.exact.bandwidth import optimal_bandwidth


@dataclass(frozen=True)
class Relaxation(Solver):
    """Solve the relaxed Pyomo model of every slot, and round what it says to a feasible solution.

    The bound comes from the multipliers that HiGHS returns, evaluated in `views.algebraic_bound`: it holds
    whatever the solver's tolerances. Slots not reached in time are left to the cloud.
    """

    kind: ClassVar[str] = "relaxation"
    rules: ClassVar[tuple[str, ...]] = RULES

    def supports(self, instance: Instance) -> str | None:
        """Return None, or a sentence if the instance's numbers are out of a solver's range."""
        return super().supports(instance) or out_of_range(instance)

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the rounded solution, and report the mean of the bounds."""
        highspy.Highs.resetGlobalScheduler(True)  # else it refuses another number of threads than before
        return solve_parts(instance, run, _solve)


def _solve(part: Instance, seconds: float) -> PartAnswer:
    model = pyomo_model.apply(part, "relaxed")
    result = SolverFactory("highs").solve(
        model,
        threads=1,
        time_limit=seconds if math.isfinite(seconds) else None,
        load_solutions=False,
        raise_exception_on_nonoptimal_result=False,
    )
    if result.termination_condition == TerminationCondition.maxTimeLimit:
        return PartAnswer(None)
    if result.solution_status != SolutionStatus.optimal:
        raise RuntimeError(f"HiGHS ended {part.name} with {result.termination_condition}")
    result.solution_loader.load_vars()
    prices = _prices(model, part, result.solution_loader.get_duals())
    linked = part.rules.link_slots
    bound = horizon_bound(part, prices) if linked else float(lagrangian_bound(part, prices)[0])
    cache, steps = pyomo_model.relaxed_values(model)
    return PartAnswer(round_relaxed(part, cache, steps, optimal_bandwidth(part)), bound)


def _prices(model: Any, part: Instance, multiplier: Mapping[Any, float]) -> Prices:
    """Return what the multipliers of the limits say of the sum over users and of the whole resource."""
    # The objective is a mean over slots and users, and storage stands in thousandths.
    requests = part.trace.requested_model.size
    storage = [-requests * limit.upper() * multiplier[limit] for limit in model.storage_limit.values()]
    steps = [-requests * multiplier[limit] for limit in model.step_limit.values()]
    return Prices(np.array(storage), np.array(steps))
