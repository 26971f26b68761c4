"""Which form of the search's loops to run: plain Python for little work, compiled by numba for much.

Loading compiled loops takes as long as searching dozens of the paper's instances in plain Python, compiling
them far longer; then they are some thirty times faster. So a process changes over once that pays.
"""

import hashlib
import importlib.util
import logging
import os
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from mincache.errors import optional_library
from mincache.exact import frame_tree, search, serving, slot_loops

Loops = Callable[..., Any]
"""A function of `search`, `serving`, `frame_tree` or `slot_loops`, plain or compiled."""

_MODULES = {
    "search_frames": (serving, search),
    "serve_slots": (serving,),
    "search_tree": (serving, frame_tree),
    "price_toggle": (serving, slot_loops),
    "price_toggles": (serving, slot_loops),
}
_LARGE_WORK = 10_000  # users times slots, in units of a short search each
_PATIENCE_S = 0.5
_COMPILING_S = 30.0  # some three times what compiling takes
_plain_s = [0.0]  # seconds this process has spent in plain loops


def choose_loops(
    entry: str, work: float, compiled: bool | None = None, remaining_s: float = float("inf")
) -> Loops:
    """Return the function of this name in the form that fits for some `work`, in users times slots.

    `compiled` says which; by default it is the compiled one where that pays in the seconds left.
    """
    if compiled is None:
        pays = work > _LARGE_WORK or _plain_s[0] > _PATIENCE_S
        compiled = pays and _numba_compiles() and (remaining_s > _COMPILING_S or _is_compiled(entry))
    if compiled:
        loops: Loops = getattr(compiled_copy(*_MODULES[entry]), entry)
        return loops
    return partial(_run_plain, getattr(_MODULES[entry][-1], entry))


def _run_plain(loops: Loops, *arguments: Any) -> Any:
    start = time.monotonic()
    with np.errstate(over="ignore", invalid="ignore"):
        found = loops(*arguments)
    _plain_s[0] += time.monotonic() - start
    return found


def _numba_compiles() -> bool:
    """Return whether numba is installed and has not been told to leave functions as they are."""
    told = os.environ.get("NUMBA_DISABLE_JIT", "0")
    return told in ("", "0") and importlib.util.find_spec("numba") is not None


def _is_compiled(name: str) -> bool:
    """Return whether an entry has been compiled, by this process or one whose cache is found."""
    entry = getattr(compiled_copy(*_MODULES[name]), name)
    folder = entry.stats.cache_path
    on_disk = folder is not None and any(Path(folder).glob(f"*{entry.py_func.__qualname__}*.nbi"))
    return bool(entry.signatures) or on_disk


@cache
def compiled_copy(*modules: ModuleType) -> SimpleNamespace:
    """Return a copy of the last of these modules, each using those before, whose functions numba compiles."""
    sources = b"".join(Path(str(module.__file__)).read_bytes() for module in modules)
    digest = hashlib.sha256(sources).hexdigest()[:12]
    done: dict[FunctionType, Any] = {}
    for module in modules:
        names = dict(vars(module))
        for name, function in vars(module).items():
            if isinstance(function, FunctionType):
                if function.__module__ == module.__name__:
                    copy = FunctionType(function.__code__, names, name, function.__defaults__)
                    # numba's cache knows a function by its name and file, not by the files of those it calls.
                    copy.__qualname__ = f"{name}_{digest}"
                    done[function] = _compiled(copy)
                names[name] = done[function]
    return SimpleNamespace(**names)


@cache
def _tell_that_nothing_is_kept() -> None:
    logging.getLogger(__name__).warning(
        "note: compiled loops cannot be kept, so each process compiles them anew for about 15 s; "
        "set NUMBA_CACHE_DIR to a folder that can be written to"
    )


def _compiled(function: FunctionType) -> Any:
    njit = optional_library("numba", "compiled", "compiled loops need").njit
    # Loops that make no arrays need not count references to any, which would take most of their time.
    options: dict[str, Any] = {"cache": True, "_nrt": False, "forceinline": True}
    try:
        return njit(**options)(function)
    except RuntimeError:  # no folder for the cache
        _tell_that_nothing_is_kept()
        return njit(**options | {"cache": False})(function)
