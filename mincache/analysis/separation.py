"""Instances on which two solvers differ most: a search over the parameters of a scenario.

The search is differential evolution (10.1023/A:1008202821328) over the unit cube, from a Latin hypercube;
a coordinate stands for a value of one field. What it maximises is the relative difference between the two
solvers' costs, as the evaluator prices them, in the mean over the instances that the recipe draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mincache.errors import InputError, MincacheError
from mincache.generation.recipes import Recipe, places
from mincache.generation.scenario import Scenario
from mincache.generation.streams import generator
from mincache.generation.sweeps import Range, Sweep, is_whole
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.solving.contract import Budget

Space = Mapping[str, Range | tuple[Any, ...]]
"""What to search: for each field a range, or the values that it may take."""

Price = Callable[[Instance], float]
"""What a solver's answer to an instance costs; nan where it gives no feasible one."""

DEFAULT_SPACE: Space = {
    "uplink_mhz": Range(low=0.5, high=40.0, log=True),
    "storage_gb": Range(low=5.0, high=60.0, log=True),
    "steps": Range(low=100.0, high=10_000.0, log=True),
    "models": Range(low=5, high=30),
    "preference_weight": Range(low=0.1, high=0.95),
    "backhaul_up_mbps": Range(low=20.0, high=500.0, log=True),
    "backhaul_down_mbps": Range(low=20.0, high=500.0, log=True),
}
"""What is searched where a scenario names nothing: from scarce to plenty around the paper's values."""

_APART = 0.1
"""How far two of the points kept must be apart in some coordinate of the unit cube."""
_GENERATIONS = 6
"""Into how many generations the budget is divided."""
_LEAST_POPULATION = 5  # that of scipy


@dataclass(frozen=True)
class Point:
    """One setting of the fields at a place in the unit cube, and what the two solvers made of it.

    Attributes:
        costs: the mean costs of the two solvers; nan where one gave no feasible answer.
        difference: mean of (second - first) / the lower of the two over the instances; nan likewise, and
            where the lower of two costs that differ is 0.
    """

    unit: tuple[float, ...]
    fields: dict[str, Any]
    costs: tuple[float, float]
    difference: float

    @property
    def size(self) -> float:
        """How much the two solvers differ; 0 where one gave no feasible answer."""
        return 0.0 if math.isnan(self.difference) else abs(self.difference)


def separate(
    prices: tuple[Price, Price], recipe: Recipe, scenario: Scenario, space: Space, *, budget: int = 100,
    time_limit_s: float = math.inf, show: Callable[[Point], None] = lambda point: None,
) -> list[Point]:  # fmt: skip
    """Return every setting that was tried, once each, those where the solvers differ most first.

    `prices` are what the two solvers' answers to an instance cost. The recipe draws the instances of a point,
    without a sweep; its seed is the search's too. `budget` is how many different settings to try; no point is
    begun after `time_limit_s`.
    """
    from scipy.optimize import differential_evolution
    from scipy.stats import qmc

    clock, tried = Budget(time_limit_s), dict[str, Point]()

    def loss(unit: Array) -> float:
        if len(tried) >= budget or (tried and clock.remaining() <= 0.0):
            raise _Spent
        fields = {field: value_at(one, field, u) for (field, one), u in zip(space.items(), unit, strict=True)}
        if (key := repr(fields)) in tried:  # lists and whole numbers bring settings back
            return -tried[key].size
        case = recipe.model_copy(update={"sweep": Sweep(cases=(fields,))})
        pairs = [
            tuple(price(instance) for price in prices)
            for instance in (place.instance() for place in places("separate", case, scenario))
        ]
        costs, difference = np.mean(pairs, axis=0), np.mean([_difference(a, b) for a, b in pairs])
        where = tuple(map(_middle, space.values(), unit.tolist()))
        point = Point(where, fields, (costs[0].item(), costs[1].item()), difference.item())
        tried[key] = point
        show(point)
        return -point.size

    rng = generator(recipe.trace_seed, "separation")
    population = max(_LEAST_POPULATION, budget // _GENERATIONS)
    start = qmc.LatinHypercube(len(space), rng=rng).random(population)
    try:
        cube = [(0.0, 1.0)] * len(space)
        differential_evolution(loss, cube, init=start, rng=rng, maxiter=budget, tol=0.0, polish=False)
    except _Spent:
        pass
    except RuntimeError as error:  # scipy's, for a refusal, which is a ValueError too
        raise error.__cause__ if isinstance(error.__cause__, MincacheError) else error from None
    return sorted(tried.values(), key=lambda point: point.size, reverse=True)


def most_different(points: Sequence[Point], count: int) -> list[Point]:
    """Return up to `count` of the points, sorted as they are, that are not near to one before."""
    kept: list[Point] = []
    for point in points:
        far = all(max(np.abs(np.subtract(point.unit, other.unit))) > _APART for other in kept)
        if len(kept) < count and point.size > 0.0 and far:
            kept.append(point)
    return kept


def influences(points: Sequence[Point], space: Space) -> dict[str, float]:
    """Return the rank correlation of each field with how much the solvers differ, the strongest first."""
    from scipy.stats import spearmanr

    answered = [point for point in points if not math.isnan(point.difference)]
    sizes = [point.size for point in answered]
    units = np.array([point.unit for point in answered]).reshape(len(answered), len(space))
    found = {
        field: float(spearmanr(column, sizes).statistic)
        for field, column in zip(space, units.T, strict=True)
        if len(set(column)) > 1 and len(set(sizes)) > 1
    }
    return dict(sorted(found.items(), key=lambda item: -abs(item[1])))


def space_of(sweep: Sweep | None) -> Space:
    """Return what a sweep says should be searched; cases, which have no order, are refused."""
    if sweep is not None and sweep.cases:
        raise InputError("sweep.cases", "must be left out of a search", f"{len(sweep.cases)} cases")
    return DEFAULT_SPACE if sweep is None or not sweep.fields else sweep.fields


def value_at(one: Range | tuple[Any, ...], field: str, unit: float) -> Any:
    """Return the value of a field at a coordinate from 0 to 1."""
    if isinstance(one, Range):
        return one.at(unit, is_whole(field))
    return one[min(int(unit * len(one)), len(one) - 1)]


def _difference(a: float, b: float) -> float:
    """Return how far apart two costs are, relative to the lower; nan where one is nan, or the lower is 0."""
    return (b - a) / (min(a, b) or math.nan) if a != b else 0.0


def _middle(one: Range | tuple[Any, ...], unit: float) -> float:
    """Return a coordinate; for a list, the middle of those that stand for the same value."""
    return unit if isinstance(one, Range) else (min(int(unit * len(one)), len(one) - 1) + 0.5) / len(one)


class _Spent(Exception):  # noqa: N818  # no error: it ends the search
    """The budget is spent."""
