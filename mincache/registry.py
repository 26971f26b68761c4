"""Solvers by name: entry points for installed ones, `file.py:ClassName` for one's own.

A solver is written `name`, `name[parameter=value,...]` or `path/file.py:ClassName[...]`, the same on the
command line, in Python and in experiment files. Parameters are the fields of the solver's dataclass.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib.util
import re
import sys
import types
import typing
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from mincache.errors import InputError, MincacheError, MissingExtraError, shown
from mincache.solver import Solver

GROUP = "mincache.solvers"
"""The entry-point group that plugins declare their solvers in."""

_SPEC = re.compile(r"(?P<target>[^\[\]]+)(?:\[(?P<parameters>.*)\])?", re.DOTALL)
_EXTRAS = {
    "pyomo": "pyomo", "highspy": "pyomo", "pyscipopt": "pyomo",
    "pymoo": "genetic",
    "torch": "ddpg", "gymnasium": "ddpg", "safetensors": "ddpg",
    "numba": "compiled",
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
                "solver", "must be installed, or FILE.py:CLASS", shown(name), _suggest(name, names())
            )
        try:
            found = entry.load()
        except ModuleNotFoundError as error:
            raise missing_extra(f"solver {name!r}", error) from None
        except Exception as error:  # a plugin may fail in any way
            raise _not_importable(f"solver {name!r}", error) from error
    if not (isinstance(found, type) and issubclass(found, Solver) and dataclasses.is_dataclass(found)):
        raise InputError("solver", "must be a dataclass derived from mincache.Solver", shown(name))
    return found


def make(spec: str) -> Solver:
    """Return the solver that `spec` writes, such as `genetic[population=50,generations=200]`.

    Raises:
        InputError: if it cannot be parsed, or a parameter is unknown or of the wrong type.
        MissingExtraError: if a library that it needs is not installed.
    """
    match = _SPEC.fullmatch(spec.strip())
    if match is None:
        raise InputError("solver", "must look like name[parameter=value,...]", shown(spec))
    kind = load(match["target"])
    hints = _hints(kind)
    known = {f.name: hints[f.name] for f in dataclasses.fields(kind) if f.init}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for item in _split(match["parameters"] or ""):
        parameter, separator, text = (part.strip() for part in item.partition("="))
        field = f"solver {match['target']}"
        if not separator:
            raise InputError(field, "parameters must look like name=value", shown(item))
        if parameter not in known:
            raise InputError(
                field, "must have the parameter", shown(parameter), _suggest(parameter, list(known))
            )
        if parameter in values:
            raise InputError(f"{field}.{parameter}", "must be given once", "it twice")
        values[parameter] = _parse(text, known[parameter], f"{field}.{parameter}")
    try:
        return kind(**values)
    except MincacheError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(f"solver {match['target']}", "must accept its parameters", str(error)) from None


def parameters(solver: Solver) -> dict[str, Any]:
    """Return the parameters of a solver by name, defaults included."""
    return {f.name: getattr(solver, f.name) for f in dataclasses.fields(solver) if f.init}  # type: ignore[arg-type]


def missing_extra(what: str, error: ModuleNotFoundError) -> MincacheError:
    """Return the error that tells which extra to install for `what`; an unknown module stays as it is."""
    module = (error.name or "").partition(".")[0]
    if module in ("", "mincache"):
        raise error  # a bug, not a missing library
    extra = _EXTRAS.get(module)
    install = f"pip install 'mincache[{extra}]'" if extra else f"install {module}"
    return MissingExtraError(f"{what} needs {module}, which is not installed: {install}")


@cache
def _entry_points() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _from_file(path: Path, class_name: str) -> object:
    if not path.is_file():
        raise InputError("solver", "must name an existing file", shown(str(path)))
    module_spec = importlib.util.spec_from_file_location(f"mincache_user_{path.stem}", path)
    if module_spec is None or module_spec.loader is None:
        raise InputError("solver", "must name a Python file", shown(str(path)))
    module = importlib.util.module_from_spec(module_spec)
    # Dataclasses look their module up by name while they are made.
    sys.modules[module_spec.name] = module
    try:
        module_spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "mincache").partition(".")[0] == "mincache":
            raise _not_importable(f"solver {path}", error) from error
        raise missing_extra(f"solver {path}", error) from None
    except (Exception, SystemExit) as error:  # a script without a main guard may exit
        raise _not_importable(f"solver {path}", error) from error
    if not hasattr(module, class_name):
        classes = [name for name, value in vars(module).items() if isinstance(value, type)]
        raise InputError(
            f"solver {path}", "must define the class", shown(class_name), _suggest(class_name, classes)
        )
    return getattr(module, class_name)


def _not_importable(what: str, error: BaseException) -> InputError:
    return InputError(what, "must be importable", f"{type(error).__name__}: {error}")


def _hints(kind: type[Solver]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind)
    except NameError as error:
        raise InputError(
            f"solver {kind.__name__}", "must annotate its parameters with types that exist", str(error)
        ) from None


def _suggest(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    listed = ", ".join(known) or "none"
    return f"did you mean {close[0]!r}?" if close else f"known: {listed}"


def _split(text: str) -> list[str]:
    """Split at commas outside quotes, so that a quoted value may hold one."""
    return [item for item in re.findall(r"""(?:[^,"']|"[^"]*"|'[^']*')+""", text) if item.strip()]


def _parse(text: str, hint: Any, field: str) -> Any:
    union = typing.get_origin(hint) in (types.UnionType, typing.Union)
    options = typing.get_args(hint) if union else (hint,)
    if text.lower() == "none" and type(None) in options:
        return None
    kind = next(option for option in options if option is not type(None))
    quoted = len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'"
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise InputError(field, "must be true or false", shown(text))
        return text.lower() == "true"
    if typing.get_origin(kind) is typing.Literal:
        allowed = [str(choice) for choice in typing.get_args(kind)]
        if text not in allowed:
            raise InputError(field, "must be one of " + ", ".join(allowed), shown(text))
        return text
    try:
        return kind(text[1:-1] if quoted else text)
    except (TypeError, ValueError):
        raise InputError(field, f"must be a {getattr(kind, '__name__', kind)}", shown(text)) from None
