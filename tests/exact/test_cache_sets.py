import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import arrays, between

from mincache.exact.cache_sets import CacheSets, cheapest_course
from mincache.problem.quantity import Array

SIZES = st.lists(st.sampled_from([0.1, 0.2, 0.3, 1.0]) | between(0.1, 2), max_size=5).map(np.array)


def sets_that_fit(size_gb: Array, storage_gb: float) -> set[tuple[bool, ...]]:
    """Every set within the storage, by looking at each."""
    every = itertools.product([False, True], repeat=size_gb.size)
    return {members for members in every if size_gb[list(members)].sum() <= storage_gb}


@given(SIZES, between(0.05, 5))
def test_every_set_that_fits_is_there_once(size_gb: Array, storage_gb: float) -> None:
    """The sets are those that looking at all of them finds, the empty one first."""
    sets = CacheSets.that_fit(size_gb, storage_gb, 1 << 10)
    assert sets is not None
    found = [tuple(row) for row in sets.member.tolist()]
    assert len(found) == len(set(found))
    assert set(found) == sets_that_fit(size_gb, storage_gb)
    assert not any(found[0])


def test_too_many_sets_are_not_listed() -> None:
    """Five models that all fit make 32 sets: listed up to that limit, and not below."""
    assert CacheSets.that_fit(np.ones(5), 5.0, 31) is None
    sets = CacheSets.that_fit(np.ones(5), 5.0, 32)
    assert sets is not None
    assert len(sets.member) == 32


@given(SIZES.filter(len), between(0.05, 5), st.data())
def test_the_part_in_common_with_others(size_gb: Array, storage_gb: float, data: st.DataObject) -> None:
    """For each set the index given is that of its members among those wanted."""
    sets = CacheSets.that_fit(size_gb, storage_gb, 1 << 10)
    assert sets is not None
    wanted = data.draw(arrays(st.booleans(), size_gb.size))
    part = sets.common_with(wanted)
    np.testing.assert_array_equal(sets.member[part], sets.member & wanted)


@given(st.integers(1, 3), st.data())
def test_the_cheapest_of_all_courses(models: int, data: st.DataObject) -> None:
    """Of every course through every set, priced one by one, none is cheaper, and its own price is right."""
    size_gb, storage_gb = data.draw(arrays(between(0.5, 2), models)), data.draw(between(0.2, 4))
    sets = CacheSets.that_fit(size_gb, storage_gb, 1 << 10)
    assert sets is not None
    count, frames = len(sets.member), data.draw(st.integers(1, 3))
    prices = st.sampled_from([0.0, 1.0, 1e270]) | between(0, 10)
    load = data.draw(arrays(prices, frames, models))
    cost = data.draw(arrays(prices | st.just(np.inf), frames, count))
    cost[:, 0] = np.minimum(cost[:, 0], 1e6)  # nothing cached is always possible

    def total(course: tuple[int, ...]) -> float:
        rows = sets.member[[0, *course]]
        loaded = [load[k, rows[k + 1] & ~rows[k]].sum() for k in range(frames)]
        return sum(cost[k, s] for k, s in enumerate(course)) + sum(loaded)

    value, course = cheapest_course(sets, cost, load)
    least = min(total(course) for course in itertools.product(range(count), repeat=frames))
    assert value == pytest.approx(least, rel=1e-12)
    assert total(tuple(course)) == pytest.approx(least, rel=1e-12)
