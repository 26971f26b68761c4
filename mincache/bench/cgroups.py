"""A memory limit that the kernel keeps for a whole process tree: cgroup v2, where it may be had.

It may be had where a cgroup at or above this process's own can be written to by this user and hands the
memory controller on to its children, as systemd gives each user. A run then gets a cgroup of its own there.
"""

import contextlib
import os
import time
from functools import cache
from pathlib import Path

_REMOVE_S = 2.0


class Group:
    """The cgroup of one run.

    Raises:
        OSError: if it cannot be made, or cannot limit memory.
    """

    def __init__(self, path: Path, memory_bytes: int) -> None:
        self.path = path
        path.mkdir()
        try:
            (path / "memory.max").write_text(str(memory_bytes))
            (path / "memory.oom.group").write_text("1")
            if (path / "memory.swap.max").exists():
                (path / "memory.swap.max").write_text("0")
        except OSError:
            path.rmdir()
            raise

    def ran_out(self) -> bool:
        """Return whether the kernel has killed the group for want of memory."""
        try:
            events = (self.path / "memory.events").read_text().split()
        except OSError:
            return False
        return int(dict(zip(events[::2], events[1::2], strict=True)).get("oom_kill", 0)) > 0

    def remove(self) -> None:
        """Remove the group, once all its processes have ended."""
        deadline = time.monotonic() + _REMOVE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                self.path.rmdir()
                return
            time.sleep(0.01)


def group(memory_bytes: int | None) -> Group | None:
    """Return a new group for a run, or None where there is no limit or no cgroup v2 for it."""
    parent = parent_of_groups()
    if memory_bytes is None or parent is None:
        return None
    try:
        return Group(parent / f"mincache-{os.getpid()}-{time.monotonic_ns()}", memory_bytes)
    except OSError:
        return None


@cache
def parent_of_groups() -> Path | None:
    """Return the cgroup under which runs can have theirs; None where there is none."""
    try:
        mounts = Path("/proc/self/mounts").read_text()
        own = Path("/proc/self/cgroup").read_text()
    except OSError:
        return None
    return next(filter(_can_enter, own_groups(mounts, own)), None)


def _can_enter(parent: Path) -> bool:
    """Try it: a process of ours enters a group there, and leaves again by ending."""
    try:
        trial = Group(parent / f"mincache-{os.getpid()}-trial", 1 << 30)
    except OSError:
        return False  # it may not be written to, or does not hand on the memory controller
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(OSError):
            (trial.path / "cgroup.procs").write_text("0")
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(pid, 0)
    trial.remove()
    return status == 0


def own_groups(mounts: str, own: str) -> list[Path]:
    """Return one's own cgroup of version 2 and those above it, nearest first, by what these files say."""
    root = next((Path(line.split()[1]) for line in mounts.splitlines() if line.split()[2] == "cgroup2"), None)
    place = next((line[3:] for line in own.splitlines() if line.startswith("0::")), None)
    if root is None or place is None:
        return []
    here = root / place.lstrip("/")
    return [folder for folder in (here, *here.parents) if folder.is_relative_to(root)]
