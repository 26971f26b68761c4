"""One strict base for every TOML and JSON table, and every refusal in one line of our own words."""

import os
import re
import tomllib
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field, ValidationError

from mincache.errors import InputError, did_you_mean, excerpt, in_file
from mincache.files.documents import read_bytes
from mincache.problem.instance import NAME_PATTERN, check_name

MAX_TOML_BYTES = 4 * 1024 * 1024
"""A TOML file may not be larger than this; that of a suite of 10,000 instances holds about 2 MB."""
# tomllib takes microseconds for each value and line, and more for each part of a dotted key. A suite of
# 10,000 instances and as many cases has about 160,000 values, 160,000 lines and 20,000 dots in headers.
_MAX_VALUES, _MAX_LINES, _MAX_KEY_DOTS, _MAX_DOTS_A_LINE = 180_000, 300_000, 30_000, 1000
_MAX_DEPTH_TIMES_LINES = 1_000_000  # every key is looked up through all tables of its header
_UNION_MEMBER = re.compile(r"float|int|str|function-.*|[A-Z]\w*")  # what pydantic calls one in a place
_LONG_NUMBER = re.compile(rb"[0-9A-Fa-f_]{5000}")  # tomllib needs 100 bytes of memory a digit

_Table = TypeVar("_Table", bound="StrictTable")
_Item = TypeVar("_Item")


class _FirstError(FailFast):
    """Says that what follows the first item that is wrong is not looked at; in unions it must be hashed."""

    def __hash__(self) -> int:
        return hash(type(self))


STOP = _FirstError()
ListOf = Annotated[list[_Item], STOP]
"""A list, up to the first item that is wrong."""
TupleOf = Annotated[tuple[_Item, ...], Field(strict=False), STOP]
"""A tuple that is read from a list, up to the first item that is wrong."""
PairOf = Annotated[tuple[_Item, _Item], Field(strict=False), STOP]
"""Two, read from a list."""
Whole = Annotated[int, Field(ge=0, le=2**53)]
"""A whole number from 0, such as an index."""
Count = Annotated[int, Field(ge=1, le=2**53)]
"""How many: a whole number from 1."""
Seed = Annotated[int, Field(ge=0, le=2**128 - 1)]
"""The root of random streams."""

PlainName = Annotated[
    str,
    AfterValidator(partial(check_name, field="")),
    Field(json_schema_extra={"pattern": f"^{NAME_PATTERN}$"}),
]
"""The name of an instance, a suite or a scenario."""


class StrictTable(BaseModel):
    """A frozen table of known keys only; numbers are finite, and nothing is converted silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def read_toml(path: str | os.PathLike[str], kind: type[_Table]) -> _Table:
    """Read a TOML file as a table of this kind."""
    with in_file(path):
        return validated(kind, _parse_toml(read_bytes(path)))


def validated(kind: type[_Table], fields: Mapping[str, Any]) -> _Table:
    """Return the table of this kind with these fields."""
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise refusal(kind, error) from None


_RULES = {
    "missing": "must be present",
    "extra_forbidden": "must be a known field",
    "greater_than": "must be > {gt}",
    "greater_than_equal": "must be >= {ge}",
    "less_than": "must be < {lt}",
    "less_than_equal": "must be <= {le}",
    "finite_number": "must be finite",
    "too_short": "must hold at least {min_length}",
    "string_too_short": "must not be empty",
    "too_long": "must hold at most {max_length}",
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "must match {pattern}",
}  # fmt: skip
_KINDS = {
    "int": "a whole number", "float": "a number", "bool": "true or false", "string": "text",
    "tuple": "a list", "list": "a list", "dict": "a table", "model": "a table", "mapping": "a table",
}  # fmt: skip


def refusal(kind: type[StrictTable], error: ValidationError) -> InputError:
    """Return the first error that pydantic found in a table of this kind, in our own words."""
    first = error.errors(include_url=False)[0]
    reason, place, context = first["type"], first["loc"], first.get("ctx", {})
    if reason not in ("missing", "extra_forbidden"):  # which end with a key of the user's
        place = tuple(step for step in place if not _UNION_MEMBER.fullmatch(str(step)))
    field = ".".join(map(str, place))
    raised = context.get("error")
    if isinstance(raised, InputError):
        where = ".".join(filter(None, (field, raised.field)))
        return InputError(where, raised.rule, raised.received, raised.advice)
    received, advice = excerpt(first["input"]), ""
    if reason == "missing":
        received = "nothing"
    elif reason == "extra_forbidden":
        known = _known_fields(kind, place)
        received, advice = "an unknown one", did_you_mean(str(place[-1]), known) if known else ""
    limits = {name: _limit(value) for name, value in context.items()}
    rule = _RULES[reason].format(**limits) if reason in _RULES else ""
    rule = rule or (str(raised) if raised else f"must be {_KINDS.get(reason.partition('_')[0], 'valid')}")
    return InputError(field or "document", rule, received, advice)


def _limit(value: object) -> str:
    if isinstance(value, int) and value > 2**64:
        return f"2^{value.bit_length()} - 1"
    return f"{value:.17g}" if isinstance(value, float) else str(value)


def _known_fields(kind: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """Return the names of the fields beside the one at `place`, or none where that is not plain."""
    for step in place[:-1]:
        known = kind.model_fields.get(step) if isinstance(step, str) else None
        inner = None if known is None else known.annotation
        found = (one for one in (inner, *get_args(inner)) if isinstance(one, type))
        kind = next((one for one in found if issubclass(one, BaseModel)), BaseModel)
    return [field.alias or name for name, field in kind.model_fields.items()]


def _parse_toml(data: bytes) -> dict[str, Any]:
    _at_most(MAX_TOML_BYTES, "bytes", len(data))
    _check_effort(data)
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except ValueError as error:  # not UTF-8, not TOML, or an integer past Python's limit on digits
        raise InputError("document", "must be TOML", " ".join(str(error).split())) from None
    except RecursionError:
        raise InputError("document", "must be TOML", "nesting far too deep") from None


def _check_effort(data: bytes) -> None:
    """Check that tomllib will be done in a second or so."""
    _at_most(_MAX_VALUES, "values", sum(map(data.count, (b"=", b",", b"[", b"{", b"#"))))
    _at_most(_MAX_LINES, "lines", data.count(b"\n") + 1)
    if _LONG_NUMBER.search(data):
        raise InputError("file", "must hold numbers of at most 5000 digits", "a longer one")
    dots, depth = 0, 0
    lines = data.split(b"\n")
    for line in lines:
        if b"." not in line:
            continue
        _at_most(_MAX_DOTS_A_LINE, "dots a line", line.count(b"."))
        key = line.partition(b"=")[0]
        quoted = b'"' in key or b"'" in key
        header = line.lstrip().startswith(b"[")
        dots += (line if header or quoted or b"{" in line else key).count(b".")
        if header and (quoted or b"," not in line):  # else it is a row of numbers
            depth = max(depth, line.count(b"."))
    _at_most(_MAX_KEY_DOTS, "dots in keys", dots)
    _at_most(_MAX_DEPTH_TIMES_LINES, "lines times dots in a header", depth * len(lines))


def _at_most(limit: int, what: str, received: int) -> None:
    if received > limit:
        raise InputError("file", f"must hold at most {limit} {what}", str(received))
