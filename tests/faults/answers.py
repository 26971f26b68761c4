# ruff: noqa: D102  # what `solve` does stands in the class docstring
"""Solvers whose answers are wrong."""

import ctypes
import os
import stat
import struct
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mincache import Instance, Run, Solution, Solver


def _forced(instance: Instance, **fields: Any) -> Solution:
    """Return a Solution that validation would have refused."""
    solution = Solution.nothing_cached(instance)
    for name, value in fields.items():
        object.__setattr__(solution, name, value)
    return solution


@dataclass(frozen=True)
class Nothing(Solver):
    """Return None."""

    def solve(self, instance: Instance, run: Run) -> Any:
        return None


@dataclass(frozen=True)
class NanShares(Solver):
    """Return shares that are no numbers."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        shape = (instance.slot_count, instance.user_count)
        return _forced(instance, bandwidth_share=np.full(shape, np.nan))


@dataclass(frozen=True)
class InfiniteShares(Solver):
    """Return infinite shares."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        return _forced(instance, step_share=np.full((instance.slot_count, instance.user_count), np.inf))


@dataclass(frozen=True)
class RefusedShares(Solver):
    """Try to make a Solution of what is none, which raises."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        shape = (instance.slot_count, instance.user_count)
        return replace(Solution.nothing_cached(instance), bandwidth_share=np.full(shape, np.nan))


@dataclass(frozen=True)
class WrongShapes(Solver):
    """Return arrays of one user too many."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        T, N, M = instance.slot_count, instance.user_count, instance.model_count
        return Solution(instance.name, np.zeros((T, M)), np.full((T, N + 1), 0.01), np.zeros((T, N + 1)))


@dataclass(frozen=True)
class WrongType(Solver):
    """Return text where numbers should be."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        return _forced(instance, cache=np.full((instance.slot_count, instance.model_count), "yes"))


class _Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, ("touch evil",))


@dataclass(frozen=True)
class ObjectArrays(Solver):
    """Return an array of Python objects."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        shape = (instance.slot_count, instance.model_count)
        return _forced(instance, cache=np.full(shape, _Evil(), dtype=object))


@dataclass(frozen=True)
class HalfCached(Solver):
    """Cache half a model."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        return _forced(instance, cache=np.full((instance.slot_count, instance.model_count), 0.5))


@dataclass(frozen=True)
class AnotherInstance(Solver):
    """Answer an instance of another name."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        return replace(Solution.nothing_cached(instance), instance="another")


@dataclass(frozen=True)
class CachesAll(Solver):
    """Cache every model, whatever the storage."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        full = np.ones((instance.slot_count, instance.model_count))
        return replace(Solution.nothing_cached(instance), cache=full)


@dataclass(frozen=True)
class LyingBound(Solver):
    """Claim that no cost is below a million."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        run.report(bound=1e6)
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class NanBound(Solver):
    """Report a bound that is no number."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        run.report(bound=0.0)
        assert run.reporter is not None
        run.reporter(0.0, None, float("nan"))
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class MutatesInstance(Solver):
    """Make the instance easier, in its own memory, and answer that."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        for array in (instance.models.size_gb, instance.models.seconds_base):
            ctypes.memset(array.ctypes.data, 0, array.nbytes)
        full = np.ones((instance.slot_count, instance.model_count))
        return replace(Solution.nothing_cached(instance), cache=full)


def _reporting_channel() -> int:
    """Return the descriptor that the bench is told through."""
    return next(fd for fd in range(3, 100) if _is_socket(fd))


def _is_socket(descriptor: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    except OSError:
        return False


@dataclass(frozen=True)
class HugeAnswer(Solver):
    """Write an answer of a gigabyte past the contract."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        channel = _reporting_channel()
        os.write(channel, struct.pack("<cId", b"d", 8, 0.0) + struct.pack("<cI", b"A", 1 << 30))
        block = b"[" * (1 << 20)
        for _ in range(1 << 10):
            os.write(channel, block)
        os._exit(0)


@dataclass(frozen=True)
class TruncatedAnswer(Solver):
    """Write half a JSON document past the contract."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        half = b'{"format":"mincache-solution/1","instance":"'
        document = struct.pack("<cId", b"d", 8, 0.0) + struct.pack("<cI", b"A", len(half)) + half
        os.write(_reporting_channel(), document)
        os._exit(0)


@dataclass(frozen=True)
class TornAnswer(Solver):
    """Announce an answer, write half of it and leave."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        os.write(
            _reporting_channel(), struct.pack("<cId", b"d", 8, 0.0) + struct.pack("<cI", b"A", 1000) + b"{"
        )
        os._exit(0)


@dataclass(frozen=True)
class Babbles(Solver):
    """Write noise where the bench listens."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        os.write(_reporting_channel(), bytes(range(256)) * 1000)
        return Solution.nothing_cached(instance)
