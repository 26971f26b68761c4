"""Why an answer costs more than the optimum: the gap split by decision, by slot and by model.

Decisions are exchanged in this order, one at a time for the best given the others:

1. the bandwidth shares, which are best by themselves, whatever is cached;
2. the steps, for the best service that the answer's cache allows;
3. the cache, for the optimum's, served as well as can be.

What the third exchange saves has up to three parts: `loading` and `floor` are what these rules cost more with
the answer's cache than with the optimum's, and `caching` is the rest. A floor costs what the best service
would cost less without it. So a part may be negative: who never loads a model pays in hits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mincache.errors import InputError, excerpt, positive_number, whole_number
from mincache.exact import Optimum, improvements, optimal_bandwidth
from mincache.exact.best_service import serve
from mincache.problem import display
from mincache.problem.evaluation import evaluate, request_costs
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import demand, least_steps
from mincache.problem.solution import Decisions, Solution
from mincache.solving.contract import Budget
from mincache.solving.feasible import hits

PARTS = ("bandwidth", "steps", "caching", "loading", "floor")
"""What the gap is split into."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """An answer beside the best one, and what each decision costs more, request by request.

    Attributes:
        best: the best known answer; the optimum where `proven`.
        cost: the evaluator's cost (11) of `answer`; `optimum` is that of `best`.
        regret: [T, N] by part, what the cost (10) of each request is higher by.
    """

    instance: Instance
    answer: Solution
    best: Solution
    proven: bool
    cost: float
    optimum: float
    regret: Mapping[str, Array]

    @property
    def gap(self) -> float:
        """The answer's cost less the best one's, in units of the cost."""
        return self.cost - self.optimum

    @cached_property
    def parts(self) -> dict[str, float]:
        """The gap by part: means over all requests, which add up to it."""
        return {part: float(regret.mean()) for part, regret in self.regret.items()}

    @cached_property
    def by_slot(self) -> dict[str, Array]:
        """By part, the mean over the users of each slot: [T]; the mean over the slots is the part."""
        return {part: regret.mean(axis=1) for part, regret in self.regret.items()}

    @cached_property
    def by_model(self) -> Array:
        """What the requests for each model add to the gap: [M], which sum to it."""
        requested, regret = self.instance.trace.requested_model, sum(self.regret.values(), start=np.zeros(1))
        sums = np.bincount(requested.ravel(), regret.ravel(), minlength=self.instance.model_count)
        return np.asarray(sums / requested.size)

    def worst_slots(self, count: int) -> list[int]:
        """Return the slots that add most to the gap, the worst first; none that adds nothing."""
        lost = sum(self.by_slot.values(), start=np.zeros(1))
        order = np.argsort(-lost, kind="stable")[: whole_number("count", count)]
        return [int(t) for t in order if lost[t] > _NOTHING * abs(self.optimum)]

    def difference(self, t: int) -> str:
        """Return a sentence of what the answer did in slot `t`, and what the best answer did instead."""
        if whole_number("t", t) >= self.instance.slot_count:
            raise InputError("t", f"must be a slot from 0 to {self.instance.slot_count - 1}", excerpt(t))
        ours, best = (one.cache[t].astype(bool) for one in (self.answer, self.best))
        if (ours == best).all():
            return f"the same cache; {self._served(self.answer, t)}, the optimum {self._served(self.best, t)}"
        only, instead = (np.flatnonzero(one & ~other) for one, other in ((ours, best), (best, ours)))
        did = f"cached {self._named(only, t)}" if only.size else "cached nothing else"
        rather = f"cached {self._named(instead, t)} instead" if instead.size else "left room free"
        return f"{did}; the optimum {rather}"

    def __repr__(self) -> str:
        lost = ", ".join(f"{part} {cost:z.6g}" for part, cost in self.parts.items())
        against = "proven optimum" if self.proven else "best known answer"
        return f"Explanation(of {self.answer.instance}: {self.gap:z.6g} above the {against}; {lost})"

    def _repr_html_(self) -> str:
        costs, of = self.parts | {"gap": self.gap}, self.optimum
        rows = [(part, f"{cost:z.6g}", f"{cost / of:z.3%}" if of else "") for part, cost in costs.items()]
        title, header = f"Why {self.answer.instance} costs more", ("", "cost", "of the optimum")
        return display.html_table(title, rows, header)

    def _named(self, models: Array, t: int) -> str:
        """Return such as `model 3 (8.1 GB, 2 requests)`."""
        asked, size = demand(self.instance)[t], self.instance.models.size_gb
        several = "models" if len(models) > 1 else "model"
        told = (f"{m} ({size[m]:.3g} GB, {asked[m]} request{'s' * bool(asked[m] != 1)})" for m in models)
        return f"{several} {', '.join(told)}"

    def _served(self, solution: Solution, t: int) -> str:
        steps = solution.step_share[t] * self.instance.server.steps
        return f"gave {steps.sum():.4g} steps to {np.count_nonzero(steps)} users"


_NOTHING = 1e-9
"""Part of the cost that a slot must lose to be worth a line."""
_LEAST_LACKING = 1e-9
"""Part of a hit's least steps that may lack: the evaluator's tolerance."""


def best_answer(instance: Instance, time_limit_s: float, known: Solution | None = None) -> Optimum:
    """Return the exact method's answer, or a `known` feasible one where that costs less."""
    limit = Budget(positive_number("time_limit_s", time_limit_s))
    *_, found = improvements(instance, remaining=limit.remaining)
    if known is None or found.proven:
        return found
    better = evaluate(instance, known).cost < evaluate(instance, found.solution).cost
    return replace(found, solution=known) if better else found


def explain(
    instance: Instance, solution: Solution, best: Optimum | None = None, *, time_limit_s: float = float("inf")
) -> Explanation:
    """Return why `solution` costs more than the best answer.

    Where the best answer is not proven to be the optimum, the answer's own cache, with bandwidth and steps
    exchanged, is the best answer known if it costs less. By default the best answer is found here.

    Raises:
        InputError: if the solution is not feasible, or answers another instance, or if the instance uses
            rules that the exact method does not know.

    Example:
        >>> import mincache
        >>> instance = mincache.load("smoke-v1.l0.n10.t0")
        >>> why = mincache.explain(instance, mincache.Solution.nothing_cached(instance))
        >>> sorted(part for part, cost in why.parts.items() if cost > 1e-9)
        ['bandwidth', 'caching']
    """
    score = evaluate(instance, solution)
    if not score.feasible:
        broken = ", ".join(sorted({violation.constraint for violation in score.violations}))
        raise InputError("solution", "must be feasible", broken or "no finite cost", "try: mincache score")
    best = best or best_answer(instance, time_limit_s)
    bandwidth, given = optimal_bandwidth(instance), solution.step_share * instance.server.steps
    own, other = solution.cache, best.solution.cache
    own_steps = _best_steps(instance, own, given)
    other_steps = _best_steps(instance, other, best.solution.step_share * instance.server.steps)
    own_cost = _cost(instance, own, bandwidth, own_steps)
    other_cost = _cost(instance, other, bandwidth, other_steps)
    if not best.proven and own_cost.mean() < other_cost.mean():
        other, other_steps, other_cost = own, own_steps, own_cost
    swapped = _cost(instance, own, bandwidth, given)
    served, exchanged = (own, bandwidth, own_steps), (other, bandwidth, other_steps)
    loading, floor = (
        _rule_cost(instance, rule, *served) - _rule_cost(instance, rule, *exchanged)
        for rule in ("loading_s_per_gb", "steps_floor")
    )
    regret = {
        "bandwidth": _cost(instance, own, solution.bandwidth_share, given) - swapped,
        "steps": swapped - own_cost,
        "caching": own_cost - other_cost - loading - floor,
        "loading": loading,
        "floor": floor,
    }
    chosen = Solution.of(instance, Decisions(other, bandwidth, other_steps / instance.server.steps))
    optimum = evaluate(instance, chosen).cost
    return Explanation(instance, solution, chosen, best.proven, score.cost, optimum, regret)


def _best_steps(instance: Instance, cache: Array, given: Array) -> Array:
    """Return the steps [T, N] of the best service; those given where a floor is kept by tolerance alone."""
    steps = serve(instance, cache).step_share * instance.server.steps
    least = least_steps(instance)[instance.trace.requested_model]
    lacking = hits(instance, cache) & (steps < least * (1.0 - _LEAST_LACKING))
    return np.where(lacking.any(axis=1, keepdims=True), given, steps)


def _cost(instance: Instance, cache: Array, bandwidth_share: Array, steps: Array) -> Array:
    """Return the cost (10) of each request, [T, N]."""
    return request_costs(instance, Decisions(cache, bandwidth_share, steps / instance.server.steps))


def _rule_cost(instance: Instance, rule: str, cache: Array, bandwidth_share: Array, steps: Array) -> Array:
    """Return what each request costs more than without a rule, [T, N]; without a floor, steps change too."""
    without = replace(instance, rules=replace(instance.rules, **{rule: 0}))
    if without == instance:
        return np.zeros(steps.shape)
    freed = _best_steps(without, cache, steps) if rule == "steps_floor" else steps
    return _cost(instance, cache, bandwidth_share, steps) - _cost(without, cache, bandwidth_share, freed)
