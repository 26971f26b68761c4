"""The anytime trace of a run, priced after it, and the integrals that sum it up.

The gap of an incumbent to a reference (Berthold 2013, doi:10.1016/j.orl.2013.08.007) is
|cost - reference| / max(|cost|, |reference|), 1 as long as there is none, and likewise between incumbent
and lower bound. An integral is the area under that step function from 0 to the time limit (to the end of
`solve` where there is none): in seconds, the smaller the better, at most the limit.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from mincache.judging import messages
from mincache.judging.outcome import Outcome
from mincache.judging.records import CountedPoint, LoggedPoint, TracePoint
from mincache.problem.evaluation import evaluate_batch
from mincache.problem.instance import Instance
from mincache.problem.solution import Decisions, Solution


class Incumbent(NamedTuple):
    """A reported solution: when in s, its cost (infinite if infeasible), itself, and the count then."""

    seconds: float
    cost: float
    solution: Solution
    evaluations: float = 0.0


def incumbents(outcome: Outcome, instance: Instance) -> list[Incumbent]:
    """Return what a run reported, priced.

    Raises:
        InputError: if a report was none of the form agreed.
    """
    if not outcome.incumbents:
        return []
    unpacked = [messages.unpack_incumbent(data, instance) for _, data in outcome.incumbents]
    counts, solutions = zip(*unpacked, strict=True)
    stacked = Decisions(*(np.stack(arrays) for arrays in zip(*(s.decisions for s in solutions), strict=True)))
    batch = evaluate_batch(instance, stacked)
    costs = np.where(batch.feasible, batch.cost, np.inf).tolist()
    times = (seconds for seconds, _ in outcome.incumbents)
    return [Incumbent(*one) for one in zip(times, costs, solutions, counts, strict=True)]


def bounds(outcome: Outcome) -> list[tuple[float, float]]:
    """Return when bounds were reported, and what they were; minus infinity is none.

    Raises:
        InputError: if a report was none of the form agreed.
    """
    found = [(seconds, messages.unpack_bound(data)) for seconds, data in outcome.bounds]
    return [(seconds, bound) for seconds, bound in found if bound > -np.inf]


def points(
    reported: Iterable[Incumbent], bounds: Iterable[tuple[float, float]], last: tuple[float, float] | None
) -> tuple[TracePoint, ...]:
    """Return the trace of a run, each point an improvement; `last`: when its answer came, and the cost."""
    events = [(seconds, np.inf, bound) for seconds, bound in bounds]
    events += [(one.seconds, one.cost, -np.inf) for one in reported]
    events += [] if last is None else [(*last, -np.inf)]
    found, best = list[TracePoint](), (np.inf, -np.inf)
    for seconds, cost, bound in sorted(events, key=lambda event: event[0]):
        better = min(best[0], cost), max(best[1], bound)
        if better != best:
            known = (one if np.isfinite(one) else None for one in better)
            found.append(TracePoint(round(seconds, 6), *known))
            best = better
    return tuple(found)


def counted(reported: Iterable[Incumbent], last: tuple[float, float] | None) -> tuple[CountedPoint, ...]:
    """Return the improvements of a run over its evaluations; `last`: how many at its end, and the cost."""
    events = [(one.evaluations, one.cost) for one in reported] + ([last] if last is not None else [])
    found: list[CountedPoint] = []
    for evaluations, cost in sorted(events):
        if evaluations > 0.0 and np.isfinite(cost) and (not found or cost < found[-1].cost):
            found.append(CountedPoint(round(evaluations, 6), cost))
    return tuple(found)


def logged(outcome: Outcome) -> dict[str, tuple[LoggedPoint, ...]]:
    """Return what a run logged, by name."""
    return {
        name: tuple(
            LoggedPoint(round(seconds, 6), round(one[2], 6), one[1])
            for seconds, data in kept
            if (one := messages.unpack_logged(data))
        )
        for name, kept in outcome.logged.items()
    }


def primal_integral(trace: Sequence[TracePoint], reference: float | None, horizon_s: float) -> float | None:
    """Return the integral of the incumbent's gap to `reference`; None without a reference."""
    if reference is None:
        return None
    return _integral(trace, horizon_s, lambda point: _gap(point.cost, reference))


def primal_dual_integral(trace: Sequence[TracePoint], horizon_s: float) -> float:
    """Return the integral of the gap between incumbent and bound."""
    return _integral(trace, horizon_s, lambda point: _gap(point.cost, point.bound))


def _gap(cost: float | None, other: float | None) -> float:
    if cost is None or other is None:
        return 1.0
    scale = max(abs(cost), abs(other))
    return min(1.0, abs(cost - other) / scale) if scale else 0.0


def _integral(trace: Sequence[TracePoint], horizon_s: float, gap: Callable[[TracePoint], float]) -> float:
    area, since, now = 0.0, 0.0, 1.0
    for point in trace:
        moment = min(point.seconds, horizon_s)
        area += now * (moment - since)
        since, now = moment, gap(point)
    return area + now * (horizon_s - since)
