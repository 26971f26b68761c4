"""The public checks of the solver contract: the same that `mincache solvers check` and our tests run."""

import copy
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from mincache.errors import MincacheError, line_of
from mincache.files.documents import instance_bytes, parse_instance, solution_bytes
from mincache.generation import suites
from mincache.generation.scenario import Scenario
from mincache.problem.evaluation import Evaluation, evaluate
from mincache.problem.instance import Instance, Rules
from mincache.problem.quantity import Array, quantities
from mincache.problem.solution import Solution
from mincache.solving import registry
from mincache.solving.contract import GRACE_S, Run, Solver, is_solution, kind_of_answer
from mincache.solving.side_effects import states
from mincache.solving.spec import parse

CheckOutcome = Literal["passed", "failed", "not applicable"]

SUITE = "smoke-v1"
"""The standard suite among the instances of the checks; its optima are known."""

_BOUND_TOLERANCE = 1e-9
_DEADLINE_S = 0.5
_DEADLINE_TRIES = 3
_SEED, _OTHER_SEED = 3, 4
_EVALUATIONS = 500  # so that searches end that go on until a limit is reached


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes:
        name: what was checked.
        outcome: `passed`, `failed`, or `not applicable` where the solver does not support the instance.
        detail: what was seen.
        advice: what to do, for a failure.
    """

    name: str
    outcome: CheckOutcome
    detail: str = ""
    advice: str = ""


class _FaultError(Exception):
    """A check fails: what was seen, and what to do."""


class _UnsupportedError(Exception):
    """The solver does not support the instance: its sentence."""


class ConformanceError(AssertionError):
    """A solver fails checks of the contract; the message has a line for each of them."""

    def __init__(self, failed: Sequence[Check]) -> None:
        self.failed = tuple(failed)
        super().__init__("\n".join(f"{one.name}: {one.detail}; {one.advice}" for one in failed))


def check_solver(spec: str) -> list[Check]:
    """Check the solver that `spec` writes, as a test does, and return the checks, all of them passed.

    The solver runs in this process; a solver that crashes or hangs takes the checks with it.

    Raises:
        ConformanceError: if a check fails; it names every one, and what to do.
        MincacheError: if there is no such solver, or its parameters cannot be read.
    """
    checks = list(iter_checks(spec))
    if failed := [check for check in checks if check.outcome == "failed"]:
        raise ConformanceError(failed)
    return checks


def iter_checks(spec: str) -> Iterator[Check]:
    """Yield the result of each check of the solver that `spec` writes as it is found, passed or not.

    Raises:
        MincacheError: if there is no such solver, or its parameters cannot be read.
    """
    solver = registry.make(spec)
    yield _guarded("parameters parse", partial(_parameters, solver, spec))
    answered, answers = [], False
    for title, instance in (*check_instances(), *_with_rules(solver)):
        # A solver may change what it is handed: each check reads its instance anew.
        document = instance_bytes(instance)
        check = _guarded(f"feasible: {title}", partial(_feasible, solver, document))
        yield check
        if check.outcome == "passed":
            answered.append((instance.user_count * instance.slot_count, document))
        answers |= check.outcome != "not applicable"
    if not answers and solver.kind != "learned":  # whose policies may be for other problems
        advice = "let supports() return None where it can answer, as Solver.supports does"
        yield Check("answers an instance", "failed", "it declined every instance of the checks", advice)
    if not answered:
        return  # how it behaves cannot be told apart from what is wrong already
    for name, behaviour in _BEHAVIOURS.items():
        yield _guarded(name, partial(behaviour, solver, answered[0][1]))
    _, largest = max(answered, key=lambda one: one[0])
    yield _guarded("minds its deadline", partial(_deadline, solver, largest))


def check_instances() -> Iterator[tuple[str, Instance]]:
    """Yield the instances of the checks: ordinary, tiny, odd and large ones, each with a title."""
    smoke = suites.find(SUITE)
    for name in smoke.entries:
        yield name, smoke.read(name)
    ordinary = smoke.read(next(iter(smoke.entries))).slot(0)
    yield "one user, one model", _drawn("tiny", users=1, models=1, slots=1)
    server = ordinary.server
    yield "nothing fits", replace(ordinary, name="odd-storage", server=replace(server, storage_gb=1e-3))
    yield "hardly a step", replace(ordinary, name="odd-steps", server=replace(server, steps=0.5))
    yield "only delay counts", replace(ordinary, name="odd-delay", preference_weight=1.0)
    yield "only TV counts", replace(ordinary, name="odd-tv", preference_weight=0.0)
    yield "60 users, 30 models", _drawn("large", users=60, models=30, slots=2)


def _with_rules(solver: Solver) -> Iterator[tuple[str, Instance]]:
    """Yield an instance with the rules that the solver says it keeps, if there are any."""
    kept = {name: value for name, value in _RULES.items() if name in solver.kept_rules()}
    if kept:
        drawn = _drawn("rules", users=6, models=6, slots=6)
        yield "its rules", replace(drawn, rules=Rules(**kept))


_RULES: Mapping[str, Any] = {"frame_slots": 3, "loading_s_per_gb": 0.5, "steps_floor": 0.3}


def _drawn(name: str, users: int, models: int, slots: int) -> Instance:
    scenario = Scenario(users=users, models=models, slots=slots)
    return scenario.instance(f"check-{name}", scenario.library(0), scenario.trace(0, "check", name))


def _guarded(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, "passed", check())
    except _UnsupportedError as reason:
        return Check(name, "not applicable", str(reason))
    except _FaultError as fault:
        return Check(name, "failed", *fault.args)
    except (Exception, SystemExit) as error:  # a solver may raise anything; the check's answer is that it did
        advice = "return an answer, or let supports() say why there is none"
        return Check(name, "failed", f"raised {line_of(error)}", advice)


def _parameters(solver: Solver, spec: str) -> str:
    values = registry.parameters(solver)
    written = registry.spell(parse(spec).target, type(solver), values)
    try:
        again = registry.make(written)
    except MincacheError as error:
        raise _FaultError(str(error), "give every field a plain type that takes its own default") from None
    # The values themselves may differ: a file is loaded anew, and so are the enumerations in it.
    if registry.spell(parse(spec).target, type(again), registry.parameters(again)) != written:
        raise _FaultError("written out and parsed, they differ", "let __post_init__ keep what it is given")
    return registry.spell(parse(spec).target, type(solver), registry.needed_parameters(solver))  # a short one


def _feasible(solver: Solver, document: bytes) -> str:
    given, instance = parse_instance(document), parse_instance(document)
    reason = solver.supports(given)
    if reason is not None:
        if isinstance(reason, str) and reason:
            raise _UnsupportedError(reason)
        raise _FaultError(f"supports() returned {reason!r}", "return None, or a sentence why it cannot")
    run = Run.seeded(0, evaluations=_EVALUATIONS)
    solution = solver.solve(given, run)
    if not is_solution(solution):
        raise _FaultError(f"solve() returned {kind_of_answer(solution)}", "return a mincache.Solution")
    _check_unchanged(given, document)
    evaluation = evaluate(instance, solution)
    if not evaluation.feasible:
        broken = sorted({violation.constraint for violation in evaluation.violations})
        advice = "; ".join(_REPAIRS[name] for name in broken) or _REPAIRS["unserved"]
        raise _FaultError(f"infeasible: {', '.join(broken) or 'infinite cost'}", advice)
    _check_bound(run.bound, evaluation.cost, instance)
    return f"cost {evaluation.cost:.6f}" + (f", bound {run.bound:.6f}" if np.isfinite(run.bound) else "")


def _check_unchanged(given: Instance, document: bytes) -> None:
    if instance_bytes(given) != document:
        advice = "leave it as it is: copy its arrays before writing to them"
        raise _FaultError("solve() changed the instance", advice)


_REPAIRS: Mapping[str, str] = {
    "storage": "cache less: the sizes of a slot's models sum to at most storage_gb",
    "bandwidth": "divide a slot's bandwidth shares by their sum",
    "steps": "divide a slot's step shares by their sum",
    "range": "keep shares within [0, 1]",
    "unserved": "give every user some bandwidth, hit or miss",
    "frame": "cache the same in all slots of a frame",
    "quality": "give every hit the steps of the floor, or cache less",
}


def _check_bound(bound: float, cost: float, instance: Instance) -> None:
    """Hold a lower bound against a verified cost and what is known."""
    known = suites.find(SUITE).entries.get(instance.name)
    optimum = cost if known is None or known.best_known is None else min(cost, known.best_known)
    if bound > optimum * (1 + _BOUND_TOLERANCE):
        whose = "its own cost" if optimum == cost else "the known optimum"
        seen = f"reported the lower bound {bound:.9g}, above {whose} {optimum:.9g}"
        raise _FaultError(seen, "report a bound that is proven, on the mean over slots and users")


def _deterministic(solver: Solver, document: bytes) -> str:
    if _answer(solver, document, _SEED) != _answer(solver, document, _SEED):
        raise _FaultError("two runs with the same seed differ", "draw from run.rng alone")
    return "same seed, same bytes"


def _as_declared(solver: Solver, document: bytes) -> str:
    differ = _answer(solver, document, _SEED) != _answer(solver, document, _OTHER_SEED)
    if differ and not solver.stochastic:
        raise _FaultError("two seeds, two answers", "declare stochastic: ClassVar[bool] = True")
    return "stochastic" if solver.stochastic else "not stochastic"


def _answer(solver: Solver, document: bytes, seed: int) -> bytes:
    return solution_bytes(solver.solve(parse_instance(document), Run.seeded(seed, evaluations=_EVALUATIONS)))


def _no_global_randomness(solver: Solver, document: bytes) -> str:
    before = states()
    _answer(solver, document, _SEED)
    after = states()
    if any(after[name] != state for name, state in before.items()):
        raise _FaultError("the global generator moved", "draw from run.rng alone")
    return "global generators untouched"


def _no_mutation(solver: Solver, document: bytes) -> str:
    writable = _writable(parse_instance(document))
    parameters = copy.deepcopy(registry.parameters(solver))
    solver.solve(writable, Run.seeded(_SEED, evaluations=_EVALUATIONS))
    _check_unchanged(writable, document)
    if registry.parameters(solver) != parameters:
        raise _FaultError("the solver's parameters changed", "keep a run's state in local variables")
    return "instance and parameters as before"


def _writable(instance: Instance) -> Instance:
    twin = replace(instance, trace=replace(instance.trace), models=replace(instance.models))
    for part in (twin.trace, twin.models):
        for name in quantities(type(part)):
            array: Array = getattr(part, name)
            array.setflags(write=True)
    return twin


def _deadline(solver: Solver, document: bytes) -> str:
    for _ in range(_DEADLINE_TRIES):  # once late may be a busy machine's fault
        given, run = parse_instance(document), Run.seeded(_SEED, _DEADLINE_S)
        solution = solver.solve(given, run)
        taken = run.budget.elapsed()
        if taken <= _DEADLINE_S + GRACE_S:
            break
    else:
        seen = f"took {taken:.2f} s of {_DEADLINE_S} s, and {GRACE_S} s more are forgiven"
        raise _FaultError(seen, "look at run.should_stop() more often, and return the best so far")
    if not evaluate(parse_instance(document), solution).feasible:
        raise _FaultError("infeasible when stopped early", "have a feasible answer before the first loop")
    return f"answered after {taken:.2f} s of {_DEADLINE_S} s"


def _reports(solver: Solver, document: bytes) -> str:
    given, instance = parse_instance(document), parse_instance(document)
    incumbents: list[Evaluation] = []
    bounds: list[float] = []

    def keep(_: float, solution: Solution | None, bound: float | None) -> None:
        if solution is not None:
            incumbents.append(evaluate(instance, solution))
        if bound is not None:
            bounds.append(bound)

    run = replace(Run.seeded(_SEED, evaluations=_EVALUATIONS), reporter=keep)
    final = evaluate(instance, solver.solve(given, run)).cost
    if any(not incumbent.feasible for incumbent in incumbents):
        raise _FaultError("an incumbent is infeasible", "report what would count as an answer")
    costs = [*(incumbent.cost for incumbent in incumbents), final]
    if any(after > before * (1 + _BOUND_TOLERANCE) for before, after in itertools.pairwise(costs)):
        raise _FaultError("an incumbent is worse than the one before", "report improvements alone")
    _check_bound(max(bounds, default=-np.inf), final, instance)
    return f"{len(incumbents)} incumbents, {len(bounds)} bounds"


_BEHAVIOURS: Mapping[str, Callable[[Solver, bytes], str]] = {
    "same seed, same answer": _deterministic,
    "stochastic as declared": _as_declared,
    "no global randomness": _no_global_randomness,
    "changes nothing it is given": _no_mutation,
    "incumbents and bounds": _reports,
}
