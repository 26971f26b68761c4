"""`genetic`: HCRAS, the paper's first benchmark, a real-coded genetic algorithm with pymoo's operators."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from pymoo.operators.crossover.sbx import cross_sbx
from pymoo.operators.mutation.pm import mut_pm

from mincache import Decisions, InputError, Instance, Run, Solution, Solver, evaluate_batch
from mincache.problem.instance import RULES
from mincache.problem.quantity import Array
from mincache.solving.contract import RAW_DIGITS
from mincache.solving.feasible import linked_slots, round_feasibly
from mincache.views.vector import VectorView, unrepaired

CROSSOVER_PROBABILITY = 0.9
"""Chance that a pair is crossed at all; each of its genes then is with chance 1/2 (pymoo's defaults)."""
MUTATION_PROBABILITY = 0.9
"""Chance that a child is mutated at all; each of its genes then is with chance 1/n (pymoo's defaults)."""
_REPORT_EVERY = 10  # generations
_MARGIN = 1.5  # how much longer than any before it a step may take
_GENES_AT_ONCE = 10**6  # priced between two looks at the clock


@dataclass(frozen=True)
class Genetic(Solver):
    """A population a slot evolves by simulated binary crossover and polynomial mutation; the best one stays.

    Source: Liu et al., Section V-B, "heuristic-based caching and resource allocation" (HCRAS): real-valued
    encoding, these two operators, the best chromosome at the end. The paper states no parameter, so all
    the values are ours. Operators: Deb and Agrawal, Simulated binary crossover for continuous search
    space, Complex Systems 9, 1995; tournaments of two and survival of the best follow pymoo's GA.
    The populations of all slots evolve side by side in one batch; no information passes between them.
    Slots that rules link (a frame, or all slots where loading takes time) are one long chromosome, which is
    judged by the sum of its slots' costs. A generation is not begun that would not end in time.

    Attributes:
        population: candidates a slot (or a frame, or altogether, as above).
        generations: how often a population is priced, the first random one included.
        crossover_eta: distribution index of the crossover; larger means children closer to the parents.
        mutation_eta: distribution index of the mutation.
        repair: how a point becomes feasible decisions, one of `mincache.views.vector.REPAIRS`.
        evaluations: candidates that may be priced a slot (or a frame, or altogether); if given, it decides
            in place of `generations`, and is spent in whole ones.
    """

    stochastic = True
    rules = RULES

    population: int = 50
    generations: int = 100
    crossover_eta: float = 15.0
    mutation_eta: float = 20.0
    repair: str = "threshold-priority"
    evaluations: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("population", 2), ("generations", 1)):
            if getattr(self, name) < least:
                raise InputError(f"genetic.{name}", f"must be >= {least}", str(getattr(self, name)))
        for name in ("crossover_eta", "mutation_eta"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise InputError(f"genetic.{name}", "must be finite and >= 0", str(getattr(self, name)))
        if self.evaluations is not None and self.evaluations < self.population:
            rule = f"must be >= population = {self.population}"
            raise InputError("genetic.evaluations", rule, str(self.evaluations))
        VectorView(self.repair)  # refuses an unknown repair now, not in the middle of a run

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the best candidate that each population ever held."""
        view, length = VectorView(self.repair), linked_slots(instance)
        groups = -(-instance.slot_count // length)
        points = _first(instance, run.rng.random((self.population, groups, length, view.apply(instance))))
        cost = _price(instance, view, points, run)
        longest_s = 6.0 * run.budget.elapsed()  # of a generation: making children takes five times as long
        generations = self.generations if self.evaluations is None else self.evaluations // self.population
        for generation in range(1, generations):
            begin_s = run.budget.elapsed()
            if run.remaining() <= _MARGIN * longest_s:
                break
            if generation % _REPORT_EVERY == 1:
                run.report(_best(instance, view, points, cost)[0])
            children, copies = self._children(points, cost, run.rng)
            children_cost = np.where(copies, np.inf, _price(instance, view, children, run))
            points, cost = _fittest(points, cost, children, children_cost)
            longest_s = max(longest_s, run.budget.elapsed() - begin_s)
        best, raw = _best(instance, view, points, cost)
        run.report(best)
        run.report_raw(raw)
        return best

    def _children(self, points: Array, cost: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return as many children as there are points, and [population, groups] which are mere copies."""
        size, groups, genes = points.shape
        low, high = np.zeros(genes), np.ones(genes)
        parents = _parents(points, cost, rng).reshape(2, -1, genes)
        eta, half = (np.full((parents.shape[1], 1), value) for value in (self.crossover_eta, 0.5))
        crossed = cross_sbx(parents, low, high, eta, half, half, random_state=rng)
        crossed = np.where(rng.random(eta.shape) < CROSSOVER_PROBABILITY, crossed, parents).reshape(-1, genes)
        etas, chance = np.full(len(crossed), self.mutation_eta), np.full(len(crossed), min(0.5, 1.0 / genes))
        mutants = mut_pm(crossed, low, high, etas, chance, False, random_state=rng)
        mutated = rng.random((len(crossed), 1)) <= MUTATION_PROBABILITY
        children = np.where(mutated, mutants, crossed)
        copies = (children == parents.reshape(-1, genes)).all(axis=-1)
        return children.reshape(-1, groups, genes)[:size], copies.reshape(-1, groups)[:size]


def _first(instance: Instance, points: Array) -> Array:
    """Return the first chromosomes; where loading takes time, all slots of one begin with the same cache."""
    if instance.rules.loading_s_per_gb > 0.0:
        points[..., : instance.model_count] = points[:, :, :1, : instance.model_count]
    return points.reshape(*points.shape[:2], -1)


def _price(instance: Instance, view: VectorView, points: Array, run: Run) -> Array:
    """Return the cost of each candidate of each group, [population, groups]; infinity where time is up."""
    cost = np.full(points.shape[:2], np.inf)
    at_once = max(1, _GENES_AT_ONCE // points[0].size)
    longest_s = 0.0
    for first in range(0, len(points), at_once):
        begin_s = run.budget.elapsed()
        if first and run.remaining() <= _MARGIN * longest_s:
            break
        some = _by_slot(instance, points[first : first + at_once])
        priced = evaluate_batch(instance, view.invert(instance, some)).slot_cost
        starts = np.arange(0, instance.slot_count, linked_slots(instance))
        cost[first : first + at_once] = np.add.reduceat(priced, starts, axis=1)
        longest_s = max(longest_s, run.budget.elapsed() - begin_s)
    return cost


def _by_slot(instance: Instance, points: Array) -> Array:
    """Return chromosomes [..., groups, genes of a group] as points [..., T, genes of a slot]."""
    slots = points.shape[-2] * linked_slots(instance)
    return points.reshape(*points.shape[:-2], slots, -1)[..., : instance.slot_count, :]


def _parents(points: Array, cost: Array, rng: np.random.Generator) -> Array:
    """Return pairs of tournament winners, [2, population / 2 rounded up, groups, genes]."""
    # In random order, drawn twice, neighbours fight: so candidates have about as many children each.
    size, groups = cost.shape
    pairs = -(-size // 2)
    rounds = -(-4 * pairs // size)
    order = rng.permuted(np.broadcast_to(np.arange(size)[None, :, None], (rounds, size, groups)), axis=1)
    first, second = np.moveaxis(order.reshape(-1, groups)[: 4 * pairs].reshape(2 * pairs, 2, groups), 1, 0)
    first_wins = np.take_along_axis(cost, first, axis=0) <= np.take_along_axis(cost, second, axis=0)
    winners = np.where(first_wins, first, second).reshape(pairs, 2, groups)
    return points[np.moveaxis(winners, 1, 0), np.arange(groups)]


def _fittest(points: Array, cost: Array, children: Array, children_cost: Array) -> tuple[Array, Array]:
    """Return the better half of parents and children, group by group."""
    everyone, costs = np.concatenate([points, children]), np.concatenate([cost, children_cost])
    order = np.argsort(costs, axis=0, kind="stable")[: len(points)]
    return np.take_along_axis(everyone, order[..., None], axis=0), np.take_along_axis(costs, order, axis=0)


def _best(instance: Instance, view: VectorView, points: Array, cost: Array) -> tuple[Solution, Decisions]:
    """Return the best candidate of each group, and the decisions that it would be without its repair."""
    best = _by_slot(instance, points[cost.argmin(axis=0), np.arange(cost.shape[1])])
    raw = unrepaired(instance, best).compact(RAW_DIGITS)
    return Solution.of(instance, round_feasibly(instance, view.invert(instance, best))), raw
