"""`scip`: the exact algebraic form of what rules link, a slot at least, solved by SCIP through PySCIPOpt."""

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pyscipopt

from mincache import Budget, Instance, Run, Solution
from mincache.algebra import pyomo_model
from mincache.algebra.parts import PartAnswer, PartsSolver, agrees, less_tolerances, solve_parts

_FEASIBILITY = 1e-9  # the evaluator's tolerance; SCIP's own is 1e-6
_NEVER_TRUE = ("infeasible", "unbounded", "inforunbd")  # every part has an answer


@dataclass(frozen=True)
class Scip(PartsSolver):
    """Solve the exact Pyomo model of every slot, handed to SCIP as an NL file.

    SCIP does not see that the upload delay is convex; the tangents in the model tell it enough to close
    most slots at the root. Its bound is a claim: it is lowered by 1e-6 for SCIP's tolerances.

    Attributes:
        gap: relative gap between answer and bound at which a slot counts as solved.
        nodes: branch-and-bound nodes a slot at most; -1 without a limit.
    """

    gap: float = 1e-6
    nodes: int = -1

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return SCIP's best answers, and report the mean of its bounds."""
        return solve_parts(instance, run, self._solve)

    def _solve(self, part: Instance, seconds: float) -> PartAnswer:
        """Solve a part; where SCIP fails, once more without presolve and with tolerances of its own."""
        budget, failed = Budget(seconds), ""
        for again in (False, True):
            try:
                return self._attempt(part, budget.remaining(), again)
            except RuntimeError as error:
                failed = str(error)
        raise RuntimeError(f"SCIP failed on {part.name} twice: {failed}")

    def _attempt(self, part: Instance, seconds: float, again: bool) -> PartAnswer:
        model = pyomo_model.apply(part, "exact")
        scip = _read(model)
        scip.setParam("limits/gap", self.gap)
        scip.setParam("limits/totalnodes", self.nodes)
        if again:
            scip.setPresolve(pyscipopt.scip.PY_SCIP_PARAMSETTING.OFF)
        else:
            scip.setParam("numerics/feastol", _FEASIBILITY)
        if math.isfinite(seconds):
            scip.setParam("limits/time", max(seconds, 0.0))
        try:
            scip.optimize()
        except Exception as error:  # PySCIPOpt raises what SCIP returns as Exception itself
            raise RuntimeError(str(error)) from None
        if scip.getStatus() in _NEVER_TRUE:
            raise RuntimeError(f"it ended with {scip.getStatus()!r}")
        bound = less_tolerances(scip.getDualbound())
        if scip.getNSols() == 0:
            return PartAnswer(None, bound)
        best = scip.getBestSol()
        pyomo_model.assign(model, {v.name: scip.getSolVal(best, v) for v in scip.getVars()})
        cost = pyomo_model.objective(model)
        if not agrees(scip.getSolObjVal(best), cost):
            raise RuntimeError(f"its answer costs {cost!r}, not {scip.getSolObjVal(best)!r}")
        return PartAnswer(pyomo_model.invert(model), bound)


def _read(model: object) -> pyscipopt.Model:
    """Return SCIP with a Pyomo model in it, its variables by their names there."""
    scip = pyscipopt.Model()
    scip.hideOutput()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "part.nl")
        model.write(path, io_options={"symbolic_solver_labels": True})  # type: ignore[attr-defined]
        scip.readProblem(path)
    return scip
