"""Pricing candidates within a run: each is counted, and the best so far is kept as the run's incumbent."""

import math
from collections.abc import Sequence

import numpy as np

from mincache.errors import EvaluationsSpentError, InputError, excerpt
from mincache.exact.best_service import check_slots, serve, serve_batch
from mincache.problem.evaluation import Evaluation, evaluate, evaluate_batch
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions, Solution
from mincache.problem.verdict import BatchEvaluation

Candidates = Decisions | Sequence[Solution] | Array
"""Decisions with leading axes, solutions, or caches that are served as well as can be."""


class CandidatePricer:
    """Prices candidates for an instance, `limit` at most, counts them, and keeps the best.

    A candidate for S of the T slots counts as S / T evaluations. The best is one of the candidates priced; of
    candidates for some slots, each slot's best, and nothing cached in the slots that had none.
    """

    def __init__(self, instance: Instance, limit: int | None = None) -> None:
        self._instance = instance
        self._limit, self._left = limit, None if limit is None else limit * instance.slot_count
        self._slots_priced = 0
        self._best: Decisions | None = None
        self._cost: Array = np.full(instance.slot_count, np.inf)
        self._parts: dict[tuple[int, int], Instance] = {}

    @property
    def evaluations(self) -> float:
        """How many candidates were priced."""
        return self._slots_priced / self._instance.slot_count

    @property
    def remaining(self) -> float:
        """How many more may be priced; infinite without a limit."""
        return math.inf if self._left is None else self._left / self._instance.slot_count

    @property
    def best(self) -> Solution | None:
        """The best feasible solution so far, if any."""
        return None if self._best is None else Solution.of(self._instance, _copied(self._best))

    def one(self, candidate: Solution | Array) -> tuple[Evaluation, bool]:
        """Return the score of a solution, or of a cache that is served, and whether it is the best so far.

        Raises:
            EvaluationsSpentError: if it may not be priced any more.
        """
        T = self._instance.slot_count
        solution = candidate if isinstance(candidate, Solution) else serve(self._instance, candidate)
        self._check(T)
        found = evaluate(self._instance, solution)
        self._count(T)
        better = found.feasible and found.cost * T < float(self._cost.sum())
        if better:
            self._best, self._cost = _copied(solution.decisions), np.array(found.slot_cost)
        return found, better

    def many(self, candidates: Candidates, first_slot: int | None = None) -> tuple[BatchEvaluation, bool]:
        """Return the scores of candidates for the slots from `first_slot` on, and whether one is better.

        Where fewer may be priced, the first ones are before this raises EvaluationsSpentError.

        Raises:
            EvaluationsSpentError: if not all may be priced.
        """
        decisions = self._decisions(candidates, first_slot)
        first, shape = first_slot or 0, decisions.step_share.shape
        if len(shape) < 2 or any(array.shape[:-1] != shape[:-1] for array in decisions):
            received = excerpt([list(array.shape) for array in decisions])
            raise InputError("candidates", "must have shapes [..., S, M] and twice [..., S, N]", received)
        S, size = shape[-2], math.prod(shape[:-2])
        if first_slot is None and self._instance.slot_count != S:
            rule = f"must be of all {self._instance.slot_count} slots, unless first_slot says of which"
            raise InputError("candidates", rule, f"{S} slots")
        check_slots(self._instance, first, S)
        part = self._part(first, S)
        fitting = size if self._left is None else min(size, self._left // S)
        if fitting < size:
            some = Decisions(*(array.reshape(size, S, -1)[:fitting] for array in decisions))
            if fitting:
                self._take(first, some, evaluate_batch(part, some))
                self._count(fitting * S)
            self._left = 0
            self._check(S)
        found = evaluate_batch(part, decisions)
        self._count(size * S)
        return found, self._take(first, decisions, found)

    def _check(self, slots: int) -> None:
        if self._left is not None and self._left < slots:
            self._left = 0
            raise EvaluationsSpentError(f"the run's {self._limit} evaluations are spent")

    def _count(self, slots: int) -> None:
        self._slots_priced += slots
        if self._left is not None:
            self._left -= slots

    def _decisions(self, candidates: Candidates, first_slot: int | None) -> Decisions:
        rule = "must be Decisions, solutions, or an array of caches"
        if isinstance(candidates, Decisions):
            return Decisions(*map(np.asarray, candidates))
        if not isinstance(candidates, Sequence | np.ndarray) or isinstance(candidates, str):
            raise InputError("candidates", rule, excerpt(candidates), "for one solution call run.evaluate")
        solutions = [one for one in candidates if isinstance(one, Solution)]
        if not solutions:
            return serve_batch(self._instance, candidates, first_slot)  # type: ignore[arg-type]  # an array
        if len(solutions) < len(candidates):
            raise InputError("candidates", rule, excerpt(candidates), "leave out what is no solution")
        for one in solutions:
            one.check_answers(self._instance)
        return Decisions(*map(np.stack, zip(*(one.decisions for one in solutions), strict=True)))

    def _part(self, first: int, count: int) -> Instance:
        if count == self._instance.slot_count:
            return self._instance
        if self._instance.rules.loading_s_per_gb > 0.0:
            raise InputError("candidates", "must be of all slots, since loading links them", f"{count} slots")
        if (first, count) not in self._parts:
            self._parts[first, count] = self._instance.between(first, first + count)
        return self._parts[first, count]

    def _take(self, first: int, decisions: Decisions, found: BatchEvaluation) -> bool:
        """Keep what is better than the best so far; return whether anything is."""
        S, T = decisions.step_share.shape[-2], self._instance.slot_count
        cost = np.where(found.feasible, found.cost, np.inf).ravel()
        if not cost.size:
            return False
        k, slots = int(cost.argmin()), slice(first, first + S)
        if self._best is None and S < T and np.isfinite(cost[k]):
            nothing = Solution.nothing_cached(self._instance)
            self._best = _copied(nothing.decisions)
            self._cost = np.array(evaluate(self._instance, nothing).slot_cost)
        if not cost[k] * S < float(self._cost[slots].sum()):
            return False
        best = Decisions(*(array.reshape(-1, S, array.shape[-1])[k] for array in decisions))
        if self._best is None:
            self._best = _copied(best)
        for kept, better in zip(self._best, best, strict=True):
            kept[slots] = better
        self._cost[slots] = found.slot_cost.reshape(-1, S)[k]
        return True


def _copied(decisions: Decisions) -> Decisions:
    return Decisions(*(np.array(array, dtype=np.float64) for array in decisions))
