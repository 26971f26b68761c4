"""Relative paths as the one who typed them meant them, and folders that can be written to.

A run has an empty folder of its own to work in, where a relative path among a solver's parameters would lead
nowhere. So the bench notes the folder in which it was started.
"""

from __future__ import annotations

import os
from pathlib import Path

from mincache.errors import InputError

STARTED_IN = "MINCACHE_STARTED_IN"
"""The environment variable that holds the folder in which the bench was started."""


def absolute_path(path: str | os.PathLike[str]) -> Path:
    """Return a path that a user gave as an absolute one, wherever this process works now."""
    return Path(os.environ.get(STARTED_IN) or os.getcwd(), path)


def make_folder(path: str | os.PathLike[str], advice: str = "") -> None:
    """Make a folder and those above it, unless it is there.

    Raises:
        InputError: if it cannot be, with `advice` at the end.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # a ValueError: what no folder can be called
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(os.fspath(path), "must be a folder to write to", reason, advice) from None
