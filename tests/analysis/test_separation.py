"""The search for what tells two solvers apart: seeded, within its budget and its space, and true."""

import math

import numpy as np
import pytest

from mincache import Run, Scenario, evaluate
from mincache.analysis.separation import (
    DEFAULT_SPACE,
    Point,
    influences,
    most_different,
    separate,
    space_of,
    value_at,
)
from mincache.errors import InputError
from mincache.files.tables import validated
from mincache.generation.recipes import Recipe, places
from mincache.generation.sweeps import Range, Sweep
from mincache.solving import registry

SCENARIO = Scenario(slots=3)
RECIPE = Recipe(library_seed=1, trace_seed=2, libraries=1, users=(4,), traces=2)
SPACE = {"preference_weight": Range(low=0.1, high=0.9), "storage_gb": (5.0, 20.0, 60.0)}
SOLVERS = ("cloud-only", "popular-first")


def cost(spec):
    """Return what prices a solver's answers."""
    return lambda instance: evaluate(instance, registry.make(spec).solve(instance, Run.seeded(0))).cost


PRICES = tuple(map(cost, SOLVERS))


@pytest.fixture(scope="module")
def points():
    """What a short search tries."""
    return separate(PRICES, RECIPE, SCENARIO, SPACE, budget=30)


def test_search_keeps_its_budget_and_space(points):
    """As many points as asked for, all within the ranges and lists, the greatest difference first."""
    assert len(points) == 30
    assert all(0.1 <= point.fields["preference_weight"] <= 0.9 for point in points)
    assert {point.fields["storage_gb"] for point in points} == {5.0, 20.0, 60.0}
    sizes = [point.size for point in points]
    assert sizes == sorted(sizes, reverse=True)


def test_search_is_seeded(points):
    """The same seed tries the same points, another one others."""
    assert separate(PRICES, RECIPE, SCENARIO, SPACE, budget=30) == points
    other = RECIPE.model_copy(update={"trace_seed": 3})
    assert separate(PRICES, other, SCENARIO, SPACE, budget=5)[0] not in points


def test_what_is_found_is_what_the_recipe_draws(points):
    """A point's costs are those of its instances as a suite of it has them."""
    best = points[0]
    recipe = RECIPE.model_copy(update={"sweep": Sweep(cases=(best.fields,))})
    costs = np.array([
        [price(one) for price in PRICES]
        for one in (place.instance() for place in places("any", recipe, SCENARIO))
    ])  # fmt: skip
    assert best.costs == pytest.approx(costs.mean(axis=0))
    relative = (costs[:, 1] - costs[:, 0]) / costs.min(axis=1)
    assert best.difference == pytest.approx(relative.mean())


def test_refinement_beats_the_first_sample(points):
    """The best of a whole search differs more than the best of its first generation."""
    first = separate(PRICES, RECIPE, SCENARIO, SPACE, budget=5)
    assert points[0].size > first[0].size


def test_time_limit_ends_the_search():
    """With no time at all, one point is tried."""
    assert len(separate(PRICES, RECIPE, SCENARIO, SPACE, budget=30, time_limit_s=1e-9)) == 1


def test_solvers_that_do_not_answer_differ_by_nothing():
    """Where one has no price, the point has no difference, and does not win."""
    found = separate((PRICES[0], lambda instance: math.nan), RECIPE, SCENARIO, SPACE, budget=5)
    assert all(math.isnan(point.difference) and point.size == 0.0 for point in found)
    assert most_different(found, 3) == []


def point(x, y, difference):
    """Return a point at a place of the unit square."""
    return Point((x, y), {"x": x, "y": y}, (1.0, 1.0 + difference), difference)


@pytest.mark.parametrize(
    ("costs", "difference"), [((0.0, 0.0), 0.0), ((2.0, 3.0), 0.5), ((0.0, 1.0), math.nan)]
)
def test_costs_of_nothing_differ_by_nothing_that_is_known(costs, difference):
    """A relative difference to 0 does not exist; two equal costs do not differ."""
    prices = tuple((lambda instance, cost=cost: cost) for cost in costs)
    (only,) = separate(prices, RECIPE, SCENARIO, SPACE, budget=1)
    assert only.difference == pytest.approx(difference, nan_ok=True)


def test_points_kept_are_apart():
    """Of points near to each other the first is kept, and none without a difference."""
    near = [point(0.5, 0.5, 0.9), point(0.55, 0.5, -0.8), point(0.7, 0.5, 0.7), point(0.1, 0.1, 0.0)]
    assert most_different(near, 5) == [near[0], near[2]]
    assert most_different(near, 1) == [near[0]]


def test_influence_is_a_rank_correlation():
    """A field that the difference follows has 1, one that it goes against -1, a constant none."""
    rows = [point(x / 10, 1 - x / 10, math.exp(x)) for x in range(10)]
    space = {"x": Range(low=0, high=1), "y": Range(low=0, high=1)}
    assert influences(rows, space) == {"x": pytest.approx(1.0), "y": pytest.approx(-1.0)}
    assert influences([point(0.5, y / 3, y) for y in range(3)], space).keys() == {"y"}
    assert influences([*rows, point(0.0, 0.0, math.nan)], space) == influences(rows, space)
    assert influences([point(0.0, 0.0, math.nan)], space) == {}


def test_space_comes_from_the_sweep():
    """Ranges and lists are searched, cases are refused, and nothing at all is a default."""
    assert space_of(None) is DEFAULT_SPACE
    assert space_of(validated(Sweep, {"steps": {"low": 1, "high": 2}})) == {"steps": Range(low=1, high=2)}
    with pytest.raises(InputError, match="must be left out of a search"):
        space_of(Sweep(cases=({"steps": 3.0},)))


def test_values_of_a_list_are_equally_wide():
    """A coordinate picks from a list in equal parts, its ends included."""
    picked = [value_at(("a", "b"), "name", unit) for unit in (0.0, 0.49, 0.51, 1.0)]
    assert picked == ["a", "a", "b", "b"]


def test_default_space_makes_scenarios():
    """Every field of the default is one of a scenario, and both ends are within its limits."""
    for unit in (0.0, 1.0):
        fields = {field: value_at(one, field, unit) for field, one in DEFAULT_SPACE.items()}
        assert validated(Scenario, fields)
