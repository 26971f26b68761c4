"""Messages are one printable line, whatever they are about."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincache.errors import DocumentError, InputError, MincacheError, MissingExtraError, excerpt, one_line

ODD = ["a\nb", "\x1b[31mred", "\u2028", "\ud800", "\r\t\v\0", "\u202eevil", "ü" * 5000, "x" * 1_000_000]


class Rude:
    """An object whose text is several lines."""

    def __repr__(self):
        return "one\ntwo\x07"


class Broken:
    """An object without a text."""

    def __repr__(self):
        raise ZeroDivisionError


@pytest.mark.parametrize("text", ODD)
def test_message_is_one_printable_line(text):
    """No field, rule, value or advice can break a message into lines or colour a terminal."""
    message = str(InputError(text, text, text, text))
    assert message.isprintable()
    assert len(message) < 2000


@given(st.text(st.characters(codec=None), max_size=3000))
def test_one_line_keeps_what_is_printable(text):
    """Short printable text stays as it is, and the result of anything is printable and bounded."""
    line = one_line(text)
    assert line.isprintable()
    assert line == text or not text.isprintable() or len(text) > 1000


HUGE = [
    10**5000,
    -(10**5000),
    [10**5000],
    {"a": 10**5000},
    "a" * 10**7,
    [0] * 10**7,
    [[1] * 1000] * 1000,
    np.zeros((50, 50)),
    np.array([["a\n"] * 30]),
    Rude(),
    [Rude()],
    Broken(),
    b"\x00" * 1000,
    {"\n": "\n"},
    {1, 2},
]


@pytest.mark.parametrize("value", HUGE, ids=lambda value: type(value).__name__)
def test_shown_is_short_for_any_value(value):
    """Huge, nested, many-lined and text-less values are shown in at most 60 ASCII characters."""
    text = excerpt(value)
    assert 0 < len(text) <= 80
    assert text.isprintable()
    assert text.isascii()


def test_shown_does_not_follow_nesting():
    """A value nested beyond Python's recursion limit is shown all the same."""
    nested = []
    for _ in range(100_000):
        nested = [nested]
    assert len(excerpt(nested)) <= 60


def test_message_holds_its_parts():
    """A message reads field, rule, what was received, advice; the last two may be missing."""
    assert (
        str(InputError("users", "must be >= 1", "0", "try 10")) == "users: must be >= 1; received 0; try 10"
    )
    assert str(InputError("users", "must be >= 1")) == "users: must be >= 1"


def test_tree():
    """One except clause catches everything raised on purpose, and bad values are ValueErrors too."""
    assert issubclass(InputError, MincacheError)
    assert issubclass(InputError, ValueError)
    assert issubclass(DocumentError, InputError)
    assert issubclass(MissingExtraError, MincacheError)
    assert not issubclass(MissingExtraError, ValueError)


@pytest.mark.parametrize("kind", [InputError, DocumentError])
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_survives_another_process(kind, duplicate):
    """An error that comes back from a worker process is the error that was raised there."""
    error = kind("a.json: users", "must be >= 1", "0", "try 10")
    twin = duplicate(error)
    assert type(twin) is kind
    assert (str(twin), twin.field, twin.advice) == (str(error), "a.json: users", "try 10")
