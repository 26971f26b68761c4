"""What a solver's answers depend on beside its parameters, by content: modules, files, folders, libraries.

Modules from site-packages and Python's own library count by the version of their distribution. All others
count by their bytes: the modules that were loaded, and those that the source of one of them names.
"""

import ast
import importlib.util
import inspect
import json
import os
import site
import sys
import sysconfig
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.machinery import all_suffixes
from importlib.metadata import Distribution, PackageNotFoundError, distributions, entry_points, version
from itertools import accumulate, chain
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, Self

import mincache
from mincache.files.documents import digest

_MACHINERY = ("bench", "board", "cli", "judging", "paper", "scoring", "site")
"""Rooms of mincache that run and show solvers: no answer depends on them."""
_COMPILED = "__pycache__"
"""A folder that Python fills while it runs."""


class Content(NamedTuple):
    """A file or folder, and what it held when a campaign was planned.

    Attributes:
        name: what it is called wherever it lies.
        sha256: of its bytes, or of its names and bytes if it is a folder.
        stamp: time of its last change and size, by which an unchanged file is known; "" for a folder.
    """

    name: str
    path: str
    sha256: str
    stamp: str

    @classmethod
    def of(cls, path: Path, name: str = "") -> Self:
        """Return what a file or folder holds now."""
        return cls(name or path.name, str(path), content_of(path), _stamp(path))

    def holds(self) -> bool:
        """Return whether it still is what it was."""
        path = Path(self.path)
        return bool(self.stamp and _stamp(path) == self.stamp) or content_of(path) == self.sha256


class Dumped:
    """A dataclass that travels between processes as JSON, whose lists become tuples again."""

    def dump(self) -> bytes:
        """Return it as JSON."""
        return json.dumps(vars(self)).encode()

    @classmethod
    def parse(cls, data: str | bytes) -> Self:
        """Return what is in the JSON that `dump` wrote."""
        fields: dict[str, Any] = json.loads(data)
        listed = {name: tuple(one) for name, one in fields.items() if isinstance(one, list)}
        if "contents" in listed:
            listed["contents"] = tuple(Content(*one) for one in listed["contents"])
        return cls(**fields | listed)


def content_of(path: Path) -> str:
    """Return a SHA-256 of a file's bytes, or of a folder's names and contents; "" for anything else."""
    try:
        if path.is_file():
            return digest(path.read_bytes())
        if path.is_dir():
            inside = [[one.name, content_of(one)] for one in sorted(path.iterdir()) if one.name != _COMPILED]
            return digest(json.dumps(inside).encode())
    except OSError:
        pass  # it has gone meanwhile, or may not be read
    return ""


def _stamp(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_ctime_ns} {found.st_size}" if path.is_file() else ""


def digest_of(contents: Iterable[Content]) -> str:
    """Return a SHA-256 over names and contents, wherever they lie; "" if there are none."""
    found = sorted([one.name, one.sha256] for one in contents)
    return digest(json.dumps(found).encode()) if found else ""


def files_digest(paths: Iterable[Path]) -> str:
    """Return `digest_of` files, known by name and content."""
    return digest_of(Content.of(path) for path in paths)


def changed(contents: Iterable[Content], libraries: Mapping[str, str]) -> str:
    """Return what is no longer as planned, in a few words; "" if all is."""
    files = (one.name for one in contents if not one.holds())
    versions = (f"the version of {name}" for name, then in libraries.items() if _version(name) != then)
    return next(chain(files, versions), "")


def modules_of(kind: type, loaded: Iterable[str]) -> tuple[list[Content], set[str]]:
    """Return the modules from outside site-packages that a class needs, and the top-level names of all."""
    waiting = [*(base.__module__ for base in kind.__mro__), *loaded]
    found: dict[str, Content] = {}
    names: set[str] = set()
    while waiting:
        name = waiting.pop()
        top = name.partition(".")[0]
        if name in names or top in ("__main__", "__mp_main__"):
            continue
        names.add(name)
        if top == "mincache":
            continue  # see `_core`
        for path, called in _files_of(name):
            if str(path) not in found:
                found[str(path)] = Content.of(path, called)
                waiting += _imports_of(path)
    for path, called in _core():
        found.setdefault(str(path), Content.of(path, called))
    return list(found.values()), {name.partition(".")[0] for name in names}


def libraries_of(tops: Iterable[str]) -> dict[str, str]:
    """Return the versions of the distributions that top-level modules come from, and of those always used."""
    found = {one.name for top in {*tops, "numpy"} for one in _homes().get(top, ())} | {"mincache"}
    return {name: _version(name) for name in sorted(found, key=str.lower)}


def libraries_loaded(loaded: Iterable[str]) -> tuple[str, ...]:
    """Return those of the loaded modules that come from site-packages, but from no package with solvers."""
    solvers = {entry.dist.name for entry in entry_points(group="mincache.solvers") if entry.dist}

    def is_library(name: str) -> bool:
        top, file = name.partition(".")[0], getattr(sys.modules.get(name), "__file__", None)
        known = {one.name for one in _homes().get(top, ())}
        return bool(known) and solvers.isdisjoint(known) and isinstance(file, str) and not _is_outside(file)

    return tuple(name for name in loaded if is_library(name))


@cache
def _homes() -> dict[str, list[Distribution]]:
    """Return what `packages_distributions` does, which also parses all metadata: ten times the time."""
    homes: dict[str, list[Distribution]] = defaultdict(list)
    for one in distributions():
        declared = (one.read_text("top_level.txt") or "").split()
        for top in set(declared) or _recorded(one.read_text("RECORD") or ""):
            homes[top].append(one)
    return homes


def _recorded(lines: str) -> set[str]:
    """Return the top-level names of the files that a distribution's record lists."""
    parts = (line.partition(",")[0].partition("/") for line in lines.splitlines())
    return {top if inside else inspect.getmodulename(top) or top for top, inside, _ in parts}


def modules_beside(path: Path) -> list[Path]:
    """Return the files beside a file that it imports, and those that they import in turn; nothing is run."""
    found = [path]
    for here in found:  # which grows on the way
        near = (here.with_name(f"{name.partition('.')[0]}.py") for name in _imports_of(here))
        found += [one for one in dict.fromkeys(near) if one not in found and one.is_file()]
    return found[1:]


def late_modules(before: set[str], contents: Iterable[Content], home: str) -> dict[str, str]:
    """Return the modules that came in since `before` and that no plan knows: path from `home`, SHA-256."""
    known = {one.path for one in contents}
    files = {path for name in set(sys.modules) - before for path, _ in _files_of(name, whole=False)}
    core = (Path(mincache.__file__).parent, *package_folders("mincache.solvers"))  # which counts as a whole
    late = (path for path in files if not any(path.is_relative_to(folder) for folder in core))
    unknown = sorted(path for path in late if str(path) not in known)
    return {os.path.relpath(path, home or "/"): content_of(path) for path in unknown}


def _files_of(name: str, whole: bool = True) -> Iterator[tuple[Path, str]]:
    """Yield the files of a module from outside site-packages; of a package all, if it counts as a whole."""
    for part in accumulate(name.split("."), "{}.{}".format):
        module = sys.modules.get(part)
        file, folders = _origin(part, module)
        if folders and whole:
            for folder in folders:
                yield from _python_files(Path(folder), part)
        elif file and part == name and _is_outside(file):
            yield Path(file), Path(file).name if "." not in part else part.replace(".", "/")


def _origin(name: str, module: ModuleType | None) -> tuple[str, list[str]]:
    """Return the file of a module and the folders of a package, loaded or not."""
    try:
        if module is not None:
            file, folders = getattr(module, "__file__", None), list(getattr(module, "__path__", ()))
        elif "." in name:
            return "", []  # finding it would load what it is a part of
        else:
            spec = importlib.util.find_spec(name)
            file = spec.origin if spec is not None and spec.has_location else None
            folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    except Exception:  # a module may be anything
        return "", []
    outside = [str(one) for one in folders if isinstance(one, str) and _is_outside(one)]
    named = isinstance(file, str) and os.path.isabs(file)  # a made-up module may have a made-up name
    return (str(file) if named else ""), outside


def _python_files(folder: Path, name: str) -> Iterator[tuple[Path, str]]:
    for path, folders, files in os.walk(folder):
        folders[:] = [one for one in folders if one != _COMPILED and not one.startswith(".")]
        for file in files:
            if file.endswith(tuple(all_suffixes())):
                yield Path(path, file), f"{name}/{os.path.relpath(os.path.join(path, file), folder)}"


@cache
def _core() -> Sequence[tuple[Path, str]]:
    """Return what of mincache an answer may depend on; nothing where it is installed, and has a version."""
    home = Path(mincache.__file__).parent
    if not _is_outside(str(home)):
        return ()
    rooms = [one for one in sorted(home.iterdir()) if one.name not in (*_MACHINERY, _COMPILED)]
    found = [(one, f"mincache/{one.name}") for one in rooms if one.suffix == ".py"]
    for room in rooms:
        if room.is_dir():
            found += _python_files(room, f"mincache/{room.name}")
    for folder in package_folders("mincache.solvers"):
        found += _python_files(folder, "mincache.solvers")
    return found


@cache
def package_folders(name: str) -> tuple[Path, ...]:
    """Return the folders of a package; none where it is not installed."""
    spec = importlib.util.find_spec(name)
    return tuple(map(Path, spec.submodule_search_locations or ())) if spec is not None else ()


@cache
def installed() -> tuple[str, ...]:
    """Return the folders whose modules belong to a distribution, or to Python."""
    paths = sysconfig.get_paths()
    named = [paths[one] for one in ("stdlib", "platstdlib", "purelib", "platlib")]
    # Environments may share the libraries of another one.
    named += [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    named += [*site.getsitepackages(), site.getusersitepackages()]
    return tuple({os.path.realpath(one) for one in named})


def _is_outside(path: str) -> bool:
    real = os.path.realpath(path)
    return not real.startswith(tuple(f"{one}{os.sep}" for one in installed()))


def _imports_of(path: Path) -> list[str]:
    """Return the modules that a source names in imports, wherever they stand in it."""
    if path.suffix != ".py":
        return []
    try:
        nodes = list(ast.walk(ast.parse(path.read_bytes())))
    except (OSError, SyntaxError, ValueError, RecursionError):
        return []
    found = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return found + [n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module and not n.level]


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
