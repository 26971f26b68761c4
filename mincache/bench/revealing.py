"""An online run: its site, and its slots one by one, each after what must be committed before it is shown."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mincache.errors import InputError
from mincache.files.documents import instance_bytes, parse_instance
from mincache.problem.instance import Instance, Trace
from mincache.problem.popularity import Popularity
from mincache.problem.quantity import Array, quantities
from mincache.problem.revealed import ShownSlot, Site, slot_of
from mincache.problem.solution import Solution
from mincache.solving.contract import Run, Solver
from mincache.solving.online import OnlineSolver, play


class Revealer:
    """The keeper's side of an online run; it alone has the trace. `placed` are caches committed."""

    def __init__(self, document: bytes, level: str) -> None:
        from mincache.generation import suites  # the keeper needs it for online runs alone

        self._instance, self._level = parse_instance(document), level
        self._popularity = suites.popularity(self._instance)
        self._shown = 0
        self.placed: list[bytes] = []

    def site(self) -> bytes:
        """Return a line with the instance, its trace blank, and one with what else is known beforehand."""
        T, N = self._instance.slot_count, self._instance.user_count
        ones, known = np.ones((T, N)), self._popularity
        blank = replace(self._instance, trace=Trace(np.zeros(T), ones, np.zeros((T, N)), ones), origin=None)
        chain = known and {name: np.asarray(getattr(known, name)).tolist() for name in quantities(Popularity)}
        told = {"popularity": chain, "rules": self._instance.used_rules}
        return instance_bytes(blank) + json.dumps(told).encode()

    def show(self, placed: bytes) -> bytes:
        """Commit a cache, a byte 0 or 1 a model, and return the next slot; `slot` commits none for the first.

        Raises:
            InputError: if it is no cache, or all slots have been shown.
        """
        first_is_free = self._level == "slot" and not self._shown
        if len(placed) != (0 if first_is_free else self._instance.model_count):
            raise InputError("cache", "must have a byte for each model", f"{len(placed)} bytes")
        if self._shown == self._instance.slot_count:
            raise InputError("slot", "must be one of the instance's", "a request for one more")
        self.placed += [placed] if placed else []
        slot, self._shown = slot_of(self._instance, self._shown), self._shown + 1
        return json.dumps([slot.number, *(values.tolist() for values in slot[1:])]).encode()


def begun(
    solver: Solver, document: bytes, level: str, ask: Callable[[bytes], bytes]
) -> tuple[Instance | Site, str | None, Callable[[Run], Solution]]:
    """Return what a solver is given, why it cannot answer, and what answers; the child's side.

    The document is the instance's, or what `Revealer.site` tells for a run of the level `past` or `slot`,
    whose slots are shown one by one: `ask` commits a cache, and returns the next slot.
    """
    if level == "trace" or not isinstance(solver, OnlineSolver):
        instance = parse_instance(document)
        return instance, solver.supports(instance), lambda run: solver.solve(instance, run)
    first, _, second = document.partition(b"\n")
    blank, told = parse_instance(first), json.loads(second)
    chain = told["popularity"]
    site = Site.of(blank, None if chain is None else Popularity(**chain))
    unknown = [name for name in told["rules"] if name not in solver.kept_rules()]
    reason = f"it does not know the rule {', '.join(unknown)}" if unknown else solver.declines(site)

    def show(cache: Array | None) -> ShownSlot:
        number, *values = json.loads(ask(b"" if cache is None else cache.astype(np.uint8).tobytes()))
        return ShownSlot(number, *map(np.array, values))

    return site, reason, lambda run: play(solver.begin(site, run), level, show, blank.name)
