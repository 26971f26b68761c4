"""Named random streams: what a number is drawn for decides the stream, never the order of drawing.

A stream is PCG64 seeded with the SHA-256 of its name, such as `7/library/0`. Bit generators and their
seeding from an integer are what numpy promises never to change, so the raw 64-bit draws, and the
uniforms made of them here, are the same on every machine and numpy version.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np

from mincache.problem.quantity import Array

_TWO_TO_MINUS_52 = 2.0**-52


class Uniforms:
    """A named stream of uniforms in the open interval (0, 1).

    Args:
        seed: the recipe's seed.
        path: what the numbers are for; text and whole numbers.
    """

    def __init__(self, seed: int, *path: str | int) -> None:
        self._bits = _bit_generator(seed, *path)

    def draw(self, *shape: int) -> Array:
        """Return an array of `shape`, float64, each number a multiple of 2^-52 plus 2^-53."""
        return np.asarray(draw_each([self], *shape)[0])

    def raw(self, count: int) -> Array:
        """Return the next draws as they are, uint64 [count]."""
        return np.asarray(self._bits.random_raw(count))


def draw_each(streams: Sequence[Uniforms], *shape: int) -> Array:
    """Return an array of `shape` from each of K streams, stacked: faster than one by one, and the same."""
    raw = np.stack([stream.raw(math.prod(shape)) for stream in streams])
    # The midpoint of one of 2^52 cells, which float64 holds exactly: never 0 or 1, an open end.
    uniforms = ((raw >> np.uint64(12)).astype(np.float64) + 0.5) * _TWO_TO_MINUS_52
    return uniforms.reshape(len(streams), *shape)


def generator(seed: int, *path: str | int) -> np.random.Generator:
    """Return numpy's Generator on the named stream, for solvers."""
    return np.random.Generator(_bit_generator(seed, *path))


def _bit_generator(seed: int, *path: str | int) -> np.random.PCG64:
    name = "/".join(map(str, (seed, *path)))
    return np.random.PCG64(int.from_bytes(hashlib.sha256(name.encode()).digest()))
