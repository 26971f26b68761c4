"""What all processes share: intervals, choices, normal numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mincache.generation.process import Process, Shape, choose, normal, within


@given(st.lists(st.floats(0.01, 10.0), min_size=1, max_size=8), st.floats(0.0, 1.0, exclude_max=True))
def test_a_choice_is_the_first_whose_sum_exceeds_the_uniform(weights, uniform):
    """An index is chosen as a loop over the sums would choose it."""
    probabilities = np.array(weights) / np.sum(weights)
    total, expected = 0.0, len(weights) - 1
    for index, probability in enumerate(probabilities[:-1]):
        total += probability
        if uniform < total:
            expected = index
            break
    assert choose(probabilities, np.array([[uniform]])).item() == expected


def test_rows_of_probabilities_are_chosen_from_one_by_one():
    """With a row of probabilities a slot, each slot's users draw from their own."""
    rows = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert choose(rows[None], np.full((1, 2, 4), 0.5)).tolist() == [[[0] * 4, [2] * 4]]


def test_normal_numbers_have_the_normal_distribution():
    """Uniforms that fill (0, 1) evenly become numbers that a test of normality accepts."""
    uniforms = (np.arange(5000) + 0.5) / 5000
    assert stats.kstest(normal(uniforms), "norm").pvalue > 0.99


def test_an_interval_is_filled():
    """Uniforms 0 and 1 stand for the ends of an interval."""
    assert within((2.0, 5.0), np.array([0.0, 0.5, 1.0])).tolist() == [2.0, 3.5, 5.0]


def test_a_process_must_say_how_it_draws():
    """A process without `draw` cannot be drawn from."""
    with pytest.raises(NotImplementedError):
        Process(process="none").draw(Shape(1, 1, 1, 20.0, (1.0, 1.0)), lambda _, *shape: np.zeros(shape), {})
