"""`highs`: cache and service as a mixed-integer linear program aggregated by model, with HiGHS."""

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import highspy
import numpy as np
from pyomo.common.tee import capture_output

from mincache import Budget, Instance, Run, Solution
from mincache.algebra import milp
from mincache.algebra.dual_bound import upload_bound
from mincache.algebra.milp import Program
from mincache.algebra.parts import PartAnswer, PartsSolver, agrees, answer_parts, solve_parts
from mincache.algebra.rounding import cheapest, round_relaxed
from mincache.problem.instance import Rules
from mincache.problem.quantity import Array
from mincache.solving.feasible import frame_starts

_TOLERANCE = 1e-9  # of feasibility, integrality and reduced costs; HiGHS's own are 1e-6 and 1e-7
_APART_PART = 0.3  # of the time, for what is linked by itself
_TIME_PART = 0.95  # of what is left then: in large programs HiGHS looks at its clock only now and then


@dataclass(frozen=True)
class Highs(PartsSolver):
    """Solve cache and service with HiGHS; the bandwidth split is the optimal one.

    Slots, or frames, that nothing links are solved one after the other. What is linked is solved by itself
    first: slots before their frame, and frames before the whole horizon where loading links them. What each
    costs at least becomes a constraint of the larger program, and over the horizon the answers are where the
    search begins; there, incumbents and bounds are reported as they come.

    Attributes:
        gap: relative gap between answer and bound at which a program counts as solved.
        threads: threads that HiGHS may use.
    """

    gap: float = 1e-9
    threads: int = 1

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
        if instance.rules.loading_s_per_gb > 0.0:
            return _solve_horizon(highs, instance, run)
        return solve_parts(instance, run, partial(_solve_part, highs))


def _solve_horizon(highs: highspy.Highs, instance: Instance, run: Run) -> Solution:
    """Solve slots and frames without loading, then with it the whole horizon, beginning there."""
    unlinked = replace(instance, rules=replace(instance.rules, loading_s_per_gb=0.0))
    apart = Budget(_APART_PART * run.remaining())
    found, bound = answer_parts(unlinked, apart.remaining, partial(_solve_part, highs))
    start = round_relaxed(instance, found.cache, found.step_share, found.bandwidth_share)
    run.report(Solution.of(instance, start), bound=float(bound.mean()))
    slots = _service_bounds(highs, instance, Budget(_APART_PART * run.remaining()))
    frames = np.add.reduceat(_less_uploads(instance, bound), frame_starts(instance))
    program = milp.apply(instance, slots, frames)
    _write(highs, program)
    columns, values = milp.known_values(program, start)
    highs.setSolution(columns.size, columns, values)
    highs.cbMipImprovingSolution.subscribe(partial(_report_incumbent, program, run))
    highs.cbMipLogging.subscribe(partial(_report_bound, program, run))
    answer = _run(highs, program, _TIME_PART * run.remaining())
    candidates = [start] if answer.decisions is None else [answer.decisions, start]
    solution = Solution.of(instance, cheapest(instance, candidates))
    run.report(solution, bound=answer.bound)
    return solution


def _service_bounds(highs: highspy.Highs, instance: Instance, budget: Budget) -> Array:
    """Return lower bounds on each slot's cost by itself, uploads left out, summed over its requests: [T]."""
    apart = replace(instance, rules=Rules(steps_floor=instance.rules.steps_floor))
    return _less_uploads(instance, answer_parts(apart, budget.remaining, partial(_solve_part, highs))[1])


def _less_uploads(instance: Instance, bound: Array) -> Array:
    return np.asarray(instance.user_count * (bound - upload_bound(instance)))


def _report_incumbent(program: Program, run: Run, event: Any) -> None:
    decisions = milp.invert(program, np.array(event.data_out.mip_solution))
    run.report(Solution.of(program.instance, decisions))


def _report_bound(program: Program, run: Run, event: Any) -> None:
    run.report(bound=_bound(program, event.data_out.mip_dual_bound))


def _solve_part(highs: highspy.Highs, part: Instance, seconds: float) -> PartAnswer:
    """Solve a slot, or a frame with what its slots cost at least."""
    budget = Budget(seconds)
    alone = _service_bounds(highs, part, Budget(_APART_PART * seconds)) if part.slot_count > 1 else None
    program = milp.apply(part, alone)
    _write(highs, program)
    return _run(highs, program, budget.remaining())


def _run(highs: highspy.Highs, program: Program, seconds: float, again: bool = False) -> PartAnswer:
    """Solve; what HiGHS says that its answer costs is held against what it costs."""
    highs.setOptionValue("time_limit", seconds)  # of this run alone
    if highs.run() == highspy.HighsStatus.kError:
        status = highs.modelStatusToString(highs.getModelStatus())
        raise RuntimeError(f"HiGHS failed on {program.instance.name}: {status}")
    info = highs.getInfo()
    bound = _bound(program, info.mip_dual_bound)
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return PartAnswer(None, bound)
    values = np.array(highs.getSolution().col_value)
    agreed = agrees(info.objective_function_value, float(program.cost @ values))
    if agreed or again:
        return PartAnswer(milp.invert(program, values), bound if agreed else -math.inf)
    # With a start, HiGHS may report the optimum and return the start: once more without it and presolve.
    highs.clearSolver()
    highs.setOptionValue("presolve", "off")
    try:
        return _run(highs, program, seconds, again=True)
    finally:
        highs.setOptionValue("presolve", "choose")


def _bound(program: Program, dual_bound: float) -> float:
    """Return the lower bound on the mean cost (11) that HiGHS's on the program amounts to."""
    # A reduced cost may have the wrong sign by the tolerance, over the range of its variable.
    slack = _TOLERANCE * float(program.most.sum())
    total = program.cells.cloud_cost.sum() + dual_bound - slack
    requests = program.instance.trace.requested_model.size
    return float(total / requests + upload_bound(program.instance).mean())


def _write(highs: highspy.Highs, program: Program) -> None:
    """Hand the program to HiGHS."""
    rows, columns = program.rows, program.cost.size
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = columns, rows.lower.size
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = program.cost, np.zeros(columns), program.most
    lp.row_lower_, lp.row_upper_ = rows.lower, rows.upper
    kinds = highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger
    lp.integrality_ = [kinds[whole] for whole in program.integral.tolist()]
    matrix = lp.a_matrix_
    matrix.format_ = highspy.MatrixFormat.kRowwise
    matrix.num_col_, matrix.num_row_ = columns, rows.lower.size
    matrix.start_ = np.searchsorted(rows.row, np.arange(rows.lower.size + 1))
    matrix.index_, matrix.value_ = rows.column, rows.value
    highs.clearModel()
    highs.passModel(lp)
