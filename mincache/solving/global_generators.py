"""The global generators of random numbers, seeded and watched: solvers should draw from `run.rng` alone."""

from __future__ import annotations

import contextlib
import random
import sys
from typing import Any

import numpy as np

from mincache.files.documents import digest
from mincache.generation import streams

UNSEEDED = "torch, loaded too late to be seeded"


class GlobalGenerators:
    """The global generators of this process, which a solver may draw from although it should not.

    They are seeded from the run's stream: runs that draw from them differ, and each can be repeated.
    """

    def __init__(self, stream: tuple[str | int, ...]) -> None:
        self._seed = int(streams.generator(int(stream[0]), *stream[1:], "global").integers(1 << 32))
        self._seeded: dict[str, str] = {}

    def seed(self) -> None:
        """Seed every generator that is loaded."""
        random.seed(self._seed)
        np.random.seed(self._seed)  # noqa: NPY002  # the legacy generator is what is meant
        if torch := sys.modules.get("torch"):
            with contextlib.suppress(Exception):  # it may be another module of that name
                torch.manual_seed(self._seed)
        self._seeded = states()

    def moved(self) -> list[str]:
        """Return the names of those that were drawn from since they were seeded last.

        A torch that was loaded later, and so was not seeded, is named as such.
        """
        now = states()
        found = [name for name, state in self._seeded.items() if now[name] != state]
        return found + ([UNSEEDED] if now.keys() - self._seeded else [])


def states() -> dict[str, str]:
    """Return a hash of the state of each generator that is loaded, by its name."""
    found = {"random": random.getstate(), "numpy.random": np.random.get_state(legacy=False)}  # noqa: NPY002
    if torch := sys.modules.get("torch"):
        with contextlib.suppress(Exception):
            found["torch"] = torch.random.get_rng_state().numpy().tobytes()
    return {name: digest(repr(_without_arrays(state)).encode()) for name, state in found.items()}


def _without_arrays(state: Any) -> Any:
    """Return a generator's state with arrays as lists, for numpy prints only the ends of long ones."""
    if isinstance(state, dict):
        return {name: _without_arrays(part) for name, part in state.items()}
    return state.tolist() if isinstance(state, np.ndarray) else state
