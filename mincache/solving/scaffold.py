"""A solver of one's own to begin with, which works as it stands: a plugin package, or a single file."""

import importlib.util
import keyword
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template

import mincache
from mincache.errors import InputError, excerpt
from mincache.solving import registry

NAME_PATTERN = "[a-z][a-z0-9]*(-[a-z0-9]+)*"
"""What the name of a solver may look like (a regular expression for the whole name)."""

_PACKAGE = {
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "README.md.txt",
    "$module.py": "solver.py.txt",
    "tests/test_$module.py": "test_solver.py.txt",
}
"""Template by the path that it is written to."""


def write_package(name: str, folder: Path) -> list[Path]:
    """Write a package with a solver that is installed as `name`, and return its files.

    Raises:
        InputError: if the name cannot be used, or the folder holds something.
    """
    words = _words(name, name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(str(folder), "must be a new or empty folder", "one with something in it")
    paths = {folder / Template(path).substitute(words): template for path, template in _PACKAGE.items()}
    return [_write(path, template, words) for path, template in paths.items()]


def write_file(name: str, folder: Path) -> Path:
    """Write a single file with a solver into `folder`, and return its path.

    Raises:
        InputError: if the name cannot be used, or the file exists.
    """
    words = _words(name)
    path = folder / f"{words['module']}.py"
    if path.exists():
        raise InputError(str(path), "must not exist yet", "a file")
    return _write(path, "solver.py.txt", words)


def write_task(folder: Path, suite: str) -> list[Path]:
    """Write a task for programs that write solvers: its page, and an entry to begin with.

    Raises:
        InputError: if the folder has an entry already.
    """
    entry = write_file("entry", folder)
    page = _write(folder / "TASK.md", "TASK.md.txt", {**_words("entry"), "suite": suite})
    return [page, entry]


def _words(name: str, spec: str = "") -> Mapping[str, str]:
    """Return what the templates leave open."""
    if not re.fullmatch(NAME_PATTERN, name):
        rule = "must be words of [a-z0-9] with hyphens between"
        raise InputError("name", rule, excerpt(name), "such as my-solver")
    module = name.replace("-", "_")
    if name in registry.names():
        raise InputError("name", "must be free", f"the installed solver {name!r}", "choose another")
    if keyword.iskeyword(module) or importlib.util.find_spec(module) is not None:
        raise InputError("name", "must be free", f"the Python module {module!r}", "choose another")
    return {
        "name": name, "module": module, "class_name": class_name(name),
        "spec": spec or f"{module}.py:{class_name(name)}", "version": mincache.__version__,
    }  # fmt: skip


def class_name(name: str) -> str:
    """Return what the class of a solver is called: `MySolver` for `my-solver`."""
    return "".join(word.capitalize() for word in name.split("-"))


def _write(path: Path, template: str, words: Mapping[str, str]) -> Path:
    source = files("mincache.solving") / "solver_templates" / template
    text = Template(source.read_text("utf-8")).substitute(words)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(str(path), "must be writable", error.strerror or str(error)) from None
    return path
