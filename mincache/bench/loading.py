"""Loading a solver's libraries once, in the zygote, so that its runs begin with them."""

from __future__ import annotations

import contextlib
import importlib
import os
import sysconfig
import time
from collections.abc import Sequence
from importlib.util import find_spec

from mincache.solving.global_generators import GlobalGenerators


def load(names: Sequence[str]) -> float:
    """Import modules of installed libraries; return the seconds that it took, 0 without any.

    The process ends if they start threads, which a fork would not copy.
    """
    if not names:
        return 0.0
    start, before = time.perf_counter(), _threads()
    GlobalGenerators((0, "warm")).seed()  # in case that one of them draws while it is imported
    for name in names:
        if _is_installed(name.partition(".")[0]):
            with contextlib.suppress(Exception):  # the run will meet it too
                importlib.import_module(name)
    if _threads() > before:
        os._exit(1)
    return time.perf_counter() - start


def _is_installed(top: str) -> bool:
    """Return whether a top-level module lies in site-packages: others would run outside the isolation."""
    folders = {os.path.realpath(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    with contextlib.suppress(Exception):
        spec = find_spec(top)
        if spec is not None and spec.origin:
            real = os.path.realpath(spec.origin)
            return any(real.startswith(f"{folder}{os.sep}") for folder in folders)
    return False


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 1
