"""Everything mincache raises on purpose.

::

    MincacheError
    ├── InputError (also ValueError)   a value, document or name breaks a rule
    │   └── DocumentError              ... in a file, whose path the message begins with
    └── MissingExtraError              an optional library is not installed

Each message is one line: the field, the rule, what was received, what to do.
"""

from __future__ import annotations

_SHOWN_CHARACTERS = 60


def shown(value: object) -> str:
    """Return `value` as short, printable, single-line text for an error message."""
    if isinstance(value, int) and value.bit_length() > 200:
        # Printing a huge integer is slow, and refused by Python past 4,300 digits.
        return f"an integer of {value.bit_length()} bits"
    text = ascii(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."


class MincacheError(Exception):
    """Base of every error that mincache raises on purpose."""


class InputError(MincacheError, ValueError):
    """A value breaks a rule.

    Args:
        field: where the value stands, such as `trace.channel_gain[3][0]`.
        rule: what must hold, beginning with a verb: `must be > 0`.
        received: what stood there instead, already readable (see `shown`).
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


class DocumentError(InputError):
    """A file cannot be read as the document it should be; `field` begins with its path."""


class MissingExtraError(MincacheError):
    """A feature needs a library that is not installed; the message names the extra to install."""
