"""Process trees: who belongs to one, what it uses, and ending it so that nothing is left.

On Linux the keeper is a subreaper: whoever in a run's tree loses its parent becomes the keeper's child,
sessions of its own notwithstanding. So the tree has ended when the keeper has no child left.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from mincache.bench import kernel

_PARENT_DEATH_SIGNAL, _CHILD_SUBREAPER = 1, 36
_OUTSIDE = 0  # what stands for a parent outside one's namespace
_PAUSE_S, _PATIENCE_S = 0.002, 5.0
_REMOVE_S = 60.0


class Usage(NamedTuple):
    """What processes use now: resident bytes, and processor seconds including children they waited for."""

    memory_bytes: int
    cpu_s: float


def become_subreaper() -> None:
    """Make this process inherit its tree's orphans, where the system can."""
    with contextlib.suppress(OSError):
        kernel.prctl(_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int) -> None:
    """Ask for SIGKILL when the parent, whose id is `parent`, dies, where the system can."""
    with contextlib.suppress(OSError):
        kernel.prctl(_PARENT_DEATH_SIGNAL, int(signal.SIGKILL))
        if os.getppid() not in (parent, _OUTSIDE):
            os._exit(1)  # it has died already


def descendants(pid: int) -> list[int]:
    """Return the ids of all processes below `pid`; empty where the system has no /proc."""
    found, waiting = list[int](), [pid]
    while waiting:
        below = children(waiting.pop())
        found += below
        waiting += below
    return found


def children(pid: int) -> list[int]:
    """Return the ids of the children of `pid`, as Linux lists them."""
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_bytes().split())
    except OSError:
        pass  # it has ended, or this is no Linux
    return found


def any_child() -> bool:
    """Return whether this process has a child, ended or not."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def usage(pids: Iterable[int]) -> Usage:
    """Return what these processes use; those that have ended count nothing."""
    seen = [stat for pid in pids if (stat := _stat(pid)) is not None]
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    # Fields of proc(5), counted from the state: 11 to 14 are the times, 21 the resident pages.
    cpu_ticks = sum(int(field) for stat in seen for field in stat[11:15])
    return Usage(page * sum(int(stat[21]) for stat in seen), cpu_ticks / tick)


def waited_s(pids: Iterable[int]) -> float:
    """Return the processor seconds of all processes that these have waited for."""
    ticks = sum(int(field) for pid in pids if (stat := _stat(pid)) for field in stat[13:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def open_memory(pids: Iterable[int]) -> tuple[int, int]:
    """Return the bytes of files in memory without a name (memfd), and how many processes hide theirs."""
    found: dict[tuple[int, int], int] = {}
    unreadable = 0
    for pid in pids:
        try:
            for entry in os.scandir(f"/proc/{pid}/fd"):
                if os.readlink(entry.path).startswith(("/memfd:", "/dev/zero")):
                    held = os.stat(entry.path)
                    found[held.st_dev, held.st_ino] = 512 * held.st_blocks
        except PermissionError:
            unreadable += 1
        except OSError:
            pass  # it, or what it held, has gone
    return sum(found.values()), unreadable


def memory_bytes(pids: Iterable[int], files_bytes: int) -> int:
    """Return the memory of processes, shared pages counted once, with files of theirs that lie in memory."""
    own = shared = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:  # it has ended, or does not let itself be seen, and counts as if it shared no page
            own += usage([pid]).memory_bytes
            continue
        sizes = {line.split()[0]: 1024 * int(line.split()[1]) for line in lines[1:]}
        in_files = sizes.get("Pss_Shmem:", 0)
        own, shared = own + sizes.get("Pss:", 0) - in_files, shared + in_files
    # What is mapped may be a file in memory, which must not count twice.
    return own + max(shared, files_bytes)


def _stat(pid: int) -> list[bytes] | None:
    try:
        # The command's name may hold spaces and brackets; what follows its last bracket does not.
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None


def file_sizes(folder: str) -> Iterator[int]:
    """Yield the bytes that each entry below a folder takes on the disk; links are not followed."""
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    yield 512 * entry.stat(follow_symlinks=False).st_blocks
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError:
            pass  # it has gone meanwhile, or lies deeper than a path can say


def remove(folder: str) -> None:
    """Remove a folder and all in it, however deep; what cannot be removed stays."""
    if not folder:
        return
    with contextlib.suppress(OSError, RecursionError):
        shutil.rmtree(folder)
        return
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(["rm", "-rf", "--", folder], stderr=subprocess.DEVNULL, timeout=_REMOVE_S, check=False)


def signal_group(leader: int, number: signal.Signals) -> None:
    """Signal the process group of `leader`, if there still is one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def reap() -> Iterator[tuple[int, int, float, int]]:
    """Yield (pid, wait status, processor seconds, peak resident bytes) of each child that has ended.

    Raises:
        ChildProcessError: once there is no child left.
    """
    unit = 1 if sys.platform == "darwin" else 1024
    while True:
        pid, status, spent = os.wait4(-1, os.WNOHANG)
        if pid == 0:
            return
        yield pid, status, spent.ru_utime + spent.ru_stime, unit * spent.ru_maxrss


def end_all(leader: int) -> Iterator[tuple[int, int, float, int]]:
    """Stop and kill the tree below this process until no child is left, yielding what `reap` does."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        signal_group(leader, signal.SIGKILL)
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in descendants(os.getpid()):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
        try:
            yield from reap()
        except ChildProcessError:
            return
        time.sleep(_PAUSE_S)
