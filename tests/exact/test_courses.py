"""Courses through lists of caches, against all courses there are."""

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mincache.exact.courses import cheapest_course, rest_of_courses

SETS = np.array(list(product((False, True), repeat=3)))
UNLISTED = len(SETS)


def slack(before: int, after: int, price: np.ndarray, load: np.ndarray) -> float:
    """What going on from one cache to another costs; nothing, where one is not listed."""
    if UNLISTED in (before, after):
        return 0.0
    old, new = SETS[before], SETS[after]
    return float((load - price)[new & ~old].sum() + price[old & ~new].sum())


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, ...]:
    """Draw costs [3, 8] of all caches of three models in three frames, margins, loads and prices."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    cost, load = rng.uniform(0.0, 3.0, (3, 8)), rng.uniform(0.0, 1.0, (3, 3))
    price = load * rng.choice([0.0, 0.5, 1.0], (3, 3))
    price[0] = load[0]
    return cost, rng.uniform(0.0, 2.5, 3), price, load


def listed(cost: np.ndarray, margins: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return each frame's caches that cost less than its margin."""
    return [(SETS[row < most], row[row < most]) for row, most in zip(cost, margins, strict=True)]


@given(problems())
def test_the_rest_of_courses_is_that_of_all_courses_with_a_frame_left_out(
    problem: tuple[np.ndarray, ...],
) -> None:
    """What courses pay beside frame k is the least over all courses that pay nothing in it."""
    cost, margins, price, load = problem
    rest = rest_of_courses(listed(cost, margins), margins, price, load, 100.0)
    allowed = [[*np.flatnonzero(row < most), UNLISTED] for row, most in zip(cost, margins, strict=True)]
    table = np.column_stack([cost, margins])
    for k in range(3):
        least = np.inf
        for course in product(*(places if j != k else [UNLISTED] for j, places in enumerate(allowed))):
            paid = sum(float(table[j, place]) for j, place in enumerate(course) if j != k)
            paid += sum(slack(course[j - 1], course[j], price[j], load[j]) for j in (1, 2))
            least = min(least, paid)
        assert abs(rest[k] - least) < 1e-12


@given(problems())
def test_courses_off_the_lists_cost_a_margin_and_the_rest(problem: tuple[np.ndarray, ...]) -> None:
    """A course with a cache on no list costs that frame's margin and the rest of courses at least."""
    cost, margins, price, load = problem
    rest = rest_of_courses(listed(cost, margins), margins, price, load, 100.0)
    on_lists = np.inf
    for course in product(range(8), repeat=3):
        paid = sum(float(cost[k, place]) for k, place in enumerate(course))
        paid += sum(slack(course[k - 1], course[k], price[k], load[k]) for k in (1, 2))
        off = [k for k, place in enumerate(course) if cost[k, place] >= margins[k]]
        if not off:
            on_lists = min(on_lists, paid)
        for k in off:
            assert paid >= margins[k] + rest[k] - 1e-12
    found = cheapest_course(listed(cost, margins), price, load)
    if found is None:
        assert on_lists == np.inf
    else:
        places = [np.flatnonzero(row < most)[at] for row, most, at in zip(cost, margins, found, strict=True)]
        paid = sum(float(cost[k, place]) for k, place in enumerate(places))
        paid += sum(slack(places[k - 1], places[k], price[k], load[k]) for k in (1, 2))
        assert abs(paid - on_lists) < 1e-12
