"""Reading and writing the two JSON documents, `mincache-instance/1` and `mincache-solution/1`.

A document comes from anywhere: bytes, brackets and nesting are capped, every key and number is checked.
"""

import hashlib
import io
import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np

from mincache.errors import DocumentError, InputError, did_you_mean, excerpt, in_file, of_kind
from mincache.files.packing import packed, reading, unpacked
from mincache.problem.instance import NAME_CHARACTERS, NAME_PATTERN, PARTS, Instance
from mincache.problem.quantity import quantities
from mincache.problem.solution import Solution

INSTANCE_FORMAT = "mincache-instance/1"
SOLUTION_FORMAT = "mincache-solution/1"

# What a document may hold at most, for reading to take little memory and time.
MAX_BYTES = 64 * 1024 * 1024  # packed or unpacked
MAX_PROOF_BYTES = 1024 * 1024 * 1024  # of a certificate, whose trees may have millions of nodes
MAX_VALUES, MAX_CONTAINERS, MAX_KEYS = 4_000_000, 1_000_000, 250_000
MAX_TEXT_BYTES = 32 * 1024 * 1024  # of other than ASCII, one character of which widens a string in memory
MAX_DEPTH = 32  # its numbers stand 4 deep, only `origin` is free

# In Python and some other languages `$` holds before a line break at the end too.
_NAME_SCHEMA = {"type": "string", "pattern": rf"^(?!\.+$){NAME_PATTERN}(?!\n)$", "maxLength": NAME_CHARACTERS}
_INFINITY = float("inf")  # what a number too large for a float is read as


def read_instance(path: str | os.PathLike[str]) -> Instance:
    """Read an instance from a `.json` or `.json.gz` file.

    Example:
        >>> import mincache
        >>> mincache.write_instance(mincache.load("smoke-v1.l0.n10.t0"), "mine.json.gz")
        >>> mincache.read_instance("mine.json.gz")
        Instance('smoke-v1.l0.n10.t0': 10 slots, 10 users, 10 models)
    """
    with in_file(path):
        return parse_instance(read_bytes(path))


def read_solution(path: str | os.PathLike[str]) -> Solution:
    """Read a solution from a `.json` or `.json.gz` file.

    Example:
        >>> import mincache
        >>> solution = mincache.Solution.nothing_cached(mincache.load("smoke-v1.l0.n10.t0"))
        >>> mincache.write_solution(solution, "answer.json")
        >>> mincache.read_solution("answer.json") == solution
        True
    """
    with in_file(path):
        return parse_solution(read_bytes(path))


def parse_instance(data: bytes) -> Instance:
    """Return the instance in the (unpacked) bytes of a document."""
    required = {"name", *_required_fields(Instance), *_required_sections()}
    document = _fields_in(data, Instance, INSTANCE_FORMAT, required)
    parts = {name: _section(name, kind, document[name]) for name, kind in PARTS.items() if name in document}
    if not isinstance(origin := document.get("origin", {}), dict):
        raise InputError("origin", "must be an object", excerpt(origin))
    return Instance(**(document | parts))


def parse_solution(data: bytes) -> Solution:
    """Return the solution in the (unpacked) bytes of a document."""
    return Solution(**_fields_in(data, Solution, SOLUTION_FORMAT, {f.name for f in fields(Solution)}))


def instance_bytes(instance: Instance) -> bytes:
    """Return the one canonical document of `instance`; what is optional and at its default is left out."""
    document = {"format": INSTANCE_FORMAT, "name": instance.name} | _plain(instance)
    document |= {name: plain for name in PARTS if (plain := _plain(getattr(instance, name)))}
    if instance.origin is not None:
        document["origin"] = dict(instance.origin)
    return _dump(document)


def solution_bytes(solution: Solution) -> bytes:
    """Return the one canonical document of `solution`."""
    return _dump({"format": SOLUTION_FORMAT, "instance": solution.instance} | _plain(solution))


def write_instance(instance: Instance, path: str | os.PathLike[str]) -> None:
    """Write `instance` to a `.json` or `.json.gz` file, replacing it in one step.

    Example:
        >>> import mincache
        >>> mincache.write_instance(mincache.load("smoke-v1.l0.n10.t0"), "mine.json.gz")
    """
    write_bytes(path, instance_bytes(of_kind("instance", instance, Instance)))


def write_solution(solution: Solution, path: str | os.PathLike[str]) -> None:
    """Write `solution` to a `.json` or `.json.gz` file, replacing it in one step.

    Example:
        >>> import mincache
        >>> solution = mincache.Solution.nothing_cached(mincache.load("smoke-v1.l0.n10.t0"))
        >>> mincache.write_solution(solution, "answer.json")
    """
    write_bytes(path, solution_bytes(of_kind("solution", solution, Solution)))


def json_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of the `instance` or the `solution` document."""
    if kind == "instance":
        extra: dict[str, Any] = {"format": {"const": INSTANCE_FORMAT}, "name": _NAME_SCHEMA}
        for name, part in PARTS.items():
            about = {"description": (part.__doc__ or "").splitlines()[0]}
            extra[name] = about | _object_schema(part, {}, set())
        schema = _object_schema(Instance, extra, {"format", "name", *_required_sections()})
        schema["properties"]["origin"] = {"type": "object", "description": "what drew it; prices nothing"}
    elif kind == "solution":
        extra = {"format": {"const": SOLUTION_FORMAT}, "instance": _NAME_SCHEMA}
        schema = _object_schema(Solution, extra, set(extra))
    else:
        raise InputError("kind", "must be 'instance' or 'solution'", excerpt(kind))
    title = f"mincache {kind}"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title} | schema


def _object_schema(kind: type, extra: dict[str, Any], required: set[str]) -> dict[str, Any]:
    properties = extra | {name: meaning.json_schema() for name, meaning in quantities(kind).items()}
    known = {"properties": properties, "required": sorted(required | _required_fields(kind))}
    return {"type": "object", **known, "additionalProperties": False}


def digest(data: bytes) -> str:
    """Return the SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def read_bytes(path: str | os.PathLike[str], most: int = MAX_BYTES) -> bytes:
    """Return the content of a file of at most so many bytes, unpacked if its name ends in `.gz`."""
    path = Path(path)
    with reading():
        if not path.exists():
            raise InputError("file", "must exist", "no such file")
        if not path.is_file():
            raise InputError("file", "must be a regular file", "a folder, device or pipe")
        _check_size(path.stat().st_size, most)
        with path.open("rb") as stream:
            data = stream.read(most + 1)
        return _content(data, most, gzipped=path.suffix == ".gz")


def read_stream(stream: IO[bytes]) -> bytes:
    """Return what a stream such as standard input holds, unpacked if it is gzip, at most `MAX_BYTES`."""
    with reading():
        data = stream.read(MAX_BYTES + 1)
        return _content(data, MAX_BYTES, gzipped=data.startswith(b"\x1f\x8b"))


def _content(data: bytes, most: int, gzipped: bool) -> bytes:
    _check_size(len(data), most)
    if gzipped:
        pieces, data = unpacked(io.BytesIO(data), piece_bytes=most + 1), b""
        for piece in pieces:  # one, unless it is too large
            data += piece
            _check_size(len(data), most)
    return data


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file in one step, packed if it ends in `.gz` or `.xz`; an interruption leaves the old one."""
    data = packed(data, Path(path).suffix)
    try:
        path = Path(os.path.realpath(path))  # a link stays one
        if path.exists() and not path.is_file():  # a pipe or a terminal
            path.write_bytes(data)
            return
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            part.write_bytes(data)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except (OSError, ValueError) as error:  # a ValueError: what no file can be called
        reason = getattr(error, "strerror", None) or str(error)
        raise DocumentError(f"{path}: file", "must be writable", reason) from None


def parse_json(data: bytes) -> dict[str, Any]:
    """Return the object in strict JSON: UTF-8, finite numbers, no key twice, capped size and nesting."""
    _check_size(len(data))
    containers, keys = data.count(b"[") + data.count(b"{"), data.count(b":")
    for what, count, most in (
        ("values", containers + data.count(b","), MAX_VALUES),
        ("arrays and objects", containers, MAX_CONTAINERS),
        ("keys", keys, MAX_KEYS),
    ):
        if count > most:
            raise InputError("document", f"must hold at most {most} {what}", str(count))
    if len(data) > MAX_TEXT_BYTES and not data.isascii():
        raise InputError("document", f"must be ASCII beyond {MAX_TEXT_BYTES} bytes", "other characters")
    try:
        document = json.loads(
            data.decode("utf-8-sig"),  # some editors begin a file with a byte order mark
            object_pairs_hook=_unique, parse_constant=_refuse_constant,
        )  # fmt: skip
    except UnicodeDecodeError as error:
        raise InputError("document", "must be UTF-8", f"byte {error.start} is not") from None
    except json.JSONDecodeError as error:
        where = f"{error.msg} at line {error.lineno} column {error.colno}"
        raise InputError("document", "must be JSON", where) from None
    except RecursionError:
        raise InputError("document", f"must nest at most {MAX_DEPTH} deep", "more") from None
    except InputError:
        raise
    except ValueError:  # json's refusal of an integer past Python's limit on digits
        rule, received = "must hold finite numbers only", "an integer of thousands of digits"
        raise InputError("document", rule, received) from None
    if not isinstance(document, dict):
        raise InputError("document", "must be an object", type(document).__name__)
    _check_values(document, MAX_DEPTH)
    return document


def _check_size(count: int, most: int = MAX_BYTES) -> None:
    if count > most:
        raise InputError("file", f"must hold at most {most} bytes, packed and unpacked", "more")


def _check_values(value: object, left: int) -> None:
    if left < 0:
        raise InputError("document", f"must nest at most {MAX_DEPTH} deep", "more")
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if _INFINITY in inner or -_INFINITY in inner:  # far faster than a look at each number while parsing
        raise InputError("document", "must hold finite numbers only", "one too large for a float")
    if {list, dict}.isdisjoint(map(type, inner)):
        return  # the usual long row of numbers, without a look at each in Python
    for item in inner:
        if isinstance(item, list | dict):
            _check_values(item, left - 1)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen = dict(pairs)
    if len(seen) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise InputError(excerpt(twice), "must appear once in its object", "twice")
    return seen


def _refuse_constant(text: str) -> NoReturn:
    raise InputError("document", "must hold finite numbers only", text)


def _required_fields(kind: type) -> set[str]:
    return {name for name, meaning in quantities(kind).items() if meaning.default is None}


def _required_sections() -> set[str]:
    return {name for name, kind in PARTS.items() if _required_fields(kind)}


def _fields_in(data: bytes, kind: type, tag: str, required: set[str]) -> dict[str, Any]:
    """Return the fields in a document of this format."""
    document = parse_json(data)
    received = document.pop("format", None)
    if received != tag:
        raise InputError("format", f"must be {tag!r}", excerpt(received))
    _check_names("", document, {"format", *(f.name for f in fields(kind))}, required)
    return document


def _section(name: str, kind: type, value: object) -> Any:
    if not isinstance(value, dict):
        raise InputError(name, "must be an object", excerpt(value))
    _check_names(f"{name}.", value, set(quantities(kind)), _required_fields(kind))
    return kind(**value)


def _check_names(prefix: str, value: Mapping[str, Any], known: set[str], required: set[str]) -> None:
    for key in value:
        if key not in known:
            plain = key.isidentifier() and len(key) <= 40
            field = prefix + (key if plain else excerpt(key))
            advice = did_you_mean(key[:40], sorted(known))
            raise InputError(field, "must be a known key", "an unknown one", advice)
    for key in sorted(required - value.keys()):
        raise InputError(prefix + key, "must be present", "nothing")


def _plain(part: Any) -> dict[str, Any]:
    """Return the quantities of a part as JSON values, without those at their default."""
    written = _required_fields(type(part)).union(part.used)
    values = {name: getattr(part, name) for name in quantities(type(part)) if name in written}
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()
    }


def _dump(document: dict[str, Any]) -> bytes:
    try:
        text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:  # all else has been checked
        raise InputError("origin", "must hold JSON values only", str(error)) from None
    return text.encode() + b"\n"
