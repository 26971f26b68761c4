"""Contenders side by side: two of them, or every pair of a table and the virtual best of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import fmean
from typing import NamedTuple

import numpy as np

from mincache.board.contenders import differences
from mincache.board.references import RELATIVE_TOLERANCE
from mincache.board.standing import Standing
from mincache.board.statistics import holm, virtual_best, wilcoxon, win_matrix
from mincache.board.table import Table


class Pair(NamedTuple):
    """The costs of two contenders on one instance."""

    instance: str
    first: float
    second: float

    @property
    def change(self) -> float:
        """How far the second is above the first, as a fraction of the first."""
        return (self.second - self.first) / self.first if self.first else 0.0


@dataclass(frozen=True)
class Comparison:
    """Two contenders on the instances that both have solved.

    Attributes:
        suite: name of the suite.
        first: label of the first.
        second: label of the second.
        pairs: by instance, sorted by name.
        wins: instances on which the first is better by more than rounding.
        losses: those on which the second is.
        ties: the others.
        p_value: of the two-sided signed-rank test on the relative changes.
        p_adjusted: adjusted for the number of comparisons made together (Holm).
        only_first: number of instances that the first alone has solved.
        only_second: number of those that the second alone has solved.
        changed: where both are the same solver, what else is not, such as `60 s -> 10 s`.
    """

    suite: str
    first: str
    second: str
    pairs: tuple[Pair, ...]
    wins: int
    losses: int
    ties: int
    p_value: float
    p_adjusted: float
    only_first: int
    only_second: int
    changed: tuple[str, ...] = ()

    @property
    def mean_change(self) -> float | None:
        """Mean relative change from the first to the second; None without a common instance."""
        return fmean(pair.change for pair in self.pairs) if self.pairs else None

    def most_changed(self, count: int) -> list[Pair]:
        """Return the instances with the largest relative changes beyond rounding, largest first."""
        changed = [pair for pair in self.pairs if abs(pair.change) > RELATIVE_TOLERANCE]
        return sorted(changed, key=lambda pair: (-abs(pair.change), pair.instance))[:count]


Costs = Mapping[str, float]


def compare(suite: str, first: str, one: Costs, second: str, other: Costs) -> Comparison:
    """Return the comparison of two contenders, given their mean verified cost of each instance."""
    common = sorted(one.keys() & other.keys())
    pairs = tuple(Pair(name, one[name], other[name]) for name in common)
    costs = np.array([[pair.first for pair in pairs], [pair.second for pair in pairs]])
    if pairs:
        found = win_matrix(costs)
        wins, losses, ties = int(found.wins[0, 1]), int(found.wins[1, 0]), int(found.ties[0, 1])
        p_value = wilcoxon(*(costs / np.where(costs[0] == 0.0, 1.0, costs[0])))
    else:
        wins, losses, ties, p_value = 0, 0, 0, 1.0
    return Comparison(
        suite, first, second, pairs, wins, losses, ties, p_value, p_value,
        len(one.keys() - other.keys()), len(other.keys() - one.keys()),
    )  # fmt: skip


def compare_standings(
    first: Iterable[Standing], second: Iterable[Standing], same_solver: bool
) -> list[Comparison]:
    """Return the comparisons of each contender of `first` with those of `second` on the same suite.

    Args:
        first: standings of one side.
        second: standings of the other.
        same_solver: whether to pair only contenders that go by the same label.
    """
    others = [(standing, who) for standing in second for who in standing.results]
    found = [
        replace(
            compare(mine.name, mine.labels[who], mine.costs[who], theirs.labels[other], theirs.costs[other]),
            changed=differences(who, other) if who.name == other.name else (),
        )
        for mine in first
        for who in mine.results
        for theirs, other in others
        if theirs.name == mine.name and (not same_solver or theirs.labels[other] == mine.labels[who])
    ]
    return _adjusted(found)


@dataclass(frozen=True)
class Share:
    """What a solver adds to the others.

    Attributes:
        solver: its label.
        best_alone: common instances on which it beats every other solver.
        contribution: by how much the mean cost of the virtual best would rise without it.
    """

    solver: str
    best_alone: int
    contribution: float


def pairs(table: Table) -> list[Comparison]:
    """Return the comparison of each pair of ranked solvers, in the table's order, on the common instances.

    The p-values are adjusted for the number of pairs.
    """
    costs = _common_costs(table)
    suite = table.standing.name
    return _adjusted(
        compare(suite, one, costs[one], other, costs[other]) for one, other in combinations(costs, 2)
    )


def shares(table: Table) -> list[Share]:
    """Return what each ranked solver adds to the virtual best on the common instances; [] if there is one."""
    costs = _common_costs(table)
    if len(costs) < 2:
        return []
    best = virtual_best(np.array([list(one.values()) for one in costs.values()]))
    listed = zip(costs, best.alone.tolist(), best.contribution.tolist(), strict=True)
    return [Share(label, alone, contribution) for label, alone, contribution in listed]


def _common_costs(table: Table) -> dict[str, dict[str, float]]:
    """The cost of each common instance by label, ranked solvers in the table's order."""
    costs = table.standing.costs
    return {row.solver: {name: costs[row.who][name] for name in row.good} for row in table.ranked}


def _adjusted(comparisons: Iterable[Comparison]) -> list[Comparison]:
    listed = list(comparisons)
    p_values = holm([one.p_value for one in listed])
    return [replace(one, p_adjusted=p) for one, p in zip(listed, p_values, strict=True)]
