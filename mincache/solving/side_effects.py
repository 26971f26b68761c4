"""What a run does beside answering: draws from global generators, and pickles that it reads."""

import contextlib
import random
import sys
from types import FrameType
from typing import Any

import numpy as np

from mincache.files.documents import digest
from mincache.generation import streams

UNSEEDED = "torch, loaded too late to be seeded"
_TOOLS = {"multiprocessing", "concurrent", "loky", "numba"}
"""What these unpickle comes from the run's own processes, or from a cache of compiled loops."""


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
        """Return those drawn from since they were seeded, and a torch that came too late to be seeded."""
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


def watch_pickles() -> set[str]:
    """Return a set that will name the packages whose classes this process takes out of pickles from now on.

    What `torch.load` reads with `weights_only=True`, numpy without `allow_pickle`, or a reader with a
    `find_class` of its own, is not seen.
    """
    found: set[str] = set()

    def see(event: str, arguments: tuple[object, ...]) -> None:
        if event == "pickle.find_class" and not _by_tool(sys._getframe(1)):
            found.add(str(arguments[0]).partition(".")[0])

    sys.addaudithook(see)
    return found


def _by_tool(frame: FrameType | None) -> bool:
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] in _TOOLS:
            return True
        frame = frame.f_back
    return False
