"""Solvers that read pickles, and some that only seem to."""

import copy
import io
import multiprocessing
import pickle
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from mincache import Solution, Solver


def half(number):
    """Return half of a number."""
    return Fraction(number, 2)


def array_of_objects():
    """Read an array of objects, as numpy writes them."""
    file = io.BytesIO()
    np.save(file, np.array([Fraction(1, 2), None], dtype=object), allow_pickle=True)
    file.seek(0)
    return np.load(file, allow_pickle=True)


def plain_array():
    """Read an array of numbers."""
    file = io.BytesIO()
    np.save(file, np.ones(3))
    file.seek(0)
    return np.load(file, allow_pickle=True)


def in_a_pool():
    """Get objects from a process of one's own."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.map(half, [1])


WAYS = {
    "pickle": lambda: pickle.loads(pickle.dumps(Fraction(1, 2))),
    "in-python": lambda: pickle._Unpickler(io.BytesIO(pickle.dumps(Fraction(1, 2)))).load(),
    "objects": array_of_objects,
    "numbers": plain_array,
    "pool": in_a_pool,
    "copy": lambda: copy.deepcopy(Fraction(1, 2)),
}


@dataclass(frozen=True)
class Reads(Solver):
    """Caches nothing, after reading something in one of the ways."""

    way: str = "pickle"

    def solve(self, instance, run):
        """Return the answer without caches."""
        WAYS[self.way]()
        return Solution.nothing_cached(instance)
