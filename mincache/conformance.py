"""The public checks of the solver contract: the same that `mincache solvers check` and our tests run."""

from __future__ import annotations

import copy
import dataclasses
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from mincache import registry, suites
from mincache.documents import instance_bytes, solution_bytes
from mincache.errors import MincacheError
from mincache.evaluation import evaluate
from mincache.instance import Instance
from mincache.quantity import Array, quantities
from mincache.scenario import Scenario
from mincache.solution import Solution
from mincache.solver import Budget, Run, Solver

Outcome = Literal["passed", "failed", "not applicable"]

_BOUND_TOLERANCE = 1e-9
_DEADLINE_S = 0.5
_DEADLINE_GRACE_S = 2.0


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes:
        name: what was checked.
        outcome: `passed`, `failed`, or `not applicable` where the solver does not support the instance.
        detail: what was seen; for a failure, what to do.
    """

    name: str
    outcome: Outcome
    detail: str = ""


def check_solver(spec: str) -> Iterator[Check]:
    """Yield the result of each check of the solver that `spec` writes; see `registry.make` for the form.

    The solver runs in this process; a solver that crashes or hangs takes the checks with it.

    Raises:
        MincacheError: if there is no such solver, or its parameters cannot be read.
    """
    solver = registry.make(spec)
    yield Check("parameters parse", *_parameters(solver, spec))
    for title, instance in check_instances():
        reason = solver.supports(instance)
        if reason is not None:
            yield Check(f"feasible: {title}", "not applicable", reason)
            continue
        yield _guarded(f"feasible: {title}", partial(_feasible, solver, instance))
    supported = next((i for _, i in check_instances() if solver.supports(i) is None), None)
    if supported is not None:
        for name, check in _BEHAVIOURS.items():
            yield _guarded(name, partial(check, solver, supported))


def check_instances() -> Iterator[tuple[str, Instance]]:
    """Yield the instances of the checks: ordinary, tiny, odd and large ones, each with a title."""
    smoke = suites.find("smoke-v1")
    for name in smoke.entries:
        yield name, smoke.read(name)
    ordinary = smoke.read(next(iter(smoke.entries))).slot(0)
    yield "one user, one model", _drawn("tiny", users=1, models=1, slots=1)
    yield (
        "nothing fits",
        replace(ordinary, name="odd-storage", server=replace(ordinary.server, storage_gb=1e-3)),
    )
    yield "hardly a step", replace(ordinary, name="odd-steps", server=replace(ordinary.server, steps=0.5))
    yield "only delay counts", replace(ordinary, name="odd-delay", preference_weight=1.0)
    yield "only TV counts", replace(ordinary, name="odd-tv", preference_weight=0.0)
    yield "60 users, 30 models", _drawn("large", users=60, models=30, slots=2)


def _drawn(name: str, users: int, models: int, slots: int) -> Instance:
    scenario = Scenario(users=users, models=models, slots=slots)
    return scenario.instance(f"check-{name}", scenario.library(0), scenario.trace(0, "check", name))


def _guarded(name: str, check: Callable[[], tuple[Outcome, str]]) -> Check:
    try:
        return Check(name, *check())
    except Exception as error:  # a solver may raise anything; the check's answer is that it did
        return Check(name, "failed", f"raised {type(error).__name__}: {error}")


def _parameters(solver: Solver, spec: str) -> tuple[Outcome, str]:
    values = registry.parameters(solver)
    target = spec.partition("[")[0]
    written = ",".join(f"{name}={value}" for name, value in values.items() if value != "")
    try:
        again = registry.make(f"{target}[{written}]")
    except MincacheError as error:
        return "failed", f"{error}; give every field a plain type and accept its own default"
    same = registry.parameters(again) == values
    return ("passed", written) if same else ("failed", "written out and parsed, they differ")


def _feasible(solver: Solver, instance: Instance) -> tuple[Outcome, str]:
    run = Run.seeded(0)
    solution = solver.solve(instance, run)
    if not isinstance(solution, Solution):
        return "failed", f"must return a mincache.Solution, returned {type(solution).__name__}"
    evaluation = evaluate(instance, solution)
    if not evaluation.feasible:
        broken = sorted({violation.constraint for violation in evaluation.violations})
        return (
            "failed",
            f"infeasible: {', '.join(broken)}; scale shares to sum to 1",
        )
    if run.bound > evaluation.cost * (1 + _BOUND_TOLERANCE):
        return "failed", f"reported the lower bound {run.bound:.9g} above its own cost {evaluation.cost:.9g}"
    bound = f", bound {run.bound:.6f}" if np.isfinite(run.bound) else ""
    return "passed", f"cost {evaluation.cost:.6f}{bound}"


def _deterministic(solver: Solver, instance: Instance) -> tuple[Outcome, str]:
    first, second = (solution_bytes(solver.solve(instance, Run.seeded(3))) for _ in range(2))
    if first != second:
        return "failed", "two runs with the same seed differ; draw from run.rng alone"
    return "passed", "same seed, same bytes"


def _no_global_randomness(solver: Solver, instance: Instance) -> tuple[Outcome, str]:
    before = (random.getstate(), _global_numpy_state())
    solver.solve(instance, Run.seeded(3))
    if random.getstate() != before[0] or _global_numpy_state() != before[1]:
        return "failed", "the global generator moved; draw from run.rng alone"
    return "passed", "global generators untouched"


def _global_numpy_state() -> str:
    return str(np.random.get_state(legacy=False))  # noqa: NPY002  # to see that it is not used


def _no_mutation(solver: Solver, instance: Instance) -> tuple[Outcome, str]:
    writable = _writable_copy(instance)
    before = instance_bytes(writable)
    parameters = copy.deepcopy(registry.parameters(solver))
    solver.solve(writable, Run.seeded(3))
    if instance_bytes(writable) != before:
        return "failed", "the instance changed; copy its arrays before writing to them"
    if registry.parameters(solver) != parameters:
        return "failed", "the solver's parameters changed; keep a run's state in local variables"
    return "passed", "instance and parameters as before"


def _writable_copy(instance: Instance) -> Instance:
    twin = replace(instance, trace=replace(instance.trace), models=replace(instance.models))
    for part in (twin.trace, twin.models):
        for name in quantities(type(part)):
            array: Array = getattr(part, name)
            array.setflags(write=True)
    return twin


def _deadline(solver: Solver, instance: Instance) -> tuple[Outcome, str]:
    start = time.monotonic()
    solution = solver.solve(instance, Run(np.random.default_rng(3), Budget(_DEADLINE_S)))
    taken = time.monotonic() - start
    if taken > _DEADLINE_S + _DEADLINE_GRACE_S:
        return "failed", f"took {taken:.1f} s of {_DEADLINE_S} s; look at run.should_stop() more often"
    feasible = evaluate(instance, solution).feasible
    return ("passed" if feasible else "failed"), f"answered after {taken:.2f} s of {_DEADLINE_S} s"


def _reports(solver: Solver, instance: Instance) -> tuple[Outcome, str]:
    costs: list[float] = []
    bounds: list[float] = []

    def keep(_: float, solution: Solution | None, bound: float | None) -> None:
        if solution is not None:
            costs.append(evaluate(instance, solution).cost)
        if bound is not None:
            bounds.append(bound)

    final = evaluate(instance, solver.solve(instance, dataclasses.replace(Run.seeded(3), reporter=keep))).cost
    slack = 1 + _BOUND_TOLERANCE
    if any(later > earlier * slack for earlier, later in zip(costs, [*costs[1:], final], strict=False)):
        return "failed", "an incumbent is worse than the one before; report improvements alone"
    if bounds and max(bounds) > final * slack:
        return "failed", f"the bound {max(bounds):.9g} lies above the cost {final:.9g}"
    optimum = suites.find("smoke-v1").entries.get(instance.name)
    if (
        optimum is not None
        and optimum.best_known is not None
        and bounds
        and max(bounds) > optimum.best_known * slack
    ):
        return "failed", f"the bound {max(bounds):.9g} lies above a known cost {optimum.best_known:.9g}"
    return "passed", f"{len(costs)} incumbents, {len(bounds)} bounds"


_BEHAVIOURS: dict[str, Callable[[Solver, Instance], tuple[Outcome, str]]] = {
    "same seed, same answer": _deterministic,
    "no global randomness": _no_global_randomness,
    "changes nothing it is given": _no_mutation,
    "minds its deadline": _deadline,
    "incumbents and bounds": _reports,
}
