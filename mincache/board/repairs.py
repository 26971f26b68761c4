"""What answers were before their repair, summed up over runs: how much of the work the repair does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from statistics import fmean

from mincache.bench.records import RawScore
from mincache.board.results import Runs
from mincache.problem.constraints import CONSTRAINTS


@dataclass(frozen=True)
class RawMeans:
    """Means over instances, each counting once: by the mean over its runs that report raw decisions.

    Attributes:
        cost: mean cost of the raw decisions; None if no run reports any, or one's cost is not finite.
        rate: share of the slots that break each constraint that is ever broken.
        excess: mean over those slots of by how much.
    """

    cost: float | None = None
    rate: Mapping[str, float] = field(default_factory=dict)
    excess: Mapping[str, float] = field(default_factory=dict)


def means(runs: Runs) -> RawMeans:
    """Return the means over verified runs."""
    reported = [[r.raw for r in records if r.raw is not None] for records in runs.values()]
    scores = [one for one in reported if one]
    if not scores:
        return RawMeans()
    costs = [score.cost for one in scores for score in one]
    known = None if None in costs else _mean(scores, lambda score: score.cost or 0.0)
    rate = {name: _mean(scores, partial(_rate, name)) for name in CONSTRAINTS}
    rate = {name: value for name, value in rate.items() if value > 0.0}
    total = {name: _mean(scores, partial(_total, name)) for name in rate}
    return RawMeans(known, rate, {name: total[name] / rate[name] for name in rate})


def _mean(scores: list[list[RawScore]], value: Callable[[RawScore], float]) -> float:
    return fmean([fmean([value(score) for score in one]) for one in scores])


def _rate(constraint: str, score: RawScore) -> float:
    broken = score.violations.get(constraint)
    return broken.rate if broken is not None else 0.0


def _total(constraint: str, score: RawScore) -> float:
    """The excess over all slots, those that keep the constraint counting 0, by their number."""
    broken = score.violations.get(constraint)
    return broken.rate * broken.mean_excess if broken is not None else 0.0
