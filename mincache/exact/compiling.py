"""A module of plain loops, compiled with numba where that is installed and pays."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from types import FunctionType, ModuleType


@cache
def compiled(module: ModuleType) -> ModuleType:
    """Return a copy of `module` whose functions numba compiles when first called.

    What they compile to is cached on disk, for later processes: beside the source, in the user's cache
    folder where that cannot be written to, or in NUMBA_CACHE_DIR. Where none of them can be written to, each
    process compiles anew.

    Raises:
        ModuleNotFoundError: if numba is not installed.
    """
    from numba import njit

    name = f"{module.__name__}_compiled"
    spec = importlib.util.spec_from_file_location(name, module.__file__)
    assert spec is not None and spec.loader is not None  # a module of this package has a file
    copy = importlib.util.module_from_spec(spec)
    sys.modules[name] = copy
    spec.loader.exec_module(copy)
    for key, value in list(vars(copy).items()):
        if isinstance(value, FunctionType) and value.__module__ == name:
            try:
                function = njit(cache=True)(value)
            except RuntimeError:  # no folder for the cache
                function = njit(value)
            setattr(copy, key, function)
    return copy
