"""Everything mincache raises on purpose.

::

    MincacheError
    ├── InputError (also ValueError)   a value, document or name breaks a rule
    │   └── DocumentError              ... in a file, whose path the message begins with
    ├── EvaluationsSpentError          a run has priced as many candidates as it may
    └── MissingExtraError              an optional library is not installed

Each message is one line: the field, the rule, what was received, what to do.
"""

from __future__ import annotations

import importlib
import os
import reprlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from numbers import Integral, Real
from typing import Any, TypeVar

_Kind = TypeVar("_Kind")
_SHOWN_CHARACTERS = 60
_LINE_CHARACTERS = 1000


class _Short(reprlib.Repr):
    """Text of a value, without first making the whole text of a huge one."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 2
        self.maxstring = self.maxother = _SHOWN_CHARACTERS

    def repr_int(self, x: int, level: int) -> str:
        # Printing a huge integer is slow, and refused by Python past 4,300 digits.
        return f"an integer of {x.bit_length()} bits" if x.bit_length() > 200 else repr(x)


_SHORT = _Short()


def excerpt(value: object) -> str:
    """Return `value` as short, printable, single-line text for an error message."""
    text = _SHORT.repr(value).encode("ascii", "backslashreplace").decode()
    return one_line(text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "...")


def one_line(text: str) -> str:
    """Return `text` with what is not printable escaped, and the middle left out of a very long one."""
    if len(text) > _LINE_CHARACTERS:
        half = _LINE_CHARACTERS // 2
        text = f"{text[:half]}...{text[-half:]}"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def line_of(error: BaseException) -> str:
    """Return the class and the text of an error that anybody's code has raised, on one line."""
    try:
        text = str(error)
    except Exception:  # what anybody's code says of it may raise as well
        text = ""
    return " ".join(": ".join(filter(None, (type(error).__name__, text))).split())


class MincacheError(Exception):
    """Base of every error that mincache raises on purpose; its message is always one printable line."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class InputError(MincacheError, ValueError):
    """A value breaks a rule.

    Args:
        field: where the value stands, such as `trace.channel_gain[3][0]`.
        rule: what must hold, beginning with a verb: `must be > 0`.
        received: what stood there instead, already readable (see `excerpt`).
        advice: what to do next, where that is not plain from the rule.
    """

    def __init__(self, field: str, rule: str, received: str = "", advice: str = "") -> None:
        self.field = field
        self.rule = rule
        self.received = received
        self.advice = advice
        parts = [f"{field}: {rule}"]
        if received:
            parts.append(f"received {received}")
        if advice:
            parts.append(advice)
        super().__init__("; ".join(parts))

    def __reduce__(self) -> tuple[type, tuple[str, ...]]:
        # An exception is rebuilt from its message alone otherwise, when it comes from another process.
        return type(self), (self.field, self.rule, self.received, self.advice)


class DocumentError(InputError):
    """A file cannot be read as the document it should be; `field` begins with its path."""


class EvaluationsSpentError(MincacheError):
    """A run has priced as many candidates as it may; the best of them is its answer."""


class MissingExtraError(MincacheError):
    """A feature needs a library that is not installed; the message names the extra to install."""


@contextmanager
def in_file(path: str | os.PathLike[str]) -> Iterator[None]:
    """Begin the message of a refusal inside with the file's path, unless it names a file already.

    Raises:
        DocumentError: in place of an InputError.
    """
    try:
        yield
    except DocumentError:
        raise
    except InputError as error:
        place = f"{os.fspath(path)}: {error.field}"
        raise DocumentError(place, error.rule, error.received, error.advice) from None


def optional_library(module: str, extra: str, what: str) -> Any:
    """Import and return a module of an optional library.

    Args:
        module: its name.
        extra: the extra of mincache that installs it.
        what: who needs it, for the message, such as `charts need`.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        message = f"{what} {error.name}, which is not installed: pip install 'mincache[{extra}]'"
        raise MissingExtraError(message) from None


def closest(word: str, known: Iterable[str]) -> str:
    """Return which of the `known` words `word` was probably meant to be, in any case; "" if none is near."""
    from difflib import get_close_matches

    folded = {one.casefold(): one for one in known}
    return next((folded[near] for near in get_close_matches(word.casefold(), folded, n=1)), "")


def did_you_mean(word: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """Return advice for a word that is not known: the nearest one that is; if none is near, all of them.

    Args:
        word: what was received.
        known: what there is.
        otherwise: what to say in place of the list if none is near.
    """
    words = list(known)
    if near := closest(word, words):
        return f"did you mean {near!r}?"
    return f"known: {', '.join(words) or 'none'}" if otherwise is None else otherwise


def one_of(field: str, value: object, known: Collection[str]) -> str:
    """Return a value that is one of the known ones."""
    if not isinstance(value, str) or value not in known:
        raise InputError(field, f"must be one of {', '.join(known)}", excerpt(value))
    return value


def of_kind(field: str, value: object, kind: type[_Kind], advice: str = "") -> _Kind:
    """Return a value that is of this class."""
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIO" else "a"
        raise InputError(field, f"must be {article} {kind.__name__}", excerpt(value), advice)
    return value


def positive_number(field: str, value: object) -> float:
    """Return a number above 0, numpy's too, which may be infinite."""
    number = 0.0
    with suppress(OverflowError):
        number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else 0.0
    if not number > 0:
        raise InputError(field, "must be a number > 0", excerpt(value))
    return number


def whole_number(field: str, value: object, least: int = 0) -> int:
    """Return a whole number of at least `least`, numpy's too, as an int."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise InputError(field, f"must be a whole number >= {least}", excerpt(value))
    return int(value)
