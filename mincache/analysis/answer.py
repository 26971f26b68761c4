"""Solving one instance in this process: what a solver answers, priced, and held against what is known."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from mincache.analysis.explanation import Explanation, explain
from mincache.errors import InputError, of_kind, positive_number, whole_number
from mincache.generation import streams, suites
from mincache.generation.recipes import Reference
from mincache.problem import display
from mincache.problem.evaluation import Evaluation, evaluate
from mincache.problem.instance import LOAD, Instance
from mincache.problem.solution import Solution
from mincache.solving import contract, registry
from mincache.solving.contract import Budget, Run, Solver


@dataclass(frozen=True, eq=False, repr=False)
class Answer:
    """What a solver answered to an instance, and what the evaluator found.

    Attributes:
        solver: its name, with the parameters that differ from their defaults.
        bound: the lower bound on the cost of every solution that the solver reported; None without one.
        reference: the best known cost of the instance, where a standard suite lists it; else None.
    """

    solver: str
    instance: Instance
    solution: Solution
    evaluation: Evaluation
    bound: float | None
    seconds: float
    reference: Reference | None

    @property
    def gap(self) -> float | None:
        """How far the cost is above `gap_to`, as a fraction of it; None if infeasible or nothing is known."""
        against = self.reference or (None if self.bound is None else Reference(self.bound))
        return None if against is None or not self.evaluation.feasible else against.gap(self.evaluation.cost)

    @property
    def gap_to(self) -> str:
        """What `gap` is against: `best known cost`, or without one the solver's own `lower bound`, or ""."""
        return "best known cost" if self.reference else "" if self.bound is None else "lower bound"

    def explain(self, time_limit_s: float = math.inf) -> Explanation:
        """Return why it costs more than the best answer: by decision, by slot and by model.

        Finding the best answer may take the time limit; an infeasible answer is refused.

        Example:
            >>> import mincache
            >>> answer = mincache.solve(mincache.load("smoke-v1.l0.n10.t0"), "popular-first")
            >>> why = answer.explain()
            >>> max(why.parts, key=why.parts.get)
            'caching'
            >>> abs(sum(why.parts.values()) - why.gap) < 1e-9
            True
        """
        return explain(self.instance, self.solution, time_limit_s=time_limit_s)

    def __repr__(self) -> str:
        gap = "" if self.gap is None else f", {self.gap:z.2%} above the {self.gap_to}"
        return f"Answer(of {self.solver} in {self.seconds:.3g} s: {self.evaluation!r}{gap})"

    def _repr_html_(self) -> str:
        facts = {
            "cost": f"{self.evaluation.cost:.6g}",
            "feasible": self.evaluation.feasible,
            "gap": "unknown" if self.gap is None else f"{self.gap:z.2%} above the {self.gap_to}",
            "lower bound by the solver": "none" if self.bound is None else f"{self.bound:.6g}",
            "hit ratio": f"{self.evaluation.hit_ratio:.1%}",
            "time": f"{self.seconds:.3g} s",
        }
        return display.html_table(f"{self.solver} on {self.solution.instance}", facts.items())


def solve(
    instance: Instance, solver: str | Solver | type[Solver], seconds: float = 10.0, seed: int = 0,
    evaluations: int | None = None,
) -> Answer:  # fmt: skip
    """Answer an instance with a solver, in this process.

    The same seed gives the same answer, unless the solver stops for want of time; `mincache solve --seed`
    draws the same random numbers. Nothing ends a solver that does not mind its time: `run` does.

    Args:
        instance: the problem.
        solver: as on the command line, such as `genetic[generations=30]`; or a solver, or its class.
        seconds: time limit in s.
        seed: which repetition's random numbers.
        evaluations: how many candidates it may price by `Run.evaluate`; any number by default.

    Raises:
        InputError: if there is no such solver, it does not support the instance, or it fails.
        MissingExtraError: if a library that the solver needs is not installed.

    Example:
        >>> import mincache
        >>> instance = mincache.load("smoke-v1.l0.n10.t0")
        >>> answer = mincache.solve(instance, "decomposition", seconds=10)
        >>> answer.evaluation.feasible, round(answer.gap, 6), answer.gap_to
        (True, 0.0, 'best known cost')
        >>> answer.bound <= answer.evaluation.cost
        True
    """
    of_kind("instance", instance, Instance, LOAD)
    positive_number("seconds", seconds)
    whole_number("seed", seed)
    whole_number("evaluations", 1 if evaluations is None else evaluations, 1)
    method = registry.as_solver(solver)
    title = _title(method)
    if (reason := method.supports(instance)) is not None:
        raise InputError(f"solver {title}", "must support the instance", reason)
    known = suites.listed(instance)
    suite = "-" if known is None else known[0].name
    run = Run(streams.generator(0, suite, instance.name, seed), Budget(seconds, evaluations), repetition=seed)
    run.instance = instance
    solution = contract.answer(title, method, instance, run)
    taken_s, bound = run.budget.elapsed(), run.bound if math.isfinite(run.bound) else None
    reference = None if known is None else known[1].reference
    return Answer(title, instance, solution, evaluate(instance, solution), bound, taken_s, reference)


def _title(solver: Solver) -> str:
    kind = type(solver)
    name = registry.name_of(kind) or kind.__qualname__
    plain = not dataclasses.is_dataclass(solver)
    return name if plain else registry.spell(name, kind, registry.needed_parameters(solver))
