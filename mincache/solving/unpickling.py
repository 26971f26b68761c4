"""Pickles that a solver reads, which may run any code where numbers would do."""

from __future__ import annotations

import sys
from types import FrameType

_TOOLS = {"multiprocessing", "concurrent", "loky", "numba"}
"""What these unpickle comes from the run's own processes, or from a cache of compiled loops."""


def watch_pickles() -> set[str]:
    """Return a set that will name the packages whose classes this process takes out of pickles from now on.

    What `torch.load` reads with `weights_only=True`, and numpy without `allow_pickle`, does not count. Nor is
    a pickle seen whose reader has a `find_class` of its own.
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
