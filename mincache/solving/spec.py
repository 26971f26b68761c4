"""How a solver is written: `name`, `name[parameter=value,...]` or `path/file.py:ClassName[...]`.

This module alone reads and spells it. A value may stand in quotes, which keep commas and the spaces at its
ends. Within double quotes, `""` means one of them; all else, a backslash too, means itself. Quoted text is
never None, and is read as text wherever the parameter takes text. In a grid, `[a,b]` lists values.
"""

import contextlib
import itertools
import math
import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any, Self

from mincache.errors import InputError, excerpt

_FILE = r"(?:[^\[\]]|\[[^\[\]]*\])+?\.py(?::\w+)?"  # whose folders may have brackets, in pairs
_SPEC = re.compile(rf"(?P<target>{_FILE}|[^\[\]]+)(?:\[(?P<parameters>.*)\])?", re.DOTALL)
_QUOTES_CLOSED = re.compile(r"""(?:[^"']|"[^"]*"|'[^']*')*""")
_ITEM = re.compile(r"""(?:[^,"']|"[^"]*"|'[^']*')+""")
_LIST = r"""\[(?:[^"'\[\]]|"[^"]*"|'[^']*')*\]"""
_MOST_SETTINGS = 100_000
_NAMES = {int: "a whole number", float: "a number", str: "text", Path: "a path"}
_ITEM_OR_LIST = re.compile(rf"""(?:{_LIST}|[^,"']|"[^"]*"|'[^']*')+""")


@dataclass(frozen=True)
class WrittenValue:
    """A parameter's value as it is written, without quotes; what it means depends on the parameter's type."""

    text: str
    quoted: bool = False

    def __str__(self) -> str:
        if not self.quoted:
            return self.text
        bare = f'"{self.text}"'
        return bare if _is_read_as(bare, self) else '"' + self.text.replace('"', '""') + '"'


@dataclass(frozen=True)
class Spec:
    """A solver as it is written: `target` is what the registry loads, a name or `path/file.py:ClassName`."""

    target: str
    parameters: Mapping[str, WrittenValue] = field(default_factory=dict)

    def __str__(self) -> str:
        return spell(self.target, self.parameters)

    def extended(self, more: Mapping[str, object]) -> Self:
        """Return the spec with further parameters.

        Raises:
            InputError: if one of them is given already.
        """
        for parameter in more:
            if parameter in self.parameters:
                raise InputError(f"solver {self.target}.{parameter}", "must be given once", "twice")
        added = {parameter: written(value) for parameter, value in more.items()}
        return replace(self, parameters={**self.parameters, **added})


def parse(text: str) -> Spec:
    """Return what `text` writes, such as `genetic[population=50,generations=200]`.

    Raises:
        InputError: if it has another form, or gives a parameter twice.
    """
    match = _SPEC.fullmatch(text.strip())
    if match is None:
        raise InputError("solver", "must look like name[parameter=value,...]", excerpt(text))
    target = match["target"].strip()
    return Spec(target, parse_parameters(match["parameters"] or "", target))


def expand(text: str) -> list[str]:
    """Return the solvers that a grid writes, such as `genetic[population=[20,50],generations=[10,20]]`.

    Each value in brackets is taken with each of the other lists. Without a list, the text is returned.

    Raises:
        InputError: if a list is empty.
    """
    match = _SPEC.fullmatch(text.strip())
    if match is None or not match["parameters"]:
        return [text]
    items = _ITEM_OR_LIST.findall(match["parameters"])
    grid = [_listed(item, match["target"]) for item in items]
    if all(listed is None for listed in grid):
        return [text]
    choices = [listed or [item] for listed, item in zip(grid, items, strict=True)]
    if math.prod(map(len, choices)) > _MOST_SETTINGS:
        raise InputError("solver", f"must write at most {_MOST_SETTINGS} settings", excerpt(text))
    return [f"{match['target']}[{','.join(chosen)}]" for chosen in itertools.product(*choices)]


def _listed(item: str, target: str) -> list[str] | None:
    """Return an item of a grid once for each value that it lists; None if it lists none."""
    parameter, _, value = item.partition("=")
    if not re.fullmatch(_LIST, value.strip()):
        return None
    values = [one for one in _ITEM.findall(value.strip()[1:-1]) if one.strip()]
    if not values:
        raise InputError(f"solver {target.strip()}.{parameter.strip()}", "must list a value", "[]")
    return [f"{parameter}={one}" for one in values]


def parse_parameters(text: str, target: str) -> dict[str, WrittenValue]:
    """Return what stands between the brackets of a solver, by parameter.

    Raises:
        InputError: if it has another form, or gives a parameter twice.
    """
    if not _QUOTES_CLOSED.fullmatch(text):
        raise InputError("solver", "must close its quotes", excerpt(text))
    values: dict[str, WrittenValue] = {}
    for item in filter(str.strip, _ITEM.findall(text)):
        parameter, separator, value = (part.strip() for part in item.partition("="))
        if not separator:
            advice = "a list of values is for: mincache run" if re.search(f"={_LIST}", text) else ""
            rule = "parameters must look like name=value"
            raise InputError(f"solver {target}", rule, excerpt(item), advice)
        if parameter in values:
            raise InputError(f"solver {target}.{parameter}", "must be given once", "twice")
        values[parameter] = _without_quotes(value)
    return values


def _without_quotes(text: str) -> WrittenValue:
    if len(text) < 2 or text[0] != text[-1] or text[0] not in "\"'":
        return WrittenValue(text)
    inner = text[1:-1]
    return WrittenValue(inner.replace('""', '"') if text[0] == '"' else inner, quoted=True)


def _is_read_as(text: str, value: WrittenValue) -> bool:
    return bool(_ITEM.fullmatch(f"={text}")) and _without_quotes(text) == value


def spell(target: str, parameters: Mapping[str, object], hints: Mapping[str, Any] | None = None) -> str:
    """Return the text that `parse` reads as this solver; by `hints`, text is quoted where it must be."""
    spelled = [f"{name}={written(value, (hints or {}).get(name, str))}" for name, value in parameters.items()]
    return f"{target}[{','.join(spelled)}]" if spelled else target


def written(value: object, hint: Any = str) -> WrittenValue:
    """Return a value as it is written for a parameter of type `hint`; quoted only where it must be."""
    if isinstance(value, WrittenValue):
        return value
    if value is None or isinstance(value, bool):
        return WrittenValue(str(value).lower())
    if isinstance(value, Enum):
        value = value.value if isinstance(value.value, str) else value.name
    plain, quoted = WrittenValue(str(value)), WrittenValue(str(value), quoted=True)
    return plain if _stands_plain(plain.text) and not _misread(value, plain, quoted, hint) else quoted


def _stands_plain(text: str) -> bool:
    return (
        text == text.strip()
        and not text.startswith("[")  # that begins a list of a grid
        and text.lower() != "none"
        and not set(",'") & set(text)
        and _is_read_as(text, WrittenValue(text))
    )


def _misread(value: object, plain: WrittenValue, quoted: WrittenValue, hint: Any) -> bool:
    """Return whether text would be read as another type, and quotes prevent that."""
    bare, told = (next(_readings(one, hint), None) for one in (plain, quoted))
    return isinstance(value, str) and bare != value == told


def read(value: WrittenValue, hint: Any, where: str) -> Any:
    """Return what a value means for a parameter: of a union, the first type that takes the text."""
    for found in _readings(value, hint):
        return found
    kinds = [kind for kind in _kinds(hint) if kind is not types.NoneType]
    raise InputError(where, "must be " + " or ".join(map(_described, kinds)), excerpt(value.text))


def _readings(value: WrittenValue, hint: Any) -> Iterator[Any]:
    """Yield what a value may mean, likeliest first."""
    kinds = _kinds(hint)
    if types.NoneType in kinds and value.text.lower() == "none" and not value.quoted:
        yield None
        return
    found = (meaning for kind in kinds for meaning in _meanings(value.text, kind))
    yield from sorted(found, key=lambda one: not isinstance(one, str)) if value.quoted else found


def _kinds(hint: Any) -> tuple[Any, ...]:
    union = typing.get_origin(hint) in (types.UnionType, typing.Union)
    kinds = typing.get_args(hint) if union else (hint,)
    literals = [typing.get_args(kind) for kind in kinds if typing.get_origin(kind) is typing.Literal]
    return (*kinds, types.NoneType) if any(None in listed for listed in literals) else kinds


def _meanings(text: str, kind: Any) -> Iterator[Any]:
    choices = _choices(kind)
    if text in choices:
        yield choices[text]
    elif kind is Path and not text:
        return  # it would be the current folder
    elif not typing.get_origin(kind) and kind not in (bool, list, tuple, set, dict, types.NoneType):
        with contextlib.suppress(KeyError, TypeError, ValueError):
            yield kind(text)


def _choices(kind: Any) -> dict[str, Any]:
    """Return the values of a type that has only so many, by what they are written as."""
    if kind is bool:
        return {"true": True, "false": False, "True": True, "False": False}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {written(choice).text: choice for choice in kind}
    if typing.get_origin(kind) is typing.Literal:
        listed = [choice for choice in typing.get_args(kind) if choice is not None]
        return {text: choice for choice in listed for text in (written(choice).text, str(choice))}
    return {}


def choices(hint: Any) -> list[str]:
    """Return how each value is written of a parameter's type that has only so many; [] of any other."""
    values = (value for kind in _kinds(hint) for value in _choices(kind).values())
    return list(dict.fromkeys(written(value).text for value in values))


def _described(kind: Any) -> str:
    if kind is bool:
        return "true or false"
    choices = _choices(kind)
    return (
        "one of " + ", ".join(choices)
        if choices
        else _NAMES.get(kind, f"a {getattr(kind, '__name__', kind)}")
    )
