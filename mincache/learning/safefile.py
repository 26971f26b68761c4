"""Opening safetensors files that may come from anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from mincache.errors import InputError, excerpt


def opened(path: Path, max_bytes: int) -> Any:
    """Return the open file, a context manager; the library leaves its methods untyped.

    Raises:
        InputError: if it is no regular file, too large, or not safetensors.
    """
    if not path.is_file():
        raise InputError("file", "must be a regular file that exists", "none")
    size = path.stat().st_size
    if size > max_bytes:
        raise InputError("file", f"must hold at most {max_bytes} bytes", str(size))
    try:
        return safe_open(path, framework="numpy")
    except (SafetensorError, OSError) as error:
        raise InputError("file", "must be safetensors", excerpt(str(error))) from None
