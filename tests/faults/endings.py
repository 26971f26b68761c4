# ruff: noqa: D102  # what `solve` does stands in the class docstring
"""Solvers that end in every way but the right one."""

import atexit
import ctypes
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass

from mincache import Instance, Run, Solution, Solver


@dataclass(frozen=True)
class Raises(Solver):
    """Raise an exception, with a message of two lines."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        raise ValueError("first line\nsecond line")


class Odd(BaseException):
    """No Exception."""


@dataclass(frozen=True)
class RaisesBase(Solver):
    """Raise what is no Exception."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        raise Odd("odd")


class Mute(Exception):  # noqa: N818  # it is no error of anything
    """Cannot be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no")


@dataclass(frozen=True)
class RaisesMute(Solver):
    """Raise what cannot be printed."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        raise Mute


@dataclass(frozen=True)
class Interrupts(Solver):
    """Raise what Ctrl-C raises."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        raise KeyboardInterrupt


@dataclass(frozen=True)
class Exits(Solver):
    """Leave as if all were well."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        sys.exit(0)


@dataclass(frozen=True)
class ExitsAtOnce(Solver):
    """Leave without unwinding."""

    status: int = 0

    def solve(self, instance: Instance, run: Run) -> Solution:
        os._exit(self.status)


@dataclass(frozen=True)
class Segfaults(Solver):
    """Read at address zero."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        ctypes.string_at(0)
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class Aborts(Solver):
    """Abort, as a failed assertion in C does."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        os.abort()


@dataclass(frozen=True)
class KillsItself(Solver):
    """Send itself SIGKILL."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        os.kill(os.getpid(), signal.SIGKILL)
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class KillsItsKeeper(Solver):
    """Send the process above SIGKILL."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class StopsItsKeeper(Solver):
    """Stop the process above, which can then end nothing."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        os.kill(os.getppid(), signal.SIGSTOP)
        time.sleep(60)
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class HangsAtExit(Solver):
    """Answer, but leave something behind that waits when the interpreter ends."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        atexit.register(time.sleep, 600)
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class LeavesThreads(Solver):
    """Answer, but leave threads that never join."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        for _ in range(4):
            threading.Thread(target=time.sleep, args=(600,), daemon=False).start()
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class RaisesInSupports(Solver):
    """Raise before the run begins."""

    def supports(self, instance: Instance) -> str | None:
        raise OSError("no licence")

    def solve(self, instance: Instance, run: Run) -> Solution:
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class Declines(Solver):
    """Decline by its own word; no fault."""

    def supports(self, instance: Instance) -> str | None:
        return "it answers none"

    def solve(self, instance: Instance, run: Run) -> Solution:
        return Solution.nothing_cached(instance)
