"""JSON Schemas of the two documents, from the one definition that reading uses."""

from __future__ import annotations

from typing import Any

from mincache.errors import InputError, excerpt
from mincache.files.documents import INSTANCE_FORMAT, SOLUTION_FORMAT, required_fields, required_sections
from mincache.problem.instance import NAME_CHARACTERS, NAME_PATTERN, PARTS, Instance
from mincache.problem.quantity import quantities
from mincache.problem.solution import Solution

_NAME_SCHEMA = {"type": "string", "pattern": rf"^(?!\.+$){NAME_PATTERN}$", "maxLength": NAME_CHARACTERS}


def json_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of the `instance` or the `solution` document.

    Raises:
        InputError: for any other kind.
    """
    if kind not in ("instance", "solution"):
        raise InputError("kind", "must be 'instance' or 'solution'", excerpt(kind))
    if kind == "instance":
        parts = {name: _object_schema(part, {}, set()) for name, part in PARTS.items()}
        parts = {name: {"description": _first_line(PARTS[name])} | schema for name, schema in parts.items()}
        extra = {"format": {"const": INSTANCE_FORMAT}, "name": _NAME_SCHEMA, **parts}
        schema = _object_schema(Instance, extra, {"format", "name", *required_sections()})
        schema["properties"]["origin"] = {"type": "object", "description": "what drew it; prices nothing"}
    else:
        extra = {"format": {"const": SOLUTION_FORMAT}, "instance": _NAME_SCHEMA}
        schema = _object_schema(Solution, extra, set(extra))
    title = f"mincache {kind}"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title} | schema


def _object_schema(kind: type, extra: dict[str, Any], required: set[str]) -> dict[str, Any]:
    properties = extra | {name: meaning.json_schema() for name, meaning in quantities(kind).items()}
    known = {"properties": properties, "required": sorted(required | required_fields(kind))}
    return {"type": "object", **known, "additionalProperties": False}


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").splitlines()[0]
