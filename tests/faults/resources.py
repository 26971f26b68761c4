# ruff: noqa: D102  # what `solve` does stands in the class docstring
"""Solvers that take more than they are given, or spoil what they were given."""

import ctypes
import mmap
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mincache import Instance, Run, Solution, Solver


@dataclass(frozen=True)
class OneBlock(Solver):
    """Ask for far too much memory at once."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        np.ones(1 << 37)
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class ManyBlocks(Solver):
    """Take memory bit by bit."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        kept = []
        while True:
            kept.append(bytearray(1 << 20))


@dataclass(frozen=True)
class ManyProcesses(Solver):
    """Take memory in several processes, none of which takes too much."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        code = "import time; kept = bytearray(b'x') * (100 << 20); time.sleep(600)"
        for child in [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]:
            child.wait()
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class BurnsProcessor(Solver):
    """Compute in two processes."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        while True:
            pass


@dataclass(frozen=True)
class EndlessOutput(Solver):
    """Print for ever."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        while True:
            sys.stdout.write("noise " * 10_000)


@dataclass(frozen=True)
class ClosesOutput(Solver):
    """Close the standard streams, and answer."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        for descriptor in range(3):
            os.close(descriptor)
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class ClosesEverything(Solver):
    """Close every descriptor that it has inherited."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        os.closerange(0, 4096)
        run.report(Solution.nothing_cached(instance))
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class DeletesFolder(Solver):
    """Remove the folder that it works in, and answer."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        shutil.rmtree(os.getcwd())
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class ChangesFolder(Solver):
    """Work elsewhere, and answer."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        os.chdir("/")
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class FillsDisk(Solver):
    """Write files until there is no more room."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        block = bytes(1 << 24)
        number = 0
        while True:
            number += 1
            with Path(f"file{number}").open("wb") as file:
                for _ in range(4):
                    file.write(block)


@dataclass(frozen=True)
class ReportsALot(Solver):
    """Report thousands of incumbents a second, and answer."""

    count: int = 3000

    def solve(self, instance: Instance, run: Run) -> Solution:
        solution = Solution.nothing_cached(instance)
        for number in range(self.count):
            run.report(solution, bound=float(number) * 1e-9)
        return solution


@dataclass(frozen=True)
class ClockBackwards(Solver):
    """Turn the clocks that Python reads back, and take its time."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        now = time.monotonic()
        for name in ("monotonic", "time", "perf_counter"):
            setattr(time, name, lambda: now - 3600.0)
        while True:
            run.report(Solution.nothing_cached(instance))
            time.sleep(0.01)


@dataclass(frozen=True)
class Hoards(Solver):
    """Hold memory where the figures of a process do not show it all.

    Attributes:
        where: `memfd`, a file without a name; `shm`, one in shared memory; `map`, shared pages;
            `unreadable`, the same in a process that does not let itself be looked at.
    """

    where: str = "memfd"

    def solve(self, instance: Instance, run: Run) -> Solution:
        size, block = 400 << 20, bytes(1 << 20)
        if self.where == "memfd":
            hold = os.memfd_create("hoard")
            for _ in range(size >> 20):
                os.write(hold, block)
        elif self.where == "shm":
            with open("/dev/shm/hoard", "wb") as file:
                for _ in range(size >> 20):
                    file.write(block)
        elif self.where == "map":
            pages = mmap.mmap(-1, size)
            for place in range(0, size, 4096):
                pages[place] = 1
        else:
            not_dumpable = 4
            ctypes.CDLL(None).prctl(not_dumpable, 0, 0, 0, 0)
            kept = [subprocess.Popen(["sleep", "600"])]
            pages = mmap.mmap(-1, size)
            for place in range(0, size, 4096):
                pages[place] = 1
            assert kept
        time.sleep(60)
        return Solution.nothing_cached(instance)
