"""Contenders side by side: two of them, every pair of a table, what each adds, and suite against suite."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from mincache.board import ranks
from mincache.board.contenders import differences
from mincache.board.runs import Runs
from mincache.board.table import Row, Table, rounded_gap
from mincache.errors import InputError, excerpt
from mincache.generation.recipes import RELATIVE_TOLERANCE


class CostPair(NamedTuple):
    """The costs of two contenders on one instance."""

    instance: str
    first: float
    second: float

    @property
    def log_ratio(self) -> float:
        """Logarithm of the second over the first: the other way round it is the same with another sign."""
        return math.log(self.second / self.first)

    @property
    def change(self) -> float:
        """How far the second is above the first, as a fraction of the first."""
        return self.second / self.first - 1.0


@dataclass(frozen=True)
class Comparison:
    """Two contenders, by their labels, on the instances that both have attempted.

    Attributes:
        pairs: by instance, sorted by name; costs are charged where a run failed.
        wins: instances on which the first is better by more than rounding; likewise `losses`, `ties`.
        mean_change: geometric mean of second / first, less 1; None without a common instance.
        p_values: by question (see `table.QUESTIONS`); one that cannot be told is left out.
        libraries: how many libraries the instances are of; 0 if unknown.
        only_first: number of instances that the first alone has attempted; likewise `only_second`.
        changed: where both are the same solver, what else is not, such as `60 s -> 10 s`.
    """

    suite: str
    first: str
    second: str
    pairs: tuple[CostPair, ...]
    wins: int
    losses: int
    ties: int
    mean_change: float | None
    p_values: Mapping[str, float]
    libraries: int
    only_first: int
    only_second: int
    changed: tuple[str, ...] = ()

    def most_changed(self, count: int) -> list[CostPair]:
        """Return the instances with the largest changes beyond rounding, largest first."""
        changed = [pair for pair in self.pairs if abs(pair.change) > RELATIVE_TOLERANCE]
        return sorted(changed, key=lambda pair: (-abs(pair.log_ratio), pair.instance))[:count]


def compare(first: Row, second: Row) -> Comparison:
    """Return the comparison of two rows, of one table or of two on the same suite."""
    mine, theirs = _solved(first), _solved(second)
    common = sorted(mine.keys() & theirs.keys())
    pairs = tuple(CostPair(name, mine[name], theirs[name]) for name in common)
    wins = sum(pair.change > RELATIVE_TOLERANCE for pair in pairs)
    losses = sum(1 / (1 + pair.change) - 1 > RELATIVE_TOLERANCE for pair in pairs)
    mean = math.exp(math.fsum(pair.log_ratio for pair in pairs) / len(pairs)) - 1.0 if pairs else None
    runs = first.runs.among(common)
    tests = ranks.tests(runs.libraries, runs.strata) if pairs else {}
    p_values = {
        q: test(_logs(first, common, q), _logs(second, common, q)).p for q, (test, _) in tests.items()
    }
    return Comparison(
        first.runs.name, first.solver, second.solver, pairs, wins, losses, len(pairs) - wins - losses, mean,
        p_values, len(set(runs.libraries)), len(mine.keys() - theirs.keys()),
        len(theirs.keys() - mine.keys()),
        differences(first.who, second.who) if first.who.name == second.who.name else (),
    )  # fmt: skip


def _solved(row: Row) -> dict[str, float]:
    """The mean charged cost of each instance that a row has one of, above 0."""
    costs = zip(row.runs.instances, row.by_instance("charged_cost").tolist(), strict=True)
    return {name: cost for name, cost in costs if cost > 0}


def _logs(row: Row, instances: Sequence[str], question: str) -> ranks.Sample:
    sample, kept = row.sample(question, log_costs=True), set(instances)
    return sample._replace(values=sample.values[[name in kept for name in row.runs.instances]])


def compare_all(first: Iterable[Runs], second: Iterable[Runs], same_solver: bool) -> list[Comparison]:
    """Return the comparisons of each contender of `first` with those of `second` on the same suite.

    If that is asked, only contenders that go by the same label are paired.
    """
    others = [row for runs in second for row in Table(runs).rows]
    return [
        compare(mine, other)
        for runs in first
        for mine in Table(runs).rows
        for other in others
        if other.runs.name == runs.name and (not same_solver or other.solver == mine.solver)
    ]


class RowPair(NamedTuple):
    """Two rows of a table, by their labels, the one that stands higher first.

    Attributes:
        wins: instances on which the first is better by more than rounding; likewise `losses`, `ties`.
        difference: mean gap of the second less that of the first.
        adjusted: Holm's p by question, for all pairs of ranked rows together; empty if one is not ranked.
    """

    first: str
    second: str
    wins: int
    losses: int
    ties: int
    difference: float
    adjusted: Mapping[str, float]


def pairs(table: Table) -> list[RowPair]:
    """Return each pair of rows with a mean over all instances, in the table's order."""
    ranked, found = {row.number: n for n, row in enumerate(table.ranked)}, []
    for first, second in combinations(table.compared, 2):
        one, other = first.by_instance("charged_cost"), second.by_instance("charged_cost")
        tied = np.abs(one - other) <= RELATIVE_TOLERANCE * np.maximum(abs(one), abs(other))
        wins, ties = int(((one < other) & ~tied).sum()), int(tied.sum())
        pair = ranked.get(first.number, -1), ranked.get(second.number, -1)
        told = {q: asked.adjusted[pair] for q, asked in table.questions.items() if pair in asked.adjusted}
        difference = (second.gap or 0.0) - (first.gap or 0.0)
        losses = len(one) - wins - ties
        found.append(RowPair(first.solver, second.solver, wins, losses, ties, difference, told))
    return found


class Share(NamedTuple):
    """What a solver adds to the others.

    On how many instances it beats every other, and by how much the virtual best would cost more without it.
    """

    solver: str
    best_alone: int
    contribution: float


def shares(table: Table) -> list[Share]:
    """Return what each row with a mean over all instances adds to the virtual best; [] if there is one."""
    costs = np.array([row.by_instance("charged_cost") for row in table.compared])
    found = []
    for n, row in enumerate(table.compared if len(costs) > 1 else ()):
        best, others = costs.min(axis=0), np.delete(costs, n, axis=0).min(axis=0)
        alone = int((best < others * (1.0 - RELATIVE_TOLERANCE)).sum())
        found.append(Share(row.solver, alone, float((others - best).mean())))
    return found


class Contrast(NamedTuple):
    """One suite beside the suite that it is compared with.

    Attributes:
        proven: how many of its instances have a proven optimum.
        solvers: how many rows are ranked on it.
        best: the solver with the least mean gap, and that gap; likewise `worst`.
        swapped: pairs (better here, worse here) that stand the other way round on the other suite.
        pairs: how many pairs of solvers are ranked on both.
    """

    suite: str
    purpose: str
    instances: int
    proven: int
    solvers: int
    best: tuple[str, float]
    worst: tuple[str, float]
    swapped: tuple[tuple[str, str], ...]
    pairs: int


def contrasts(tables: Sequence[Table], base: str) -> list[Contrast]:
    """Return how each suite with a ranking contrasts with the suite named `base`, which comes first.

    Raises:
        InputError: if that suite is not among them.
    """
    gaps = {table.runs.name: {row.solver: rounded_gap(row) for row in table.ranked} for table in tables}
    if base not in gaps:
        raise InputError("base", f"must be one of: {', '.join(gaps)}", excerpt(base))
    ordered = sorted(tables, key=lambda table: (table.runs.name != base, table.runs.name))
    return [_contrast(one.runs, gaps[one.runs.name], gaps[base]) for one in ordered if one.ranked]


def _contrast(runs: Runs, gaps: Mapping[str, float], others: Mapping[str, float]) -> Contrast:
    ordered = list(gaps.items())
    shared = [(solver, gap) for solver, gap in ordered if solver in others]
    swapped = tuple(
        (better, worse)
        for (better, low), (worse, high) in combinations(shared, 2)
        if low < high and others[better] > others[worse]
    )
    proven = sum(name in runs.references and runs.references[name].proven for name in runs.instances)
    purpose = "" if runs.suite is None else runs.suite.content.purpose
    pairs = math.comb(len(shared), 2)
    return Contrast(
        runs.name, purpose, len(runs.instances), proven, len(gaps), ordered[0], ordered[-1], swapped, pairs
    )
