"""Getting to know solvers before a campaign, each in a child, for importing one may end in any way."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

from mincache.bench.limits import Limits
from mincache.bench.supervisor import Supervisor
from mincache.bench.worker import Job
from mincache.errors import InputError, MincacheError, MissingExtraError
from mincache.files.paths import absolute_path
from mincache.judging.messages import DESCRIBED, REFUSED
from mincache.solving.entrant import Entrant, unknown

_NONE = Limits()


def describe(spec: str, keeper: Supervisor, limits: Limits = _NONE) -> Entrant:
    """Return the entrant that `spec` writes; where its import does not end well, what is known without.

    Of the limits, those on the start, on what is seen and on isolation hold.

    Raises:
        InputError: if there is no such solver, a parameter is wrong, or isolation is required and fails.
        MissingExtraError: if a library that it needs is not installed.
        MincacheError: if its description was cut off, again and again.
    """
    job = Job(spec, describe=True, started_in=str(absolute_path(".")))
    outcome, _ = keeper.insist(job, replace(limits, wall_s=None, cpu_s=None, memory_bytes=None))
    if outcome.stopped_by == "isolation":
        raise InputError("isolation", "must be possible where it is required", outcome.note)
    if outcome.stopped_by in ("interrupted", "machine"):
        raise MincacheError(f"solver {spec}: its description was cut off: {outcome.note}; repeat the command")
    if outcome.closing == REFUSED:
        parts = json.loads(outcome.payload)
        raise InputError(*parts) if len(parts) == 4 else MissingExtraError(*parts)
    if outcome.closing == DESCRIBED:
        return Entrant.parse(outcome.payload)
    return unknown(spec, outcome.note or outcome.payload.decode(errors="replace") or "its description ended")


def describe_one(spec: str) -> Entrant:
    """Return the entrant that `spec` writes; see `describe`."""
    with Supervisor(pin=False) as keeper:
        return describe(spec, keeper)


def describe_all(specs: Iterable[str], workers: int, limits: Limits = _NONE) -> list[Entrant | MincacheError]:
    """Return the entrants of `specs` in their order, or why there is none, described `workers` at a time."""
    free: queue.SimpleQueue[Supervisor] = queue.SimpleQueue()

    def one(spec: str) -> Entrant | MincacheError:
        keeper = free.get()
        try:
            return describe(spec, keeper, limits)
        except MincacheError as error:
            return error
        finally:
            free.put(keeper)

    with ExitStack() as stack, ThreadPoolExecutor(workers) as pool:
        for _ in range(workers):
            free.put(stack.enter_context(Supervisor(pin=False)))
        return list(pool.map(one, specs))
