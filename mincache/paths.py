"""Relative paths as the one who typed them meant them.

A run has an empty folder of its own to work in, where a relative path among a solver's parameters would lead
nowhere. So the bench notes the folder in which it was started.
"""

from __future__ import annotations

import os
from pathlib import Path

STARTED_IN = "MINCACHE_STARTED_IN"
"""The environment variable that holds the folder in which the bench was started."""


def given(path: str | os.PathLike[str]) -> Path:
    """Return a path that a user gave as an absolute one, wherever this process works now."""
    return Path(os.environ.get(STARTED_IN) or os.getcwd(), path)
