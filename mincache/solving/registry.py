"""Solvers by name: entry points for installed ones, `file.py:ClassName` for one's own.

A solver is written `name`, `name[parameter=value,...]` or `path/file.py:ClassName[...]`, the same on the
command line, in Python and in experiment files. Parameters are the fields of the solver's dataclass.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import os
import re
import sys
import types
import typing
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from mincache.errors import InputError, MincacheError, MissingExtraError, did_you_mean, excerpt
from mincache.solving.contract import Solver

GROUP = "mincache.solvers"
"""The entry-point group that plugins declare their solvers in."""

_SPEC = re.compile(r"(?P<target>[^\[\]]+)(?:\[(?P<parameters>.*)\])?", re.DOTALL)
_QUOTES_CLOSED = re.compile(r"""(?:[^"']|"[^"]*"|'[^']*')*""")
_EXTRAS = {
    "pyomo": "pyomo", "highspy": "pyomo", "pyscipopt": "pyomo",
    "pymoo": "genetic",
    "torch": "ddpg", "gymnasium": "ddpg", "safetensors": "ddpg",
    "numba": "compiled",
    "mpmath": "certify",
    "distributed": "dask",
}  # fmt: skip


def names() -> list[str]:
    """Return the names of the installed solvers, sorted."""
    return sorted(_entry_points())


def load(name: str) -> type[Solver]:
    """Return the class of a solver: an installed one's name, or `path/file.py:ClassName`.

    Raises:
        InputError: if there is none of that name, or it is no solver.
        MissingExtraError: if a library that it needs is not installed.
    """
    path, separator, class_name = name.rpartition(":")
    if separator and path.endswith(".py"):
        found = _from_file(Path(path), class_name)
    else:
        entry = _entry_points().get(name)
        if entry is None:
            raise InputError(
                "solver", "must be installed, or FILE.py:CLASS", excerpt(name), did_you_mean(name, names())
            )
        try:
            found = entry.load()
        except (Exception, SystemExit) as error:  # a plugin may fail in any way
            raise _not_importable(f"solver {name!r}", error) from error
    if not (isinstance(found, type) and issubclass(found, Solver) and dataclasses.is_dataclass(found)):
        raise InputError("solver", "must be a dataclass derived from mincache.Solver", excerpt(name))
    return found


def make(spec: str) -> Solver:
    """Return the solver that `spec` writes, such as `genetic[population=50,generations=200]`.

    Raises:
        InputError: if it cannot be parsed, or a parameter is unknown or of the wrong type.
        MissingExtraError: if a library that it needs is not installed.
    """
    match = _SPEC.fullmatch(spec.strip())
    if match is None:
        raise InputError("solver", "must look like name[parameter=value,...]", excerpt(spec))
    kind = load(match["target"])
    hints = _hints(kind)
    known = {f.name: hints[f.name] for f in dataclasses.fields(kind) if f.init}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for item in _split(match["parameters"] or ""):
        parameter, separator, text = (part.strip() for part in item.partition("="))
        field = f"solver {match['target']}"
        if not separator:
            raise InputError(field, "parameters must look like name=value", excerpt(item))
        if parameter not in known:
            raise InputError(
                field, "must have the parameter", excerpt(parameter), did_you_mean(parameter, list(known))
            )
        if parameter in values:
            raise InputError(f"{field}.{parameter}", "must be given once", "it twice")
        values[parameter] = _parse(text, known[parameter], f"{field}.{parameter}")
    try:
        return kind(**values)
    except MincacheError:
        raise
    except Exception as error:  # what the class makes of its parameters is its own affair
        received = f"{type(error).__name__}: {error}"
        raise InputError(f"solver {match['target']}", "must accept its parameters", received) from error


def parameters(solver: Solver) -> dict[str, Any]:
    """Return the parameters of a solver by name, defaults included."""
    return {f.name: getattr(solver, f.name) for f in dataclasses.fields(solver) if f.init}  # type: ignore[arg-type]


def missing_extra(what: str, error: ModuleNotFoundError) -> MincacheError:
    """Return the error that tells which extra to install for `what`; an unknown module stays as it is."""
    module = error.name or ""
    if not _is_missing(module):
        raise error  # a bug, not a missing library
    extra = _EXTRAS.get(module)
    install = f"pip install 'mincache[{extra}]'" if extra else f"install {module}"
    return MissingExtraError(f"{what} needs {module}, which is not installed: {install}")


@cache
def _entry_points() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _is_missing(module: str) -> bool:
    # Of a library that is there, a part alone can be missing: then the name has a dot.
    return "." not in module and module not in ("", "mincache")


def _from_file(path: Path, class_name: str) -> object:
    if not os.path.isfile(path):
        raise InputError("solver", "must name an existing file", excerpt(str(path)))
    module_spec = importlib.util.spec_from_file_location(f"mincache_user_{path.stem}", path)
    if module_spec is None or module_spec.loader is None:
        raise InputError("solver", "must name a Python file", excerpt(str(path)))
    module = importlib.util.module_from_spec(module_spec)
    # Dataclasses look their module up by name while they are made.
    sys.modules[module_spec.name] = module
    try:
        module_spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a script without a main guard may exit
        del sys.modules[module_spec.name]
        raise _not_importable(f"solver {path}", error) from error
    if not hasattr(module, class_name):
        classes = [name for name, value in vars(module).items() if isinstance(value, type)]
        raise InputError(
            f"solver {path}", "must define the class", excerpt(class_name), did_you_mean(class_name, classes)
        )
    return getattr(module, class_name)


def _not_importable(what: str, error: BaseException) -> MincacheError:
    if isinstance(error, ModuleNotFoundError) and _is_missing(error.name or ""):
        return missing_extra(what, error)
    return InputError(what, "must be importable", f"{type(error).__name__}: {error}")


def _hints(kind: type[Solver]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind)
    except Exception as error:  # an annotation is any expression
        rule = "must annotate its parameters with types that exist"
        raise InputError(f"solver {kind.__name__}", rule, f"{type(error).__name__}: {error}") from None


def _split(text: str) -> list[str]:
    """Split at commas outside quotes, so that a quoted value may hold one."""
    if not _QUOTES_CLOSED.fullmatch(text):
        raise InputError("solver", "must close its quotes", excerpt(text))
    items = re.findall(r"""(?:[^,"']|"[^"]*"|'[^']*')+""", text)
    return [item for item in items if item.strip()]


def _parse(text: str, hint: Any, field: str) -> Any:
    union = typing.get_origin(hint) in (types.UnionType, typing.Union)
    kinds = typing.get_args(hint) if union else (hint,)
    quoted = len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'"
    if types.NoneType in kinds and text.lower() == "none" and not quoted:
        return None
    kinds = tuple(kind for kind in kinds if kind is not types.NoneType)
    for kind in kinds:
        with contextlib.suppress(KeyError, TypeError, ValueError):
            return _value(text[1:-1] if quoted else text, kind)
    raise InputError(field, "must be " + " or ".join(map(_described, kinds)), excerpt(text))


def _value(text: str, kind: Any) -> Any:
    if choices := _choices(kind):
        return choices[text]
    if typing.get_origin(kind) or kind in (list, tuple, set, dict):
        raise TypeError(f"no text is read as {kind}")
    return kind(text)


def _choices(kind: Any) -> dict[str, Any]:
    if kind is bool:
        return {"true": True, "false": False, "True": True, "False": False}
    if typing.get_origin(kind) is typing.Literal:
        return {str(choice): choice for choice in typing.get_args(kind)}
    return {}


def _described(kind: Any) -> str:
    if kind is bool:
        return "true or false"
    choices = _choices(kind)
    return "one of " + ", ".join(choices) if choices else f"a {getattr(kind, '__name__', kind)}"
