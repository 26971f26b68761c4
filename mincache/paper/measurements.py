"""What runs came to: means a library, and estimates with 95 % intervals over libraries.

Libraries are what is drawn again. Traces, repetitions and training seeds vary inside a library, and no two
share any, so resampling libraries alone covers it all (Davison and Hinkley, Bootstrap Methods and their
Application, 1997, Section 3.8). With few libraries a percentile interval is too narrow, and so is widened as
Hesterberg proposes (What Teachers Should Know About the Bootstrap, 2015, doi:10.1080/00031305.2015.1089789).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import numpy as np

from mincache.errors import MincacheError
from mincache.generation.streams import Uniforms
from mincache.generation.suites import Suite
from mincache.judging.records import Record
from mincache.problem.quantity import Array

ClaimedQuantity = Literal["hit ratio", "cost"]

RESAMPLES = 10_000


class Estimate(NamedTuple):
    """A number, and the lower and upper end of its 95 % interval."""

    value: float
    low: float
    high: float

    def fields(self, name: str) -> dict[str, float]:
        """Return the estimate as three fields of a row: `name`, `name`_low and `name`_high."""
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}


def estimate(function: Callable[..., Array], *samples: Array) -> Estimate:
    """Return `function` of the means of samples [libraries], with its expanded percentile interval."""
    count, level = len(samples[0]), _level(len(samples[0]))
    uniforms = Uniforms(0, "libraries", count).draw(RESAMPLES, count)
    drawn = (uniforms * count).astype(int)  # the same libraries of every sample
    resampled = function(*(sample[drawn].mean(axis=1) for sample in samples))
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(function(*map(np.mean, samples))), float(low), float(high))


def estimate_mean(sample: Array) -> Estimate:
    """Return the mean of a sample [libraries], with its interval."""
    return estimate(lambda mean: mean, sample)


def _level(count: int) -> float:
    """Return the share of resamples that covers 95 %: more of them the fewer libraries there are."""
    from scipy import stats

    if count < 2:
        return 1.0
    normal = math.sqrt(count / (count - 1)) * stats.t.isf(0.025, count - 1)
    return float(1.0 - 2.0 * stats.norm.sf(normal))


@dataclass(frozen=True)
class Measurement:
    """What one run came to, by the evaluator."""

    role: str
    library: int
    users: int
    cost: float
    hit_ratio: float
    low_step_hit_share: float | None  # None without hits

    @classmethod
    def of(cls, role: str, suite: Suite, record: Record) -> Self:
        """Return what a record says; one that is not verified is refused, as nothing may be left out."""
        score, cell = record.score, record.cell
        if record.verdict != "verified" or score is None or score.cost is None:
            why = f"{record.verdict} ({record.stop_reason}): {record.reason}"
            raise MincacheError(f"{suite.name}: {cell.solver} on {cell.instance} is {why}")
        entry = suite.entries[cell.instance]
        return cls(role, entry.library, entry.users, score.cost, score.hit_ratio, score.low_step_hit_share)


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

    def of(self, role: str, users: int) -> list[Measurement]:
        """Return the runs of one role with N users."""
        return [run for run in self if (run.role, run.users) == (role, users)]

    def per_library(self, role: str, quantity: ClaimedQuantity, users: int) -> Array:
        """Return the mean of a quantity over the runs in each library, [libraries]."""
        values: dict[int, list[float]] = {}
        for run in self.of(role, users):
            values.setdefault(run.library, []).append(run.cost if quantity == "cost" else run.hit_ratio)
        return np.array([np.mean(values[library]) for library in sorted(values)])

    def mean(self, role: str, quantity: ClaimedQuantity, users: int) -> Estimate:
        """Return the mean of a quantity over libraries."""
        return estimate_mean(self.per_library(role, quantity, users))
