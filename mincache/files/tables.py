"""Reading TOML and JSON tables into pydantic models, with every refusal one line."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mincache.errors import InputError, did_you_mean, excerpt, in_file
from mincache.files.documents import read_bytes

MAX_TOML_BYTES = 4 * 1024 * 1024
"""A TOML file may not be larger than this; that of a suite of 10,000 instances holds about 2 MB."""
MAX_LINE_DOTS = 1000
"""A line of a TOML file may not hold more dots than this: tomllib's time grows with the square of a key's."""

TableModel = TypeVar("TableModel", bound=BaseModel)


def read_toml(path: str | os.PathLike[str], kind: type[TableModel]) -> TableModel:
    """Read a TOML file as a table of this kind.

    Raises:
        DocumentError: one line with the path, the field, the rule and what was received.
    """
    with in_file(path):
        return validated(kind, _parse_toml(read_bytes(path)))


def validated(kind: type[TableModel], fields: Mapping[str, Any]) -> TableModel:
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
        known = _known_fields(kind, first["loc"])
        advice = did_you_mean(str(first["loc"][-1]), known) if known else ""
        raise InputError(field, "must be a known field", "an unknown one", advice)
    if first["type"] == "missing":
        raise InputError(field, "must be present", "nothing")
    message = first["msg"].removeprefix("Value error, ").removeprefix("Input ").replace("should ", "must ", 1)
    rule = message if message.startswith("must") or " must " in message else f"must be {message}"
    raise InputError(field, rule, excerpt(first["input"]))


def _known_fields(kind: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """Return the names of the fields beside the one at `place`, or none where that is not plain."""
    for step in place[:-1]:
        known = kind.model_fields.get(step) if isinstance(step, str) else None
        inner = None if known is None else known.annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        kind = inner
    return list(kind.model_fields)


def _parse_toml(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_TOML_BYTES:
        raise InputError("file", f"must hold at most {MAX_TOML_BYTES} bytes", "more")
    if any(line.count(b".") > MAX_LINE_DOTS for line in data.splitlines()):
        raise InputError("file", f"must hold at most {MAX_LINE_DOTS} dots a line", "more")
    try:
        return tomllib.loads(data.decode())
    except ValueError as error:  # not UTF-8, not TOML, or an integer past Python's limit on digits
        raise InputError("document", "must be TOML", " ".join(str(error).split())) from None
    except RecursionError:
        raise InputError("document", "must be TOML", "nesting far too deep") from None
