"""Contenders side by side: two of them, or every pair of a table and the virtual best of all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from mincache.board import ranks
from mincache.board.contenders import differences
from mincache.board.references import RELATIVE_TOLERANCE
from mincache.board.runs import Runs
from mincache.board.table import Row, Table
from mincache.problem.quantity import Array


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
    """Two contenders on the instances that both have attempted.

    Attributes:
        suite: name of the suite.
        first: label of the first.
        second: label of the second.
        pairs: by instance, sorted by name; costs are charged where a run failed.
        wins: instances on which the first is better by more than rounding.
        losses: those on which the second is.
        ties: the others.
        mean_change: geometric mean of second / first, less 1; None without a common instance.
        p_values: by question (see `table.QUESTIONS`); one that cannot be told is left out.
        libraries: how many libraries the instances are of; 0 if unknown.
        only_first: number of instances that the first alone has attempted.
        only_second: number of those that the second alone has attempted.
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
    return Comparison(
        first.runs.name, first.solver, second.solver, pairs, wins, losses, len(pairs) - wins - losses, mean,
        _p_values(first, second, common) if pairs else {}, len({*first.runs.among(common).libraries()}),
        len(mine.keys() - theirs.keys()), len(theirs.keys() - mine.keys()),
        differences(first.who, second.who) if first.who.name == second.who.name else (),
    )  # fmt: skip


def _solved(row: Row) -> dict[str, float]:
    """The mean charged cost of each instance that a row has one of, above 0."""
    costs = row.by_instance(row.runs.cost)
    return {name: float(cost) for name, cost in zip(row.runs.instances, costs, strict=True) if cost > 0}


def _p_values(first: Row, second: Row, common: list[str]) -> dict[str, float]:
    """P-values of the mean log ratio, by question."""
    one, other = _logs(first, common), _logs(second, common)
    runs = first.runs.among(common)
    libraries, strata = runs.libraries(), runs.strata()
    found = {"here": ranks.on_these_instances(one, other).p}
    asked = {}
    if len(set(libraries)) >= ranks.FEWEST_LIBRARIES:
        asked["libraries"] = partial(ranks.for_new_libraries, libraries=libraries)
    elif strata and all(strata.count(one) > 1 for one in strata):
        asked["requests"] = partial(ranks.for_new_requests, strata=strata)
    trained = [
        sample._replace(uncertain=row.kind == "learned") for row, sample in ((first, one), (second, other))
    ]
    return found | {name: test(*trained).p for name, test in asked.items()}


def _logs(row: Row, instances: list[str]) -> ranks.Sample:
    kept = [n for n, name in enumerate(row.runs.instances) if name in set(instances)]
    values = row.runs.matrix(row.number, np.log(row.runs.cost))[kept]
    uncertain = row.kind != "learned" and row.runs.stochastic(row.number)
    return ranks.Sample(values, uncertain, row.runs.streams(row.number))


def compare_all(first: Iterable[Runs], second: Iterable[Runs], same_solver: bool) -> list[Comparison]:
    """Return the comparisons of each contender of `first` with those of `second` on the same suite.

    Args:
        first: runs of one side.
        second: runs of the other.
        same_solver: whether to pair only contenders that go by the same label.
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
    """Two rows of a table.

    Attributes:
        first: label of the one that stands higher.
        second: label of the other.
        wins: instances on which the first is better by more than rounding.
        losses: those on which the second is.
        ties: the others.
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
    rows = [row for row in table.rows if row.gap is not None]
    costs = [row.by_instance(row.runs.cost) for row in rows]
    ranked = {row.number: n for n, row in enumerate(table.ranked)}
    found = []
    for a, b in ranks.all_pairs(len(rows)):
        tied = np.abs(costs[a] - costs[b]) <= RELATIVE_TOLERANCE * np.maximum(abs(costs[a]), abs(costs[b]))
        wins, ties = int(((costs[a] < costs[b]) & ~tied).sum()), int(tied.sum())
        pair = ranked.get(rows[a].number), ranked.get(rows[b].number)
        told = {
            name: asked.adjusted[pair] for name, asked in table.questions.items() if pair in asked.adjusted
        }
        found.append(
            RowPair(
                rows[a].solver, rows[b].solver, wins, len(costs[a]) - wins - ties, ties,
                (rows[b].gap or 0.0) - (rows[a].gap or 0.0), told,
            )
        )  # fmt: skip
    return found


@dataclass(frozen=True)
class Share:
    """What a solver adds to the others.

    Attributes:
        solver: its label.
        best_alone: instances on which it beats every other solver.
        contribution: by how much the mean cost of the virtual best would rise without it.
    """

    solver: str
    best_alone: int
    contribution: float


def shares(table: Table) -> list[Share]:
    """Return what each row with a mean over all instances adds to the virtual best; [] if there is one."""
    rows = [row for row in table.rows if row.gap is not None]
    if len(rows) < 2:
        return []
    costs = np.array([row.by_instance(row.runs.cost) for row in rows])
    return [_share(row.solver, costs, n) for n, row in enumerate(rows)]


def _share(solver: str, costs: Array, n: int) -> Share:
    best, others = costs.min(axis=0), np.delete(costs, n, axis=0).min(axis=0)
    alone = int((best < others * (1.0 - RELATIVE_TOLERANCE)).sum())
    return Share(solver, alone, float((others - best).mean()))
