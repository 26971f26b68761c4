"""`pyomo`: the algebraic form of what rules link, a slot at least, for any solver that Pyomo can call."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyomo.environ as pyo
from pyomo.common.log import LoggingIntercept
from pyomo.opt import SolverStatus
from pyomo.opt.solver import SystemCallSolver

from mincache import InputError, Instance, Run, Solution
from mincache.algebra import pyomo_model
from mincache.algebra.parts import PartAnswer, PartsSolver, agrees, less_tolerances, solve_parts
from mincache.algebra.rounding import round_relaxed
from mincache.algebra.service_cost import Formulation
from mincache.errors import MissingExtraError, did_you_mean
from mincache.exact.bandwidth import optimal_bandwidth

_FRACTIONAL = 1e-6
_FAILURES = (  # every part has an answer, so that these are never true of one
    "infeasible", "infeasibleOrUnbounded", "unbounded", "invalidProblem",
    "error", "solverFailure", "internalSolverError", "licensingProblems", "other", "unknown",
)  # fmt: skip
_LINEAR = ("cbc", "cplex", "glpk", "gurobi", "highs", "mosek", "xpress")  # families that take no logarithm
_META = ("mindtpy", "gdpopt", "multistart")  # solvers made of solvers, with a signature of their own

# How the solvers that have them call the relative gap and the number of threads.
_OPTION_NAMES: Mapping[str, tuple[str | None, str | None]] = {
    "baron": ("EpsR", "threads"), "bonmin": ("bonmin.allowable_fraction_gap", None),
    "cbc": ("ratio", "threads"), "couenne": ("allowable_fraction_gap", None),
    "cplex": ("mip_tolerances_mipgap", "threads"), "glpk": ("mipgap", None),
    "gurobi": ("MIPGap", "Threads"), "highs": ("mip_rel_gap", "threads"),
    "knitroampl": ("mip_opt_gap_rel", "numthreads"), "mindtpy": ("relative_bound_tolerance", "threads"),
    "scip": ("limits/gap", "lp/threads"), "xpress": ("miprelstop", "threads"),
}  # fmt: skip
_NEEDED: Mapping[str, Mapping[str, Any]] = {
    "scip_direct": {"display/verblevel": 0},  # it waits for ever on its own output otherwise
    "mindtpy": {"mip_solver": "appsi_highs", "nlp_solver": "ipopt"},
}
_PACKAGES = {
    "cplex_direct": "cplex", "cplex_persistent": "cplex", "cyipopt": "cyipopt", "gurobi": "gurobipy",
    "highs": "highspy", "mosek": "mosek", "scip_direct": "pyscipopt", "scip_persistent": "pyscipopt",
    "xpress": "xpress",
}  # fmt: skip
_PROGRAMS = {
    "bonmin": "conda install -c conda-forge coin-or-bonmin", "ipopt": "conda install -c conda-forge ipopt",
    "glpk": "conda install -c conda-forge glpk", "scip": "conda install -c conda-forge scip",
    "cbc": "pip install idaes-pse, then idaes get-extensions",
    "couenne": "pip install idaes-pse, then idaes get-extensions",
    "baron": "get it and a licence from minlp.com", "gams": "get it and a licence from gams.com",
}  # fmt: skip


@dataclass(frozen=True)
class Pyomo(PartsSolver):
    """Solve a Pyomo model of every slot with the solver named.

    What the solver says of its answer is a claim: the answer is priced by the evaluator, and the bound is
    reported as claimed, less 1e-6 for the solver's tolerances. Where the answer is fractional,
    from a relaxed model or a solver of continuous problems, it is rounded to a feasible one.

    Attributes:
        solver: any name that SolverFactory takes, such as scip_direct, ipopt, bonmin, gurobi or mindtpy.
        formulation: exact, piecewise or relaxed; by default piecewise for solvers of linear problems that
            are known as such, and exact for all others.
        gap: relative gap between answer and bound at which a slot counts as solved, where the solver has one.
        threads: threads that the solver may use, where it can be told.
        options: further options of the solver, `name=value` with semicolons between.
    """

    solver: str = "highs"
    formulation: Formulation | None = None
    gap: float = 1e-6
    threads: int = 1
    options: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        _parsed(self.options)

    def supports(self, instance: Instance) -> str | None:
        """Return None, what to install for the solver named, or that the numbers are out of its range."""
        return self._missing() or super().supports(instance)

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the solver's best answers, and report the mean of its bounds.

        Raises:
            MissingExtraError: if the solver named is not installed.
        """
        missing = self._missing()
        if missing:
            raise MissingExtraError(missing)
        if self._family == "highs":
            import highspy

            highspy.Highs.resetGlobalScheduler(True)  # else it refuses another number of threads than before
        return solve_parts(instance, run, self._solve)

    def _solve(self, part: Instance, seconds: float) -> PartAnswer:
        linear = self._family in _LINEAR and not self.solver.endswith("_minlp")
        model = pyomo_model.apply(part, self.formulation or ("piecewise" if linear else "exact"))
        with LoggingIntercept(module="pyomo", level=logging.CRITICAL):
            ended, bound = self._run(model, seconds)
        cached = [variable.value for variable in model.cache.values()]
        if None in cached:
            if ended in _FAILURES:
                raise RuntimeError(f"{self.solver} ended {part.name} with {ended!r}")
            return PartAnswer(None, bound)
        if max(abs(value - round(value)) for value in cached) <= _FRACTIONAL:
            return PartAnswer(pyomo_model.invert(model), bound)
        cache, steps = pyomo_model.relaxed_values(model)
        return PartAnswer(round_relaxed(part, cache, steps, optimal_bandwidth(part)), bound)

    def _run(self, model: Any, seconds: float) -> tuple[str, float]:
        """Solve; leave the best answer in the model, if any, and return why it ended and the bound."""
        solver = pyo.SolverFactory(self.solver)
        if self._family in _META:
            limit = {"time_limit": math.ceil(seconds)} if math.isfinite(seconds) else {}
            results = solver.solve(model, **limit, **self._options())
        else:
            # Answers are not loaded at a limit unless one does it oneself.
            limits = _time_limit(solver, seconds)
            results = solver.solve(model, load_solutions=False, options=self._options(), **limits)
            if len(results.solution) > 0:
                results.solver.status = SolverStatus.ok  # Pyomo loads no answer of a status it does not know
                model.solutions.load_from(results)
        bound = _number(results.problem.lower_bound)
        claimed = _number(results.problem.upper_bound)
        answered = model.cache[0, 0].value is not None
        if answered and math.isfinite(claimed) and not agrees(claimed, pyomo_model.objective(model)):
            bound = -math.inf  # a solver that is wrong about its answer is not believed about the rest
        return str(results.solver.termination_condition), less_tolerances(bound)

    @property
    def _family(self) -> str:
        """The solver's name without how Pyomo talks to it: `gurobi` for `gurobi_direct`."""
        return self.solver.removeprefix("appsi_").partition("_")[0].partition(".")[0]

    def _options(self) -> dict[str, Any]:
        names = _OPTION_NAMES.get(self._family, (None, None))
        named = zip(names, (self.gap, self.threads), strict=True)
        options = {name: value for name, value in named if name is not None}
        needed = _NEEDED.get(self.solver) or _NEEDED.get(self._family) or {}
        return {**options, **needed, **_parsed(self.options)}

    def _missing(self) -> str | None:
        """Return what to install, if the solver or one that it is told to call is missing."""
        options = self._options()
        called = [options[key] for key in ("mip_solver", "nlp_solver") if key in options]
        missing = [name for name in (self.solver, *called) if not _available(name)]
        if not missing:
            return None
        called_by = "" if missing[0] == self.solver else f" ({self.solver} calls it)"
        return _what_to_install(missing[0]) + called_by


def _available(name: str) -> bool:
    with LoggingIntercept(module="pyomo", level=logging.CRITICAL):
        solver = pyo.SolverFactory(name)
        return bool(solver.available(exception_flag=False))


def _what_to_install(name: str) -> str:
    package = _PACKAGES.get(name) or _PACKAGES.get(name.partition("_")[0])
    if package:
        return f"solver {name!r} is not installed: pip install {package}"
    if name in _PROGRAMS:
        return f"solver {name!r} is not installed: {_PROGRAMS[name]}, so that the program is on PATH"
    unknown = ""
    if name not in pyo.SolverFactory:
        advice = did_you_mean(name, [*pyo.SolverFactory, *_PROGRAMS], "")
        unknown = f" (it is not a name that Pyomo itself knows{advice and '; '}{advice})"
    return f"solver {name!r} is not installed{unknown}: install it so that the program {name!r} is on PATH"


def _time_limit(solver: Any, seconds: float) -> dict[str, float]:
    """Return the keyword with the time limit; programs take whole seconds, HiGHS floats only."""
    if not math.isfinite(seconds):
        return {}
    return {"timelimit": math.ceil(seconds) if isinstance(solver, SystemCallSolver) else float(seconds)}


def _number(value: Any) -> float:
    """Return a bound as solvers' results have it: a number, or minus infinity for none."""
    try:
        number = float(pyo.value(value))
    except (TypeError, ValueError):
        return -math.inf
    return number if math.isfinite(number) else -math.inf


def _parsed(options: str) -> dict[str, Any]:
    """Return the options in `name=value;name=value`, whole numbers and floats read as such."""
    pairs = [item.partition("=") for item in options.split(";") if item.strip()]
    if not all(separator for _, separator, _ in pairs):
        raise InputError("options", "must look like name=value;name=value", repr(options))
    return {name.strip(): _read(value.strip()) for name, _, value in pairs}


def _read(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
