"""A race: instances in random order, and after some of them whoever is clearly worse than the best stops.

It is the paired t-test race of irace (Lopez-Ibanez and others 2016, doi:10.1016/j.orp.2016.09.002): gaps
are paired by instance, p-values adjusted by Holm. What is left of a solver that was stopped stays planned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mincache.bench.plan import Task
from mincache.board import ranks
from mincache.board.runs import gather
from mincache.generation import streams
from mincache.judging.records import Record

FIRST_TEST = 5
"""Instances before the first test; each later one waits for 0.4 times as many more."""
LEVEL = 0.05
_GROWTH = 1.4


class Stopped(NamedTuple):
    """A solver that was stopped: after how many instances, its mean gap, the best's, and the adjusted p."""

    solver: str
    instances: int
    gap: float
    best: str
    best_gap: float
    p: float

    def __str__(self) -> str:
        return (
            f"{self.solver}: stopped after {self.instances} instances, mean gap {self.gap:z.3%} against "
            f"{self.best_gap:z.3%} of {self.best} (p = {self.p:.2g})"
        )


def race(
    tasks: Sequence[Task], run: Callable[[Sequence[Task]], Iterable[Record]], suite: str, seed: int
) -> tuple[list[Record], list[Stopped]]:
    """Run tasks until only solvers are left that cannot be told apart, or all is done.

    `run` does some of the tasks, and the seed decides the order of the instances.
    """
    records: list[Record] = []
    stopped: list[Stopped] = []
    for instances in _blocks(tasks, seed):
        gone = {one.solver for one in stopped}
        records += run([t for t in tasks if t.cell.instance in instances and t.cell.solver not in gone])
        stopped += clearly_worse([one for one in records if one.cell.solver not in gone], suite)
    return records, stopped


def _blocks(tasks: Sequence[Task], seed: int) -> Iterator[set[str]]:
    names = list(dict.fromkeys(task.cell.instance for task in tasks))
    order = [names[k] for k in streams.generator(seed, "race").permutation(len(names))]
    first, stop = 0, FIRST_TEST
    while first < len(order):
        yield set(order[first:stop])
        first, stop = stop, max(stop + 1, round(_GROWTH * stop))


def clearly_worse(records: Sequence[Record], suite: str = "") -> list[Stopped]:
    """Return the solvers that are worse than the best one, by a paired t-test over instances with Holm."""
    (runs,) = gather(records, suite=suite)
    gaps = runs.means("charged_cost") / runs.reference - 1.0
    gaps = gaps[:, ~np.isnan(gaps).any(axis=0)]
    count = gaps.shape[1]
    if len(gaps) < 2 or count < FIRST_TEST:
        return []
    names, means = [who.solver for who in runs.contenders], gaps.mean(axis=1)
    best = int(means.argmin())
    others = [n for n in range(len(gaps)) if n != best]
    samples = [ranks.Sample(row[:, None]) for row in gaps]
    pairs = [ranks.for_new_libraries(samples[n], samples[best], range(count)) for n in others]
    adjusted = ranks.holm([pair.p for pair in pairs])
    return [
        Stopped(names[n], count, float(means[n]), names[best], float(means[best]), p)
        for n, p in zip(others, adjusted, strict=True)
        if p <= LEVEL and means[n] > means[best]
    ]
