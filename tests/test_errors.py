"""Messages are one printable line, whatever they are about."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincache.errors import (
    DocumentError,
    InputError,
    MincacheError,
    MissingExtraError,
    closest,
    did_you_mean,
    excerpt,
    in_file,
    line_of,
    one_line,
)

ODD = ["a\nb", "\x1b[31mred", "\u2028", "\ud800", "\r\t\v\0", "\u202eevil", "ü" * 5000, "x" * 1_000_000]


class Rude:
    """An object whose text is several lines."""

    def __repr__(self):
        return "one\ntwo\x07"


class Mute(Exception):  # noqa: N818  # as anybody may call it
    """An error without a text."""

    def __str__(self):
        raise ZeroDivisionError


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


@pytest.mark.parametrize(
    ("error", "line"),
    [(ValueError("a\n b"), "ValueError: a b"), (KeyError(), "KeyError"), (Mute(), "Mute"),
     (SystemExit(3), "SystemExit: 3")],
)  # fmt: skip
def test_any_error_is_a_line(error, line):
    """An error of anybody's code is told by its class and its text, if it has one."""
    assert line_of(error) == line


def test_a_refusal_in_a_file_begins_with_its_path():
    """A refusal carries the path of the file it is about, and keeps rule, value and advice."""
    with pytest.raises(DocumentError) as caught, in_file("a.json"):
        raise InputError("users", "must be >= 1", "0", "try 10")
    assert str(caught.value) == "a.json: users: must be >= 1; received 0; try 10"


def test_a_path_is_named_once():
    """A refusal that names its file is not given a second path by the caller's."""
    with pytest.raises(DocumentError) as caught, in_file("outer"), in_file("inner"):
        raise InputError("users", "must be >= 1")
    assert str(caught.value) == "inner: users: must be >= 1"


def test_only_refusals_are_about_the_file():
    """Any other error passes as it is."""
    with pytest.raises(ZeroDivisionError), in_file("a.json"):
        _ = 1 / 0


def test_what_was_meant():
    """The nearest known word is suggested; without one all are listed, or what is said instead."""
    assert closest("user", ["traces", "users"]) == "users"
    assert closest("zzz", ["traces", "users"]) == ""
    assert did_you_mean("user", ["traces", "users"]) == "did you mean 'users'?"
    assert did_you_mean("zzz", ["traces", "users"]) == "known: traces, users"
    assert did_you_mean("zzz", []) == "known: none"
    assert did_you_mean("zzz", ["users"], "see the manual") == "see the manual"


def test_what_was_meant_is_looked_for_when_it_is_asked():
    """Importing the errors does not load difflib, which most runs never need."""
    code = "import sys, mincache.errors; sys.exit('difflib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
