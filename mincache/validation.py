"""Reading TOML and JSON tables into pydantic models, with every refusal one line."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mincache.documents import read_bytes
from mincache.errors import DocumentError, InputError, shown

Table = TypeVar("Table", bound=BaseModel)


def read_toml(path: str | os.PathLike[str], kind: type[Table]) -> Table:
    """Read a TOML file as a table of this kind.

    Raises:
        DocumentError: one line with the path, the field, the rule and what was received.
    """
    try:
        return validated(kind, _parse_toml(read_bytes(path)))
    except InputError as error:
        place = f"{os.fspath(path)}: {error.field}"
        raise DocumentError(place, error.rule, error.received, error.advice) from None


def validated(kind: type[Table], fields: Mapping[str, Any]) -> Table:
    """Return the table of this kind with these fields.

    Raises:
        InputError: with the first field that breaks a rule.
    """
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
    field = ".".join(map(str, first["loc"])) or "document"
    if first["type"] == "extra_forbidden":
        close = difflib.get_close_matches(str(first["loc"][-1]), kind.model_fields, n=1)
        advice = f"did you mean {close[0]!r}?" if close else ""
        raise InputError(field, "must be a known field", "an unknown one", advice)
    if first["type"] == "missing":
        raise InputError(field, "must be present", "nothing")
    message = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    rule = message if message.startswith("must") or " must " in message else f"must be {message}"
    raise InputError(field, rule, shown(first["input"]))


def _parse_toml(data: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError("document", "must be TOML", " ".join(str(error).split())) from None
    except RecursionError:
        raise InputError("document", "must be TOML", "nesting far too deep") from None
