"""`highs`: cache and service of every slot as a mixed-integer linear program, aggregated by model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import highspy
import numpy as np
from pyomo.common.tee import capture_output

from mincache import Decisions, Instance, Run, Solution, Solver
from mincache.evaluation import TOLERANCE
from mincache.exact.bandwidth import optimal_bandwidth
from mincache.quantity import Array
from mincache.views.algebraic_bound import upload_bound
from mincache.views.algebraic_rounding import within_limits
from mincache.views.algebraic_service import ServiceTable
from mincache.views.algebraic_slots import SlotAnswer, out_of_range, solve_slots

_TOLERANCE = 1e-9  # of feasibility, integrality and reduced costs; HiGHS's own are 1e-6 and 1e-7
_SMALLEST = 1e-9  # coefficients below are dropped, by HiGHS with a complaint


@dataclass(frozen=True)
class Highs(Solver):
    """Solve each slot's cache and service with HiGHS; the bandwidth split is the optimal one.

    Requests for the same model cost the same at the edge but for a constant, and at the optimum each hit
    gets no steps or A3, but for one a slot that may get part of them. So a requested model needs a binary
    for the cache, an integer for how many are served fully, and a binary for the one served in part.

    Attributes:
        gap: relative gap between answer and bound at which a slot counts as solved.
        threads: threads that HiGHS may use.
    """

    kind: ClassVar[str] = "exact"

    gap: float = 1e-9
    threads: int = 1

    def supports(self, instance: Instance) -> str | None:
        """Return None, or a sentence if the instance's numbers are out of a solver's range."""
        return out_of_range(instance)

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return HiGHS's best answers, and report the mean of its bounds."""
        with capture_output(capture_fd=True):  # HiGHS greets on the console before it can be silenced
            highs = highspy.Highs()  # type: ignore[no-untyped-call]  # highspy leaves it untyped
        highs.resetGlobalScheduler(True)  # else it refuses another number of threads than it had before
        options = {
            "output_flag": False, "threads": self.threads, "mip_rel_gap": self.gap, "mip_abs_gap": 0.0,
            "mip_feasibility_tolerance": _TOLERANCE, "primal_feasibility_tolerance": _TOLERANCE,
            "dual_feasibility_tolerance": _TOLERANCE,
            # Feasibility jump takes most of the time of so small a problem, and finds nothing better.
            "mip_heuristic_run_feasibility_jump": False,
        }  # fmt: skip
        for name, value in options.items():
            highs.setOptionValue(name, value)
        return solve_slots(instance, run, partial(_solve_slot, highs))


def _solve_slot(highs: highspy.Highs, slot: Instance, seconds: float) -> SlotAnswer:
    highs.clearModel()
    highs.setOptionValue("time_limit", highs.getRunTime() + seconds)  # its clock runs on over the slots
    service = _Service(slot)
    variables = service.write(highs)
    if highs.run() == highspy.HighsStatus.kError:
        raise RuntimeError(
            f"HiGHS failed on {slot.name}: {highs.modelStatusToString(highs.getModelStatus())}"
        )
    info = highs.getInfo()
    # A reduced cost may have the wrong sign by the tolerance, over the range of its variable.
    slack = _TOLERANCE * (3.0 * service.count.size + service.count.sum())
    total = service.all_cloud_cost + info.mip_dual_bound - slack
    bound = float(total / slot.user_count + upload_bound(slot)[0])
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return SlotAnswer(None, bound)
    cached, full, partly, extra = (np.array(highs.vals(part)) for part in variables)
    return SlotAnswer(service.decisions(cached, full, partly, extra), bound)


class _Service:
    """The cache and service of one slot, by requested model; each array is [R]."""

    def __init__(self, slot: Instance) -> None:
        requested, table = slot.trace.requested_model[0], ServiceTable.of(slot)
        self.slot = slot
        self.model, first, self.count = np.unique(requested, return_index=True, return_counts=True)
        steps, cost = table.steps[0, first], table.edge_cost[0, first]
        self.low, self.high = steps[:, 1, 0], steps[:, 1, 1]  # A1 and A3, cut off at L
        self.low_saving = cost[:, 0, 0] - cost[:, 1, 0]
        self.high_saving = cost[:, 0, 0] - cost[:, 1, 1]
        extra = table.edge_cost[0, :, 0, 0] - table.cloud_cost[0]
        self.hit_cost = np.bincount(requested, extra, slot.model_count)[self.model]
        self.all_cloud_cost = float(table.cloud_cost.sum())

    def write(self, highs: highspy.Highs) -> tuple[Any, Any, Any, Any]:
        """Write the problem; return variables: cached, served fully, partly, and its steps above A1."""
        R = range(self.model.size)
        size = self.slot.models.size_gb[self.model] / self.slot.server.storage_gb
        A3, L = self.slot.models.steps_saturation[self.model], self.slot.server.steps
        cached = highs.addBinaries(len(R), obj=self.hit_cost.tolist(), ub=_fits(size).tolist())
        full = highs.addIntegrals(
            len(R), obj=(-self.high_saving).tolist(), ub=(self.count * _fits(A3 / L)).tolist()
        )
        partly = highs.addBinaries(len(R), obj=(-self.low_saving).tolist())
        extra = highs.addVariables(len(R), ub=1.0, obj=(self.low_saving - self.high_saving).tolist())
        highs.addConstr(highs.qsum(cached * _coefficients(size)) <= 1.0)
        steps = full * _coefficients(A3 / L) + partly * _coefficients(self.low / L)
        highs.addConstr(highs.qsum(steps + extra * _coefficients((self.high - self.low) / L)) <= 1.0)
        highs.addConstr(highs.qsum(partly) <= 1)
        highs.addConstrs(full[r] + partly[r] <= int(self.count[r]) * cached[r] for r in R)
        highs.addConstrs(extra[r] <= partly[r] for r in R)
        return cached, full, partly, extra

    def decisions(self, cached: Array, full: Array, partly: Array, extra: Array) -> Decisions:
        """Return decisions that serve as many users of each model, in their order."""
        slot = self.slot
        cache = np.zeros((1, slot.model_count), dtype=bool)
        cache[0, self.model[cached > 0.5]] = True
        steps = np.zeros(slot.user_count)
        for r, m in enumerate(self.model):
            users = np.flatnonzero(slot.trace.requested_model[0] == m)
            served = round(full[r])
            steps[users[:served]] = slot.models.steps_saturation[m]
            if partly[r] > 0.5:
                steps[users[served]] = self.low[r] + extra[r] * (self.high[r] - self.low[r])
        share = within_limits(steps[None] / slot.server.steps)
        return Decisions(cache, optimal_bandwidth(slot), share)


def _fits(part: Array) -> Array:
    """Return 1.0 where a part of a whole fits into it, else 0.0."""
    return (part <= 1.0 + TOLERANCE).astype(np.float64)


def _coefficients(part: Array) -> Array:
    """Return parts of a whole as HiGHS takes them; one that does not fit has a variable fixed at 0."""
    return np.where(part < _SMALLEST, 0.0, np.minimum(part, 2.0))
