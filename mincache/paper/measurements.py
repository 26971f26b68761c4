"""What runs came to, and its means a library."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mincache.bench.records import Record
from mincache.errors import MincacheError
from mincache.generation.suites import Suite
from mincache.paper.claims import ClaimedQuantity
from mincache.problem.quantity import Array


@dataclass(frozen=True)
class Measurement:
    """What one run came to, by the evaluator.

    Attributes:
        role: who.
        library: index of the instance's library.
        users: N.
        trace: index of its trace.
        cost: mean cost (11).
        hit_ratio: hits / (T N).
        low_step_hit_share: share of the hits with at most A1 steps; None without hits.
    """

    role: str
    library: int
    users: int
    trace: int
    cost: float
    hit_ratio: float
    low_step_hit_share: float | None

    def value(self, quantity: ClaimedQuantity) -> float:
        """Return the cost or the hit ratio."""
        return self.cost if quantity == "cost" else self.hit_ratio


class Measurements(tuple[Measurement, ...]):
    """Runs of one suite."""

    __slots__ = ()

    @property
    def roles(self) -> list[str]:
        """Who took part, in order of appearance."""
        return list(dict.fromkeys(run.role for run in self))

    @property
    def users(self) -> list[int]:
        """The numbers of users N, rising."""
        return sorted({run.users for run in self})

    def per_library(self, role: str, quantity: ClaimedQuantity, users: int) -> Array:
        """Return the mean of a quantity over the runs in each library, [libraries]."""
        values: dict[int, list[float]] = {}
        for run in self:
            if (run.role, run.users) == (role, users):
                values.setdefault(run.library, []).append(run.value(quantity))
        return np.array([np.mean(values[library]) for library in sorted(values)])


def measured(role: str, suite: Suite, record: Record) -> Measurement:
    """Return what a record says.

    Raises:
        MincacheError: if the run is not verified: nothing is averaged over what is left.
    """
    score, cell = record.score, record.cell
    if record.verdict != "verified" or score is None or score.cost is None:
        raise MincacheError(
            f"{suite.name}: {cell.solver} on {cell.instance} is {record.verdict} ({record.stop_reason}): "
            f"{record.reason}"
        )
    entry = suite.entries[cell.instance]
    return Measurement(
        role, entry.library, entry.users, entry.trace, score.cost, score.hit_ratio, score.low_step_hit_share
    )
