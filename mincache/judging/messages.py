"""What a run says to its keeper, in kinds of frames, and how solutions, bounds and facts travel as bytes.

Whatever is read here was written beside code that may do anything: nothing of it is believed.
"""

from __future__ import annotations

import json
import struct

import numpy as np

from mincache.errors import InputError
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.revealed import Site
from mincache.problem.solution import Decisions, Solution

READY, IMPORTED, SOLVING, INCUMBENT, BOUND, DONE, RAW, FACTS = b"y", b"i", b"s", b"n", b"b", b"d", b"r", b"f"
FILES = b"v"
"""Comes first, with a descriptor of the folder of an isolated run."""
ANSWER, SKIPPED, RAISED, OUT_OF_MEMORY, MALFORMED = b"A", b"K", b"X", b"O", b"M"
REFUSED, DESCRIBED = b"R", b"E"
BEFORE_READY = CHANGED, UNSET = b"C", b"U"
"""Kinds that say something of the machine; none counts once the solver's own code may have run."""
CLOSING = ANSWER + SKIPPED + RAISED + OUT_OF_MEMORY + MALFORMED + REFUSED + DESCRIBED + CHANGED + UNSET
"""Kinds of frames after which the child has nothing more to say."""
PLACED, SLOT = b"p", b"t"
"""An online run commits a cache; the keeper shows it the next slot."""
KINDS = PLACED + FILES + READY + IMPORTED + SOLVING + INCUMBENT + BOUND + DONE + RAW + FACTS + CLOSING

CLOCK_TRUST_S = 0.002
"""How far the child's own measure of `solve` may be below the keeper's and still count."""

_MOST_NAMES = 100
_BOUND = struct.Struct("<d")


def pack(decisions: Decisions) -> bytes:
    """Return raw decisions as bytes: float64, one array after the other."""
    return b"".join(np.ascontiguousarray(array, dtype=np.float64).tobytes() for array in decisions)


def pack_bound(bound: float) -> bytes:
    """Return a bound as bytes."""
    return _BOUND.pack(bound)


def unpack(data: bytes, instance: Instance) -> Solution:
    """Return the solution of `instance` in bytes that `pack` made."""
    T, N, M = instance.slot_count, instance.user_count, instance.model_count
    if len(data) != packed_size(instance):
        raise InputError("decisions", f"must have {packed_size(instance)} bytes", str(len(data)))
    numbers: Array = np.frombuffer(data, dtype=np.float64)
    cache, bandwidth_share, step_share = np.split(numbers, [T * M, T * (M + N)])
    return Solution(
        instance.name, cache.reshape(T, M), bandwidth_share.reshape(T, N), step_share.reshape(T, N)
    )


def packed_size(instance: Instance | Site) -> int:
    """Return how many bytes `pack` makes of decisions for an instance, or at a site."""
    return 8 * instance.slot_count * (instance.model_count + 2 * instance.user_count)


def unpack_bound(data: bytes) -> float:
    """Return the bound in the payload of a `BOUND` frame."""
    if len(data) != _BOUND.size:
        raise InputError("bound", "must be a number", f"{len(data)} bytes")
    bound = float(_BOUND.unpack(data)[0])
    if not bound < np.inf:
        raise InputError("bound", "must be finite", str(bound))
    return bound


def unpack_facts(data: bytes, seen_s: float) -> tuple[float, list[str] | None, dict[str, str]]:
    """Return the seconds of a run, the generators that moved and the modules that came late.

    Nothing is believed but within bounds: the child's clock may be below the keeper's, which saw `seen_s`, by
    `CLOCK_TRUST_S`.
    """
    try:
        facts = json.loads(data)
        moved = [str(name) for name in facts["moved"]][:_MOST_NAMES]
        late = {str(path): str(sha256) for path, sha256 in list(facts["late"].items())[:_MOST_NAMES]}
        claimed_s = float(facts["seconds"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return seen_s, None, {}
    least_s = max(0.0, seen_s - CLOCK_TRUST_S)
    return (min(max(claimed_s, least_s), seen_s) if claimed_s == claimed_s else seen_s), moved, late
