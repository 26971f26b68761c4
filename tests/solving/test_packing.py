"""Packing by priority against a loop over one item at a time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mincache.solving.packing import pack_by_priority, pack_resources


@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(0.1, 5), st.booleans()), min_size=1, max_size=8),
    st.floats(0.0, 12),
)
def test_agrees_with_one_item_at_a_time(items, capacity):
    """The vectorised pass takes what a plain loop over the sorted items takes, ties to the lower index."""
    priority, size, wanted = (np.array(column) for column in zip(*items, strict=True))
    expected, free = np.zeros(len(items), dtype=bool), capacity
    for i in sorted(range(len(items)), key=lambda i: -priority[i]):
        if wanted[i] and size[i] <= free:
            expected[i], free = True, free - size[i]
    batch = np.stack([priority, priority])
    taken = pack_by_priority(batch, size, capacity, np.stack([wanted, wanted]))
    assert taken.tolist() == [expected.tolist()] * 2
    sizes = np.stack([size, np.zeros_like(size)], axis=-1)
    both = pack_resources(batch, sizes, np.array([capacity, 0.0]), np.stack([wanted, wanted]))
    assert both.tolist() == taken.tolist()


def test_every_resource_must_suffice():
    """The second item lacks the first resource, the third the second; what it leaves the fourth takes."""
    sizes = np.array([[3.0, 1.0], [3.0, 1.0], [1.0, 3.0], [2.0, 2.0]])
    taken = pack_resources(np.array([4.0, 3, 2, 1]), sizes, np.array([5.0, 3.0]), np.ones(4, dtype=bool))
    assert taken.tolist() == [True, False, False, True]
