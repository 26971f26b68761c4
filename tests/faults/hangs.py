# ruff: noqa: D102  # what `solve` does stands in the class docstring
"""Solvers that do not end, alone or with others."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

from mincache import Instance, Run, Solution, Solver


@dataclass(frozen=True)
class Busy(Solver):
    """Compute for ever."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        while True:
            pass


@dataclass(frozen=True)
class BusyWithIncumbent(Solver):
    """Report an answer and then compute for ever."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        run.report(Solution.nothing_cached(instance), bound=0.0)
        while True:
            pass


@dataclass(frozen=True)
class Sleeps(Solver):
    """Sleep."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        time.sleep(600)
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class IgnoresSigterm(Solver):
    """Ignore every signal that can be ignored."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        while True:
            time.sleep(1)


@dataclass(frozen=True)
class HangsInC(Solver):
    """Call C that does not return, with the interpreter's lock held."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        ctypes.PyDLL(None).sleep(600)
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class Deadlocks(Solver):
    """Wait for a lock that it holds itself."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class Stops(Solver):
    """Stop itself, as Ctrl-Z does."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        os.kill(os.getpid(), signal.SIGSTOP)
        return Solution.nothing_cached(instance)


def _python(code: str, new_session: bool = False) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code], start_new_session=new_session)


@dataclass(frozen=True)
class Grandchildren(Solver):
    """Wait for processes that have processes of their own."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        nested = "import subprocess,sys; subprocess.run([sys.executable,'-c','import time; time.sleep(600)'])"
        _python(nested, new_session=True).wait()
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class Daemonises(Solver):
    """Leave a process that has cut every tie and ignores signals; answer or not."""

    answers: bool = True

    def solve(self, instance: Instance, run: Run) -> Solution:
        if os.fork() == 0:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if os.fork() != 0:
                os._exit(0)
            os.setsid()
            while True:
                time.sleep(1)
        if not self.answers:
            time.sleep(600)
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class ForkBomb(Solver):
    """Fork until there are 50 processes that compute for ever."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        for number in range(49):
            if os.fork() == 0:
                if number % 2:
                    os.setsid()
                break
        while True:
            pass


@dataclass(frozen=True)
class ForksForever(Solver):
    """Keep forking processes that end at once and are never waited for."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        alive: list[int] = []
        while True:
            pid = os.fork()
            if pid == 0:
                os.setsid()
                time.sleep(0.2)
                os._exit(0)
            alive.append(pid)
            if len(alive) > 40:
                os.waitpid(alive.pop(0), 0)


@dataclass(frozen=True)
class IgnoresSoftLimit(Solver):
    """Answer a moment after its time is up."""

    late_s: float = 0.02

    def solve(self, instance: Instance, run: Run) -> Solution:
        while not run.should_stop():
            time.sleep(0.001)
        time.sleep(self.late_s)
        return Solution.nothing_cached(instance)
