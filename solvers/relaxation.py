"""`relaxation`: the linear relaxation of all slots at once in Pyomo, solved with HiGHS and rounded."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
import pyomo.environ as pyo
from pyomo.contrib.solver.common.factory import SolverFactory
from pyomo.contrib.solver.common.results import SolutionStatus, TerminationCondition

from mincache import Budget, Instance, Run, Solution
from mincache.algebra.dual_bound import Prices, horizon_bound
from mincache.algebra.milp import Cells
from mincache.algebra.parts import PartAnswer, PartsSolver, solve_parts
from mincache.algebra.pyomo_model import linear
from mincache.algebra.rounding import round_relaxed
from mincache.algebra.service_cost import cacheable
from mincache.exact.bandwidth import optimal_bandwidth
from mincache.problem.quantity import Array
from mincache.solving.feasible import frame_starts, linked_slots

_CELLS = 1000  # models requested in a slot, over all slots of a Pyomo model; more cannot stop in time


@dataclass(frozen=True)
class Relaxation(PartsSolver):
    """Solve one relaxed Pyomo model of all slots, and round what it says to a feasible solution.

    Large instances are taken in stretches of slots, so that time limits hold; slots not reached in time are
    left to the cloud. The bound comes from the multipliers that HiGHS returns, evaluated in
    `mincache.algebra.dual_bound`: it holds whatever the solver's tolerances.
    """

    kind = "relaxation"

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the rounded solution, and report the bound."""
        highspy.Highs.resetGlobalScheduler(True)  # else it refuses another number of threads than before
        most = linked_slots(instance) * min(instance.user_count, instance.model_count)
        return solve_parts(instance, run, _solve_part, max(1, _CELLS // most))


def _solve_part(part: Instance, seconds: float) -> PartAnswer:
    budget, cells = Budget(seconds), Cells.of(part)
    model = relaxed_model(part, cells)
    multipliers = _multipliers(model, budget.remaining())
    if multipliers is None:
        return PartAnswer(None)
    held, served = _values(model.cache), _values(model.served)
    cache, steps = cells.cache(part, held), cells.steps(served, held[cells.holding]) / part.server.steps
    storage, step_prices = np.zeros((2, part.slot_count))  # a frame's storage counts in its first slot
    storage[frame_starts(part)] = [-multipliers[row] for row in model.storage_limit.values()]
    step_prices[:] = [-multipliers[row] for row in model.step_limit.values()]
    bound = horizon_bound(part, Prices(storage, step_prices))
    return PartAnswer(round_relaxed(part, cache, steps, optimal_bandwidth(part)), bound)


def relaxed_model(instance: Instance, cells: Cells) -> Any:
    """Return the relaxation as a Pyomo model; its objective `cost` is (10) summed over requests.

    Users are taken together: requests for one model in one slot cost the same at the edge but for a constant,
    and the convex hull of a hit's cost is a line from its least steps to A3. The objective leaves out what
    all would cost in the cloud, and the uploads, whose optimal split is known.

    Variables, by the holdings h, cells c and loads i of `cells`: `cache[h]`; `served[c]`, how many have A3
    steps; `loaded[i]`, whether the model is loaded.
    """
    frames, slots = range(len(frame_starts(instance))), range(instance.slot_count)
    in_frame = [np.flatnonzero(cells.frame == k).tolist() for k in frames]
    in_slot = [np.flatnonzero(cells.slot == t).tolist() for t in slots]
    count, holding, loads, before = (
        values.tolist() for values in (cells.count, cells.holding, cells.loads, cells.before)
    )
    # What does not fit is fixed at 0, whatever its coefficient.
    size = np.minimum(instance.models.size_gb / instance.server.storage_gb, 2.0)[cells.held_model].tolist()
    rising = ((cells.high - cells.least) / instance.server.steps).tolist()
    least = np.minimum(cells.count * cells.least / instance.server.steps, 2.0).tolist()
    fits = cacheable(instance)[frame_starts(instance)[cells.frame], cells.held_model].tolist()

    def storage(block: Any, k: int) -> Any:
        return linear((size[h], block.cache[h]) for h in in_frame[k]) <= 1.0

    def steps(block: Any, t: int) -> Any:
        hits = [(least[c], block.cache[holding[c]]) for c in in_slot[t]]
        return linear([*hits, *((rising[c], block.served[c]) for c in in_slot[t])]) <= 1.0

    def hit(block: Any, c: int) -> Any:
        return linear([(1.0, block.served[c]), (-count[c], block.cache[holding[c]])]) <= 0.0

    def there(block: Any, i: int) -> Any:
        now, then = block.cache[holding[loads[i]]], block.cache[before[i]]
        return linear([(1.0, block.loaded[i]), (1.0, then), (-1.0, now)]) >= 0.0

    model = pyo.ConcreteModel(instance.name)
    model.cache = pyo.Var(range(len(size)), bounds=lambda _, h: (0, int(fits[h])))
    model.served = pyo.Var(range(len(count)), domain=pyo.NonNegativeReals)
    model.loaded = pyo.Var(range(len(loads)), domain=pyo.UnitInterval)
    model.storage_limit = pyo.Constraint(frames, rule=storage, doc="(11d), by frame")
    model.step_limit = pyo.Constraint(slots, rule=steps, doc="(11f)")
    model.hit = pyo.Constraint(model.served.index_set(), rule=hit, doc="only hits are served")
    model.there = pyo.Constraint(model.loaded.index_set(), rule=there, doc="loaded, or there before")
    cost = np.concatenate([cells.held_cost + cells.first_wait, -cells.high_saving, cells.wait]).tolist()
    variables = [*model.cache.values(), *model.served.values(), *model.loaded.values()]
    model.cost = pyo.Objective(expr=linear(zip(cost, variables, strict=True)))
    return model


def _multipliers(model: Any, seconds: float) -> Mapping[Any, float] | None:
    """Let HiGHS solve the model, and return the multipliers of its constraints; None at the limit."""
    time_limit = seconds if math.isfinite(seconds) else None
    quietly = {"load_solutions": False, "raise_exception_on_nonoptimal_result": False}
    result = SolverFactory("highs").solve(model, threads=1, time_limit=time_limit, **quietly)
    if result.termination_condition == TerminationCondition.maxTimeLimit:
        return None
    if result.solution_status != SolutionStatus.optimal:
        raise RuntimeError(f"HiGHS ended {model.name} with {result.termination_condition}")
    result.solution_loader.load_vars()
    multipliers: Mapping[Any, float] = result.solution_loader.get_duals()
    return multipliers


def _values(block: Any) -> Array:
    return np.array([variable.value for variable in block.values()])
