"""Every pair of solvers of a standing, and the virtual best of them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from mincache.board.comparison import Comparison, adjusted, compare
from mincache.board.standing import Standing
from mincache.board.statistics import virtual_best
from mincache.board.table import Table


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


def pairs(standing: Standing, table: Table) -> list[Comparison]:
    """Return the comparison of each pair of ranked solvers, in the table's order, on the common instances.

    The p-values are adjusted for the number of pairs.
    """
    by_label = {standing.labels[who]: standing.costs[who] for who in standing.results}
    costs = {label: {name: by_label[label][name] for name in table.common} for label in _ranked(table)}
    return adjusted(
        compare(standing.name, one, costs[one], other, costs[other]) for one, other in combinations(costs, 2)
    )


def shares(standing: Standing, table: Table) -> list[Share]:
    """Return what each ranked solver adds to the virtual best on the common instances; [] if there is one."""
    by_label = {standing.labels[who]: standing.costs[who] for who in standing.results}
    ranked = _ranked(table)
    if len(ranked) < 2:
        return []
    best = virtual_best(np.array([[by_label[label][name] for name in table.common] for label in ranked]))
    listed = zip(ranked, best.alone.tolist(), best.contribution.tolist(), strict=True)
    return [Share(label, alone, contribution) for label, alone, contribution in listed]


def _ranked(table: Table) -> Sequence[str]:
    return [row.solver for row in table.rows if not row.apart]
