"""Compiling with numba where it is installed; the same functions run as plain Python where it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

try:
    from numba import njit
except ModuleNotFoundError:  # the extra `compiled` is not installed
    njit = None


def compiled(function: Function) -> Function:
    """Return `function` compiled on its first call, from numba's cache on disk in later processes.

    The cache stands beside the source, or in the user's cache folder where that cannot be written to, or
    in NUMBA_CACHE_DIR. Where none of them can be, each process compiles anew.
    """
    if njit is None:
        return function
    try:
        return njit(cache=True)(function)  # type: ignore[no-any-return]  # numba is untyped
    except RuntimeError:  # no folder for the cache
        return njit(function)  # type: ignore[no-any-return]  # numba is untyped
