"""Named random streams, the same on every machine: PCG64 seeded with a name such as `7/library/0`."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mincache.problem.quantity import Array

_TWO_TO_MINUS_52 = 2.0**-52
_FEW = 24
_MASK_128 = 2**128 - 1
_PCG64_FACTOR = 0x2360ED051FC65DA44385DF649FCCF645


class Uniforms:
    """A named stream of uniforms in the open interval (0, 1)."""

    def __init__(self, seed: int, *path: str | int) -> None:
        self._digest = _digest(seed, *path)
        self._first: tuple[int, int] | None = None  # state and increment, once they are known
        self._drawn = 0

    def draw(self, *shape: int) -> Array:
        """Return an array of `shape`, float64, each number a multiple of 2^-52 plus 2^-53."""
        return np.asarray(draw_each([self], *shape)[0])


def draw_each(streams: Sequence[Uniforms], *shape: int) -> Array:
    """Return an array of `shape` from each of K streams, stacked: faster than one by one, and the same."""
    fresh = [stream for stream in streams if stream._first is None]
    for stream, first in zip(fresh, _first_states([one._digest for one in fresh]), strict=True):
        stream._first = first
    count = math.prod(shape)
    raw, bits = np.empty((len(streams), count), dtype=np.uint64), np.random.PCG64(0)
    state: Any = bits.state
    for row, stream in zip(raw, streams, strict=True):  # one generator takes their states in turn
        state["state"] = dict(zip(("state", "inc"), stream._first or (), strict=True))
        bits.state = state
        if stream._drawn:
            bits.advance(stream._drawn)
        row[:] = bits.random_raw(count)
        stream._drawn += count
    return as_uniforms(raw).reshape(len(streams), *shape)


def as_uniforms(raw: Array) -> Array:
    """Return uniforms of raw 64-bit draws, of the same shape."""
    # The midpoint of one of 2^52 cells, which float64 holds exactly: never 0 or 1, an open end.
    return ((raw >> np.uint64(12)).astype(np.float64) + 0.5) * _TWO_TO_MINUS_52


class StreamsByPurpose:
    """The streams of K traces by purpose; what is drawn again for one purpose goes on in its stream."""

    def __init__(self, names: Sequence[Sequence[str | int]]) -> None:
        self._names = names
        self._streams: dict[str, list[Uniforms]] = {}

    def draw(self, purpose: str, *shape: int) -> Array:
        """Return uniforms of shape [K, ...]: the shape of one stream, for each of K."""
        if purpose not in self._streams:
            self._streams[purpose] = [Uniforms(*name, purpose) for name in self._names]  # type: ignore[arg-type]
        return draw_each(self._streams[purpose], *shape)


def generator(seed: int, *path: str | int) -> np.random.Generator:
    """Return numpy's Generator on the named stream, for solvers."""
    return np.random.Generator(np.random.PCG64(int.from_bytes(_digest(seed, *path))))


def _digest(seed: int, *path: str | int) -> bytes:
    return hashlib.sha256("/".join(map(str, (seed, *path))).encode()).digest()


def _first_states(digests: Sequence[bytes]) -> list[tuple[int, int]]:
    """Return the states and increments that `numpy.random.PCG64` begins with on these seeds, all at once."""
    # This is numpy's `SeedSequence` and PCG64's seeding (https://www.pcg-random.org), word by word over all
    # seeds: one by one, numpy takes longer to seed a stream than to draw a trace from it.
    words: Array = np.frombuffer(b"".join(digests), dtype=">u4").reshape(-1, 8)[:, ::-1].T.astype(np.uint32)
    # Few are seeded sooner by numpy, which moreover leaves out the leading zeros of a seed.
    if len(digests) < _FEW or not words[-1].all():
        seeded = [np.random.PCG64(int.from_bytes(digest)).state["state"] for digest in digests]
        return [(state["state"], state["inc"]) for state in seeded]
    hashed, pool = _Hash(0x43B0D7E5, 0x931E8875), list(words[:4])
    pool = [hashed(word) for word in pool]
    for source in range(len(words)):
        for target in range(4):
            if source != target:
                pool[target] = _mix(pool[target], hashed(pool[source] if source < 4 else words[source]))
    hashed = _Hash(0x8B51F9DD, 0x58F38DED)
    state = np.stack([hashed(pool[i % 4]) for i in range(8)], axis=1).astype("<u4").view("<u8").tolist()
    return [_pcg64(high << 64 | low, more << 64 | less) for high, low, more, less in state]


class _Hash:
    """The hash of `SeedSequence`, whose constant changes with each use."""

    def __init__(self, constant: int, factor: int) -> None:
        self._constant, self._factor = constant, factor

    def __call__(self, word: Array) -> Array:
        mixed: Array = word ^ np.uint32(self._constant)
        self._constant = self._constant * self._factor & 0xFFFFFFFF
        mixed = mixed * np.uint32(self._constant)
        return np.asarray(mixed ^ (mixed >> np.uint32(16)))


def _mix(one: Array, other: Array) -> Array:
    mixed: Array = np.uint32(0xCA01F9DD) * one - np.uint32(0x4973F715) * other
    return np.asarray(mixed ^ (mixed >> np.uint32(16)))


def _pcg64(begin: int, stream: int) -> tuple[int, int]:
    """Return the state and increment of PCG64 that begins here on this stream."""
    increment = (stream << 1 | 1) & _MASK_128
    return ((begin + increment) * _PCG64_FACTOR + increment) & _MASK_128, increment
