"""An entrant: a solver with its parameters, as it takes part in a campaign.

A solver's module may do anything when it is imported, so describing one happens in a child; the
supervisor knows solvers by their descriptions alone.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from importlib.metadata import entry_points, packages_distributions, version
from pathlib import Path
from typing import Any

from mincache.files.documents import digest
from mincache.files.paths import absolute_path
from mincache.solving import registry
from mincache.solving import spec as specs
from mincache.solving.contract import Solver


@dataclass(frozen=True)
class Entrant:
    """A solver as a campaign knows it.

    Attributes:
        target: what the registry loads, any path absolute.
        spec: the target with its parameters, any path absolute: what a child makes the solver of.
        name: the registered name, or `file.py:ClassName`.
        label: the name and the parameters that differ from their defaults.
        stochastic: whether several repetitions are worth running.
        kind: the solver's kind, for readers of tables.
        source: SHA-256 of its source file.
        files: SHA-256 over the other files that its answers depend on; empty if there are none.
        version: of the distribution it came with; empty for a file.
        parameters: all of them, as JSON values.
        libraries: versions of the distributions that loading it imported, by name.
    """

    target: str
    spec: str
    name: str
    label: str
    stochastic: bool = False
    kind: str = "heuristic"
    source: str = ""
    files: str = ""
    version: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)

    def dump(self) -> bytes:
        """Return the entrant as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def parse(cls, data: bytes) -> Entrant:
        """Return the entrant in the JSON that `dump` wrote."""
        return cls(**json.loads(data))

    @staticmethod
    def source_of(kind: type[Solver]) -> str:
        """Return the SHA-256 of the file that defines a solver."""
        file = inspect.getsourcefile(kind)
        return digest(Path(file).read_bytes()) if file else ""

    @staticmethod
    def files_of(solver: Solver) -> str:
        """Return `files_digest` of a solver's files."""
        return files_digest(solver.data_files())


def files_digest(paths: Iterable[Path]) -> str:
    """Return a SHA-256 over the names and contents of files, wherever they lie; empty if there are none."""
    found = sorted([path.name, digest(path.read_bytes())] for path in paths)
    return digest(json.dumps(found).encode()) if found else ""


def describe(spec: str) -> Entrant:
    """Return the entrant that `spec` writes. It imports the solver: call it in a child.

    Raises:
        InputError: if there is no such solver, or a parameter is wrong.
        MissingExtraError: if a library that it needs is not installed.
    """
    before = set(sys.modules)
    solver = registry.make(spec)
    kind = type(solver)
    target = specs.parse(spec).target
    name = _name(target)
    values = registry.parameters(solver)
    needed = registry.needed_parameters(solver)
    return Entrant(
        target=target,
        spec=registry.spell(target, kind, {key: _absolute(value) for key, value in needed.items()}),
        name=name,
        label=registry.spell(name, kind, {key: _labelled(value) for key, value in needed.items()}),
        stochastic=bool(kind.stochastic),
        kind=str(kind.kind),
        source=Entrant.source_of(kind),
        files=Entrant.files_of(_with_absolute_paths(solver)),
        version=_version(target),
        parameters={key: _plain(value) for key, value in values.items()},
        libraries=_libraries(set(sys.modules) - before),
    )


def absolute(spec: str) -> str:
    """Return `spec` with the path of a solver's file made absolute; other specs as they are."""
    target = specs.parse(spec).target
    path, separator, class_name = target.rpartition(":")
    if not (separator and path.endswith(".py")):
        return spec.strip()
    return f"{Path(path).resolve()}:{class_name}{spec.strip().removeprefix(target)}"


def unknown(spec: str) -> Entrant:
    """Return the entrant of a spec that could not be described, since its import does not end well."""
    written = specs.parse(spec)
    path = written.target.rpartition(":")[0]
    source = digest(Path(path).read_bytes()) if path.endswith(".py") and Path(path).is_file() else ""
    name = _name(written.target)
    return Entrant(written.target, spec, name, specs.spell(name, written.parameters), source=source)


def _name(target: str) -> str:
    path, separator, class_name = target.rpartition(":")
    return f"{Path(path).name}:{class_name}" if separator else target


def _version(target: str) -> str:
    found = entry_points(group=registry.GROUP, name=target)
    return next((entry.dist.version for entry in found if entry.dist), "")


def _absolute(value: Any) -> Any:
    return absolute_path(value).resolve() if isinstance(value, Path) else value


def _labelled(value: Any) -> Any:
    return specs.written(_plain(value)) if isinstance(value, Path) else value


def _with_absolute_paths(solver: Solver) -> Solver:
    """Return the solver as a child is told to make it."""
    paths = {key: _absolute(v) for key, v in registry.parameters(solver).items() if isinstance(v, Path)}
    return dataclasses.replace(solver, **paths) if paths else solver  # type: ignore[type-var]  # every solver is a dataclass


def _plain(value: Any) -> Any:
    """Return a parameter as a JSON value; a file or folder by its name and content, wherever it lies."""
    if isinstance(value, Path):
        content = _content(absolute_path(value))
        return f"{value.name}@{content[:12]}" if content else value.name
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def _content(path: Path) -> str:
    """Return a SHA-256 of a file's bytes, or of a folder's names and contents; empty for anything else."""
    if path.is_file():
        return digest(path.read_bytes())
    if path.is_dir():
        inside = [[one.name, _content(one)] for one in sorted(path.iterdir())]
        return digest(json.dumps(inside).encode())
    return ""


def _libraries(modules: set[str]) -> dict[str, str]:
    tops = {name.partition(".")[0] for name in modules} | {"numpy"}
    homes = packages_distributions()
    found = {dist for top in tops for dist in homes.get(top, ())}
    return {dist: version(dist) for dist in sorted(found, key=str.lower)}
