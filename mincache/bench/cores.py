"""Leases of processor cores, so that runs of one campaign or several do not share one by accident."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

_held: list[int] = []
"""Descriptors of the locks; a lease ends with its process."""


def usable_cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def lease(count: int) -> set[int]:
    """Return `count` cores that no other process holds a lease on; none, where there are not so many.

    A core's lease is a lock on a file in a folder of this user's, which the system lets go when the
    process ends, however it ends.
    """
    if sys.platform != "linux" or count < 1:
        return set()
    leased: dict[int, int] = {}
    for core in sorted(os.sched_getaffinity(0)):
        if len(leased) < count and (descriptor := _lock(core)) is not None:
            leased[core] = descriptor
    if len(leased) < count:
        for descriptor in leased.values():
            os.close(descriptor)
        return set()
    _held.extend(leased.values())
    return set(leased)


def _lock(core: int) -> int | None:
    import fcntl

    folder = Path(tempfile.gettempdir()) / f"mincache-cores-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(folder / str(core), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
