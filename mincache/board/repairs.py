"""What answers were before their repair, summed up over runs: how much of the work the repair does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import fmean

from mincache.bench.records import RawScore
from mincache.problem.constraints import CONSTRAINTS

Reported = Sequence[Sequence[RawScore]]
"""The scores that runs report, by instance."""


@dataclass(frozen=True)
class RawMeans:
    """What answers were before their repair, each instance counting once.

    Attributes:
        cost: mean cost of the raw decisions; None if no run reports any, or one's cost is not finite.
        rate: share of the slots that break each constraint that is ever broken.
        excess: mean over those slots of by how much.
    """

    cost: float | None = None
    rate: Mapping[str, float] = field(default_factory=dict)
    excess: Mapping[str, float] = field(default_factory=dict)

    @property
    def worst(self) -> float | None:
        """The largest rate; 0 where raw answers break nothing, None where there are none."""
        return max(self.rate.values(), default=None if self.cost is None else 0.0)


def raw_means(scores: Reported) -> RawMeans:
    """Return the means over instances, each counting by the mean over its runs that report raw decisions."""
    if not scores:
        return RawMeans()
    costs = [score.cost for one in scores for score in one]
    known = None if None in costs else _mean_of(scores, lambda score: score.cost or 0.0)
    rate = {name: _mean_of(scores, partial(_rate, name)) for name in CONSTRAINTS}
    rate = {name: value for name, value in rate.items() if value > 0.0}
    total = {name: _mean_of(scores, partial(_total, name)) for name in rate}
    return RawMeans(known, rate, {name: total[name] / rate[name] for name in rate})


def _mean_of(scores: Reported, value: Callable[[RawScore], float]) -> float:
    return fmean([fmean([value(score) for score in one]) for one in scores])


def _rate(constraint: str, score: RawScore) -> float:
    broken = score.violations.get(constraint)
    return broken.rate if broken is not None else 0.0


def _total(constraint: str, score: RawScore) -> float:
    """The excess over all slots, those that keep the constraint counting 0, by their number."""
    broken = score.violations.get(constraint)
    return broken.rate * broken.mean_excess if broken is not None else 0.0
