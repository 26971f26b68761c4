"""Solvers handed over as Python objects, written as text that a child makes them of.

A child loads a solver by its installed name or from a file. A class of a notebook, or of the script that
runs, has no file that could be imported. So its source is written to one: the class, the functions, classes
and plain constants that it uses, and the imports for the rest.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import symtable
import sys
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from typing import Any, NoReturn

from mincache.errors import InputError, excerpt
from mincache.files.documents import write_bytes
from mincache.files.paths import make_folder
from mincache.solving import registry
from mincache.solving import spec as specs
from mincache.solving.contract import Solver
from mincache.solving.entrant import absolute

_ADVICE = "make it a parameter, or move the solver to a file"


def spec_of(solver: str | Solver | type[Solver], folder: Path) -> str:
    """Return the text that a child makes a solver of; the source of a notebook's class goes into `folder`."""
    if isinstance(solver, str):
        return absolute(solver)
    made = registry.as_solver(solver)
    kind = type(made)
    if not is_dataclass(kind):
        _refuse(kind, "must be a dataclass derived from mincache.Solver", "none", "write @dataclass above it")
    target = registry.name_of(kind) or f"{_file_of(kind, folder)}:{kind.__name__}"
    values, hints = registry.needed_parameters(made), registry.hints(kind)
    for name, value in values.items():
        where = f"solver {kind.__name__}.{name}"
        if specs.read(specs.written(value, hints[name]), hints[name], where) != value:
            raise InputError(where, "must be a value that text can give", excerpt(value))
    return registry.spell(target, kind, values)


def _file_of(kind: type[Solver], folder: Path) -> Path:
    """Return the file that defines a class, written to `folder` if there is none to import."""
    if "<locals>" in kind.__qualname__ or "." in kind.__qualname__:
        _refuse(kind, "must be defined at the top level of a file or a cell", kind.__qualname__)
    if kind.__module__ != "__main__":
        try:
            return Path(inspect.getfile(kind)).resolve()
        except (OSError, TypeError):
            _refuse(kind, "must be defined in a file or a cell", f"one of {kind.__module__!r}")
    path = folder.resolve() / f"{kind.__name__}.py"
    make_folder(path.parent)
    write_bytes(path, source_of(kind).encode())
    return path


def source_of(kind: type[Solver]) -> str:
    """Return a module that defines a class of `__main__` with all that it uses there.

    Raises:
        InputError: if the source of a part is not to be found, or a value has no source.
    """
    module = _Module(kind, vars(sys.modules[kind.__module__]))
    module.define(kind)
    future = ["from __future__ import annotations"] if module.future else []
    parts = [*future, *sorted(module.imports), *module.constants, *module.definitions]
    return "\n".join([f'"""{kind.__name__}, as it was defined in {kind.__module__}."""', *parts]) + "\n"


@dataclass
class _Module:
    """A module in the making."""

    kind: type[Solver]
    namespace: Mapping[str, Any]
    imports: set[str] = field(default_factory=set)
    constants: list[str] = field(default_factory=list)
    definitions: list[str] = field(default_factory=list)
    future: bool = False
    seen: set[str] = field(default_factory=set)

    def define(self, thing: type | types.FunctionType) -> None:
        """Add a class or function, and before it what it uses."""
        source = self._source(thing)
        for name in sorted(_global_names(source)):
            if name in self.namespace and name not in self.seen:
                self.seen.add(name)
                self._add(name, self.namespace[name], source)
        self.definitions.append(f"\n\n{source.rstrip()}")

    def _add(self, name: str, value: Any, source: str) -> None:
        if value is self.kind:
            return
        if isinstance(value, types.ModuleType):
            self._import(name, value, source)
        elif (
            isinstance(value, type | types.FunctionType)
            and value.__module__ == self.kind.__module__
            and value.__name__ == name
        ):
            self.define(value)
        elif home := _home(name, value, self.kind.__module__):
            self.imports.add(home)
        elif _is_plain(value):
            self.constants.append(f"{name} = {value!r}")
        else:
            rule = "must use only imports, functions, classes and plain constants"
            _refuse(self.kind, rule, f"{name}, of type {type(value).__name__}", _ADVICE)

    def _import(self, name: str, module: types.ModuleType, source: str) -> None:
        self.imports.add(f"import {module.__name__}{_renamed(module.__name__, name)}")
        for node in ast.walk(ast.parse(source)):  # `import a.b` binds a alone
            text = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
            if text.startswith(f"{name}.") and (part := module.__name__ + text[len(name) :]) in sys.modules:
                self.imports.add(f"import {part}")

    def _source(self, thing: type | types.FunctionType) -> str:
        """Return the text of a definition with its decorators."""
        for code in _codes(thing):
            lines = linecache.getlines(code.co_filename)
            for node in _definitions(lines):
                first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
                last = node.end_lineno or 0
                if node.name == thing.__name__ and first <= code.co_firstlineno <= last:
                    self.future |= bool(code.co_flags & annotations.compiler_flag)
                    return "".join(lines[first - 1 : last])
        what = "solver" if thing is self.kind else "its"
        rule = f"must have its source in a file or a cell, {what} {thing.__name__} too"
        _refuse(self.kind, rule, "none to be found", "move the solver to a file")


def _refuse(kind: type, rule: str, received: str, advice: str = "") -> NoReturn:
    raise InputError(f"solver {kind.__name__}", rule, received, advice)


def _codes(thing: type | types.FunctionType) -> Iterator[types.CodeType]:
    """Yield the code of a function, or of each method of a class."""
    for part in [thing] if isinstance(thing, types.FunctionType) else vars(thing).values():
        plain = inspect.unwrap(getattr(part, "__func__", getattr(part, "fget", None) or part))
        if isinstance(plain, types.FunctionType):
            yield plain.__code__


def _definitions(lines: list[str]) -> Iterator[ast.ClassDef | ast.FunctionDef]:
    """Yield the classes and functions at the top level of a file or a cell."""
    try:
        body = ast.parse("".join(lines)).body
    except SyntaxError:
        return
    yield from (node for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef))


def _global_names(source: str) -> set[str]:
    """Return the names in the source of a definition that mean something outside it."""
    tables, found = [symtable.symtable(source, "<source>", "exec")], set()
    for table in tables:
        tables += table.get_children()
        top = table.get_type() == "module"
        found |= {s.get_name() for s in table.get_symbols() if s.is_global() or (top and s.is_referenced())}
    return found


def _home(name: str, value: Any, but: str) -> str | None:
    """Return the statement that imports a value under a name, from any module `but` one; None without any."""
    module = getattr(value, "__module__", None)
    if not isinstance(module, str) or module == but or module not in sys.modules:
        return None
    names = [getattr(value, attribute, None) for attribute in ("__qualname__", "__name__", "_name")]
    for candidate in [*names, name]:
        if isinstance(candidate, str) and getattr(sys.modules[module], candidate, None) is value:
            return f"from {module} import {candidate}{_renamed(candidate, name)}"
    return None


def _renamed(was: str, name: str) -> str:
    return "" if was == name else f" as {name}"


def _is_plain(value: Any) -> bool:
    """Return whether a value is what its text says: numbers, text, None, and containers of them."""
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return False
