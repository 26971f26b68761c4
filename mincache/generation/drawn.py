"""Instances that are kept as recipes alone: drawn on first use into the user's cache folder."""

import os
from collections.abc import Callable
from pathlib import Path

from mincache.errors import InputError
from mincache.files.documents import digest, read_bytes, write_bytes
from mincache.files.paths import make_folder
from mincache.problem.instance import check_name

CACHE_VARIABLE = "MINCACHE_CACHE"
"""The environment variable that names the cache folder."""


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


def drawn_file(name: str, sha256: str, draw: Callable[[], bytes]) -> Path:
    """Return the file of an instance in the cache folder; drawn where none or a damaged one is."""
    folder = cache_folder() / "instances"
    path = folder / f"{check_name(name, 'name')}.{sha256[:16]}.json"
    if path.is_file() and digest(read_bytes(path)) == sha256:
        return path  # else it is damaged, and drawn again
    data = draw()
    if digest(data) != sha256:
        rule, received = f"must be {sha256[:12]}..., as listed", f"{digest(data)[:12]}..., as drawn"
        raise InputError(f"{name}: sha256", rule, received, "see: mincache instances verify")
    make_folder(folder, f"set {CACHE_VARIABLE} to a folder that is")
    write_bytes(path, data)
    return path
