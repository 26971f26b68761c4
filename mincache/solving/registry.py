"""Solvers by name: entry points for installed ones, `file.py:ClassName` for one's own."""

import ast
import dataclasses
import importlib.util
import os
import sys
import typing
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from mincache.errors import InputError, MincacheError, MissingExtraError, did_you_mean, excerpt, line_of
from mincache.files.paths import absolute_path, real_path
from mincache.solving import spec as specs
from mincache.solving.contract import Solver

GROUP = "mincache.solvers"
"""The entry-point group that plugins declare their solvers in."""

_EXTRAS = {
    "pyomo": "pyomo", "highspy": "pyomo", "pyscipopt": "pyomo",
    "pymoo": "genetic",
    "torch": "ddpg", "gymnasium": "ddpg",
    "stable_baselines3": "sb3",
    "numba": "compiled",
    "mpmath": "certify",
    "xarray": "data",
    "distributed": "dask",
    "optuna": "tune",
}  # fmt: skip


def names() -> list[str]:
    """Return the names of the installed solvers, sorted."""
    return sorted(_entry_points())


def load(name: str) -> type[Solver]:
    """Return the class of a solver: an installed one's name, `path/file.py:ClassName` or `path/file.py`."""
    path, _, class_name = name.rpartition(":")
    if name.endswith(".py"):
        found = _from_file(Path(name), only_solver(Path(name)))
    elif path.endswith(".py"):
        found = _from_file(Path(path), class_name)
    else:
        entry = _entry_points().get(name)
        if entry is None:
            advice = did_you_mean(name, names())
            raise InputError("solver", "must be installed, or FILE.py:CLASS", excerpt(name), advice)
        try:
            found = entry.load()
        except (Exception, SystemExit) as error:  # a plugin may fail in any way
            raise _not_importable(f"solver {name!r}", error) from error
    if not (isinstance(found, type) and issubclass(found, Solver) and dataclasses.is_dataclass(found)):
        raise InputError("solver", "must be a dataclass derived from mincache.Solver", excerpt(name))
    return found


def only_solver(path: Path) -> str:
    """Return the name of the one solver in a file, which is read, not run."""
    try:
        tree = ast.parse(absolute_path(path).read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = excerpt(getattr(error, "strerror", None) or str(error))
        raise InputError("solver", "must be a Python file that can be read", reason) from None
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.bases]
    extended = {base.id for node in classes for base in node.bases if isinstance(base, ast.Name)}
    own = {node.name: {getattr(one, "name", "") for one in node.body}
           for node in classes if node.name not in extended and not node.name.startswith("_")}  # fmt: skip
    answering = [name for name, methods in own.items() if methods & {"solve", "begin"}]
    found = answering if len(own) > 1 else list(own)
    if len(found) != 1:
        listed = f"{path.name} has {' and '.join(own)}" if own else f"{path.name} has no class of that kind"
        raise InputError("solver", "must name the class, FILE.py:CLASS", listed)
    return found[0]


def make(spec: str) -> Solver:
    """Return the solver that `spec` writes, such as `genetic[population=50,generations=200]`.

    Raises:
        InputError: if it cannot be parsed, or a parameter is unknown or of the wrong type.
        MissingExtraError: if a library that it needs is not installed.
    """
    given = specs.parse(spec)
    kind, where = load(given.target), f"solver {given.target}"
    known = hints(kind)
    for parameter in given.parameters:
        if parameter not in known:
            advice = did_you_mean(parameter, list(known))
            raise InputError(where, "must have the parameter", excerpt(parameter), advice)
    values = _default_paths(kind) | {
        name: specs.read(text, known[name], f"{where}.{name}") for name, text in given.parameters.items()
    }
    return _made(kind, values, where)


def as_solver(solver: str | Solver | type[Solver]) -> Solver:
    """Return the solver that a text writes, a class makes with its defaults, or that is one already.

    Raises:
        InputError: if it is none of these, or `make` refuses the text.
        MissingExtraError: if a library that it needs is not installed.
    """
    if isinstance(solver, str):
        return make(solver)
    if isinstance(solver, Solver):
        return solver
    if isinstance(solver, type) and issubclass(solver, Solver):
        return _made(solver, _default_paths(solver), f"solver {solver.__name__}")
    rule = "must be text such as 'genetic[generations=30]', a mincache.Solver or a class derived from it"
    raise InputError("solver", rule, excerpt(solver))


def _made(kind: type[Solver], values: Mapping[str, object], where: str) -> Solver:
    # A solver may work in another folder than the one in which its paths were written.
    values = {name: absolute_path(one) if isinstance(one, Path) else one for name, one in values.items()}
    try:
        return kind(**values)
    except MincacheError:
        raise
    except (Exception, SystemExit) as error:  # what the class makes of its parameters is its own affair
        raise InputError(where, "must accept its parameters", line_of(error)) from error


def name_of(kind: type[Solver]) -> str | None:
    """Return the name that a solver's class is installed under, if any."""
    value = f"{kind.__module__}:{kind.__qualname__}"
    return next((name for name, entry in _entry_points().items() if entry.value == value), None)


def needed_parameters(solver: Solver) -> dict[str, Any]:
    """Return the parameters that bring all others with them: no defaults, and not what a preset brings."""
    kind, values = type(solver), parameters(solver)
    needed = {name: value for name, value in values.items() if value != _default(kind, name)}
    for name in list(needed) if len(needed) > 1 else ():
        fewer = {key: value for key, value in needed.items() if key != name}
        try:
            same = parameters(kind(**fewer)) == values
        except Exception:
            continue  # it is needed to go with the others
        needed = fewer if same else needed
    return needed


def _default(kind: type[Solver], name: str) -> Any:
    declared = next(f for f in dataclasses.fields(kind) if f.name == name)  # type: ignore[arg-type]
    if declared.default_factory is not dataclasses.MISSING:
        return declared.default_factory()
    return absolute_path(declared.default) if isinstance(declared.default, Path) else declared.default


def _default_paths(kind: type[Solver]) -> dict[str, Any]:
    """Return the parameters that are relative paths by default."""
    if not dataclasses.is_dataclass(kind):
        return {}
    declared = dataclasses.fields(kind)
    defaults = {f.name: f.default for f in declared if f.init and isinstance(f.default, Path)}
    return {name: path for name, path in defaults.items() if not path.is_absolute()}


def parameters(solver: Solver) -> dict[str, Any]:
    """Return the parameters of a solver by name, defaults included."""
    return {f.name: getattr(solver, f.name) for f in dataclasses.fields(solver) if f.init}  # type: ignore[arg-type]


def hints(kind: type[Solver]) -> dict[str, Any]:
    """Return the types of a solver's parameters by name.

    Raises:
        InputError: if an annotation names no type.
    """
    try:
        found = typing.get_type_hints(kind)
    except Exception as error:  # an annotation is any expression
        rule = "must annotate its parameters with types that exist"
        raise InputError(f"solver {kind.__name__}", rule, line_of(error)) from None
    return {f.name: found[f.name] for f in dataclasses.fields(kind) if f.init}  # type: ignore[arg-type]


def spell(target: str, kind: type[Solver], values: Mapping[str, object]) -> str:
    """Return how a solver of this class is written with these parameters, so that `make` reads the same."""
    return specs.spell(target, values, hints(kind))


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
    path = real_path(absolute_path(path))
    name = _module_name(path)
    if (folder := str(path.parent)) not in sys.path:
        sys.path.append(folder)  # what lies beside it can be imported, and hides nothing that is installed
    module_spec = importlib.util.spec_from_file_location(name, path)
    if module_spec is None or module_spec.loader is None:
        raise InputError("solver", "must name a Python file", excerpt(str(path)))
    module = importlib.util.module_from_spec(module_spec)
    # Dataclasses look their module up by name while they are made.
    sys.modules[module_spec.name] = module
    try:
        module_spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a script without a main guard may exit
        del sys.modules[module_spec.name]
        raise _not_importable(f"solver {path}", error, path.parent) from error
    if not hasattr(module, class_name):
        kinds = ((name, one) for name, one in vars(module).items() if isinstance(one, type))
        classes = [name for name, one in kinds if issubclass(one, Solver) and one is not Solver]
        advice = did_you_mean(class_name, classes)
        raise InputError(f"solver {path}", "must define the class", excerpt(class_name), advice)
    return getattr(module, class_name)


def _module_name(path: Path) -> str:
    """Return the name by which other processes find the module too; another one where that is taken."""
    if not path.stem.isidentifier():
        return f"mincache_user_{path.stem}"
    known = sys.modules.get(path.stem)
    if known is not None:
        origin = getattr(known, "__file__", "")
    else:
        origin = spec.origin if (spec := importlib.util.find_spec(path.stem)) is not None else None
    return path.stem if origin in (None, str(path)) else f"mincache_user_{path.stem}"


def _not_importable(what: str, error: BaseException, folder: Path | None = None) -> MincacheError:
    if isinstance(error, ModuleNotFoundError) and _is_missing(error.name or ""):
        if folder is None or error.name in _EXTRAS:
            return missing_extra(what, error)
        advice = f"install {error.name}, or put {error.name}.py into {folder}"
        return MissingExtraError(f"{what} needs {error.name}, which is not installed: {advice}")
    return InputError(what, "must be importable", line_of(error))
