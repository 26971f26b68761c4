"""Reading one field: what is accepted, what is refused, and what is stored."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mincache.errors import InputError
from mincache.problem.quantity import Array, Quantity, Typed, check_axes, quantities

SCALAR = Quantity("x", "1", "a number", above=0, at_most=10)
MATRIX = Quantity("X", "s", "numbers", "TN", at_least=0)
INDEX = Quantity("i", "1", "whole numbers", "N", at_least=0, whole=True)


def refusal(meaning, value):
    """Return the one line that refuses `value`."""
    with pytest.raises(InputError) as caught:
        meaning.read(value, "field")
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize("value", [1, 1.5, np.float32(2), np.int8(3), np.array(4.0), 10, 1e-300])
def test_scalar_accepted(value):
    """Python's and numpy's numbers are read as a float."""
    assert SCALAR.read(value, "field") == float(value)
    assert type(SCALAR.read(value, "field")) is float


@pytest.mark.parametrize(
    ("value", "received"),
    [
        (0, "must be > 0; received 0.0"),
        (-1, "must be > 0"),
        (10.000001, "must be <= 10"),
        (float("nan"), "must be finite; received nan"),
        (float("inf"), "must be finite; received inf"),
        (10**400, "an integer too large"),
        (True, "received True"),
        (None, "received null"),
        ("1", "received '1'"),
        ([1], "received an array"),
        ({}, "received an object"),
        (1j, "received 1j"),
        (np.array([1.0]), "received 1 axes"),
        (np.array("1"), "an array of <U1"),
        (np.array(1j), "complex"),
        (b"1", "received b'1'"),
    ],
)
def test_scalar_refused(value, received):
    """A scalar out of range, not finite or of another type is refused, and the line says what it was."""
    assert received in refusal(SCALAR, value)


def test_integer_past_the_limit_on_digits_refused():
    """An integer that Python itself would not print is refused like any other."""
    assert "an integer too large" in refusal(SCALAR, 10**5000)
    assert "an integer too large" in refusal(MATRIX, [[10**5000]])


@pytest.mark.parametrize(
    ("value", "received"),
    [
        ([], "must not be empty"),
        ([[]], "must not be empty"),
        ([[], []], "must not be empty"),
        (1, "received 1"),
        ([1, 2], "received 1"),
        ([[1], [1, 2]], "rows of different lengths"),
        ([[1, "a"]], "received 'a'"),
        ([[1, None]], "received null"),
        ([[1, [2]]], "an array"),
        ([[[1]]], "an array"),
        ([[1, True]], "True"),
        ([[1, -1]], "field[0][1]: must be >= 0; received -1.0"),
        ([[1, float("nan")]], "field[0][1]: must be finite"),
        ([[10**400, 1]], "an integer too large"),
        ([1, [2]], "received 1"),
        ("ab", "received 'ab'"),
        ({0: [1]}, "object"),
        (np.zeros((0, 3)), "must not be empty"),
        (np.zeros(3), "received 1 axes"),
        (np.array([[None]]), "array of object"),
        (np.array([["a\nb"]]), "array of <U3"),
        ([np.ones(3), np.ones(3)], "received"),
    ],
)
def test_matrix_refused(value, received):
    """Ragged, empty, too flat, too deep or non-numeric arrays are refused; the first bad entry is named."""
    assert received in refusal(MATRIX, value)


@pytest.mark.parametrize(
    "value",
    [[1.5], [-1], [2**53 + 2], [1e300], [2**63], np.array([2**63], dtype=np.uint64), [1e18 + 0.5]],
    ids=str,
)
def test_index_refused(value):
    """An index is a whole number that int64 holds exactly; nothing wraps around to a negative one."""
    refusal(INDEX, value)


@pytest.mark.parametrize("value", [[0, 1, 2], [0.0, 1.0, 2.0], (0, 1, 2), np.array([0, 1, 2], np.uint8)])
def test_index_stored_as_int64(value):
    """Whole numbers are stored as int64, however they were written."""
    stored = INDEX.read(value, "field")
    assert stored.dtype == np.int64
    assert stored.tolist() == [0, 1, 2]


@given(hnp.arrays(np.float64, (2, 3), elements=st.floats(0, 1e300)))
def test_stored_arrays_are_private_and_read_only(values):
    """What is stored equals what was given, is float64 and row by row, and nobody can change it."""
    stored = MATRIX.read(values.T, "field")
    assert stored.dtype == np.float64
    assert stored.flags.c_contiguous
    assert np.array_equal(stored, values.T)
    values += 1
    assert not np.array_equal(stored, values.T) or (values > 1e15).any()
    with pytest.raises(ValueError, match="read-only"):
        stored[0, 0] = 1.0


@given(st.lists(st.lists(st.floats(0, 1e300) | st.integers(0, 10**300), min_size=2, max_size=2), min_size=1))
def test_lists_and_arrays_read_alike(rows):
    """A list of lists is read as the array of the same numbers is."""
    assert np.array_equal(MATRIX.read(rows, "field"), MATRIX.read(np.array(rows, float), "field"))


@dataclass(frozen=True, eq=False)
class Thing(Typed):
    """A thing with one quantity of each kind."""

    section = "thing."

    scale: Annotated[float, SCALAR]
    table: Annotated[Array, MATRIX]
    note: str = ""


def test_typed_names_the_field_with_its_section():
    """A refusal names the section and the field."""
    with pytest.raises(InputError, match=r"^thing\.scale: must be > 0; received 0\.0$"):
        Thing(0, [[1]])


def test_typed_equality_and_hash():
    """Two are equal when all fields are, and then hash alike; another type is never equal."""
    one, twin = Thing(1, [[1, 2]]), Thing(1.0, np.array([[1, 2]]))
    assert one == twin
    assert hash(one) == hash(twin)
    for other in (
        Thing(2, [[1, 2]]),
        Thing(1, [[1, 3]]),
        Thing(1, [[1], [2]]),
        Thing(1, [[1, 2]], "n"),
        1,
        None,
    ):
        assert one != other


def test_check_axes_names_both_lengths():
    """Two parts that disagree on an axis are refused with the shape wanted and the one received."""
    with pytest.raises(
        InputError, match=r"thing\.table: must have shape \[T\]\[N\] = \[1, 2\]; received \[1, 3\]"
    ):
        check_axes([Thing(1, [[1, 2]]), Thing(1, [[1, 2, 3]])], {})
    assert check_axes([Thing(1, [[1, 2]])], {"M": 5}) == {"M": 5, "T": 1, "N": 2}


def test_quantities_in_order():
    """The quantities of a class are found by name, in order; other fields are not among them."""
    assert list(quantities(Thing)) == ["scale", "table"]
    assert quantities(Thing)["table"].brackets() == "[T][N]"
