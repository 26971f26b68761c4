"""Relative paths as the one who typed them meant them, and folders that can be written to."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, TypeVar, cast

from mincache.errors import DocumentError, InputError

_Read = TypeVar("_Read", bound=Callable[..., Any])

STARTED_IN = "MINCACHE_STARTED_IN"
"""The environment variable with the folder in which the bench was started; a run works in an empty one."""

CACHE_VARIABLE = "MINCACHE_CACHE"
"""The environment variable that names the folder of what is drawn on first use."""

_LONGEST_SCRIPT_BYTES = 1 << 20


def absolute_path(path: str | os.PathLike[str]) -> Path:
    """Return a path that a user gave as an absolute one, wherever this process works now."""
    return Path(os.environ.get(STARTED_IN) or os.getcwd(), path)


def real_path(path: str | os.PathLike[str]) -> Path:
    """Return a path with its links followed, as far as they lead: they may go in circles."""
    return Path(os.path.realpath(path))


def script_files(path: Path) -> list[Path]:
    """Return a script, the files of its kind beside it that its text names, and what those name in turn."""
    found: list[Path] = []
    waiting = [path]
    while waiting:
        here = waiting.pop()
        if here in found or not here.is_file():
            continue
        found.append(here)
        if not here.suffix or here.stat().st_size > _LONGEST_SCRIPT_BYTES:
            continue
        words = set(re.findall(r"[\w-]+", here.read_text(errors="replace")))
        kin = (one for one in here.parent.iterdir() if one.suffix == here.suffix)
        waiting += [one for one in kin if one.stem in words]
    return found


def file_stamp(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    """Return what changes when a file is written, its time, ns, and its size; None where there is none."""
    if not os.path.isfile(path):
        return None
    status = os.stat(path)
    return status.st_mtime_ns, status.st_size


def kept_while_same(files: int) -> Callable[[_Read], _Read]:
    """Return a decorator that keeps what was read from so many files, each as long as it stays the same.

    It is for functions of a path, and of what else can be hashed, without names of arguments.
    """

    def decorate(read: _Read) -> _Read:
        kept = lru_cache(maxsize=files)(lambda stamp, path, *others: read(path, *others))
        return cast(_Read, wraps(read)(lambda path, *others: kept(file_stamp(path), path, *others)))

    return decorate


def make_folder(path: str | os.PathLike[str], advice: str = "") -> None:
    """Make a folder and those above it, unless it is there."""
    with _written_to(path, advice):
        Path(path).mkdir(parents=True, exist_ok=True)


@contextmanager
def _written_to(folder: str | os.PathLike[str], advice: str = "") -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # a ValueError: what no folder can be called
        reason = getattr(error, "strerror", None) or str(error)
        raise DocumentError(os.fspath(folder), "must be a folder to write to", reason, advice) from None


@contextmanager
def folder_aside(folder: Path) -> Iterator[Path]:
    """Yield a new folder inside `folder`, for files until all are whole; what is left in it goes in the end.

    So do folders that had to be made for it, unless something is in them by then.
    """
    from tempfile import TemporaryDirectory  # which no run needs

    made = [one for one in (folder, *folder.parents) if not one.exists()]
    make_folder(folder)
    try:
        with _written_to(folder):
            made_aside = TemporaryDirectory(dir=folder, prefix=".new-")
        with made_aside as aside:
            yield Path(aside)
    finally:
        for one in made:
            with suppress(OSError):
                one.rmdir()


def cache_folder() -> Path:
    """Return the user's cache folder: `$MINCACHE_CACHE`, else `mincache` in `$XDG_CACHE_HOME` or ~/.cache."""
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named).absolute()
    try:
        common = os.environ.get("XDG_CACHE_HOME", "")
        # The convention ignores a relative path there.
        return (Path(common) if os.path.isabs(common) else Path.home() / ".cache") / "mincache"
    except RuntimeError:
        advice = f"set {CACHE_VARIABLE} to a folder"
        raise InputError("cache folder", "must be known", "no home folder", advice) from None
