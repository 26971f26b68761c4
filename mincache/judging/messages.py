"""What a run says to its keeper, in kinds of frames, and how solutions, bounds and facts travel as bytes.

Whatever is read here was written beside code that may do anything: nothing of it is believed.
"""

import json
import struct
from typing import NamedTuple

import numpy as np

from mincache.errors import InputError
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.revealed import Site
from mincache.problem.solution import Decisions, Solution

READY, IMPORTED, SOLVING, INCUMBENT, BOUND, DONE, RAW, FACTS = b"y", b"i", b"s", b"n", b"b", b"d", b"r", b"f"
LOG = b"l"
"""A number that the solver logs."""
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
KINDS = PLACED + FILES + READY + IMPORTED + SOLVING + INCUMBENT + BOUND + LOG + DONE + RAW + FACTS + CLOSING

CLOCK_TRUST_S = 0.002
"""How far the child's own measure of `solve` may be below the keeper's and still count."""

_MOST_NAMES, _NAME_CHARACTERS = 100, 4096  # the longest path
_NUMBER, _LOGGED = struct.Struct("<d"), struct.Struct("<dd")
_NAME_BYTES = 64


def pack(decisions: Decisions) -> bytes:
    """Return raw decisions as bytes: float64, one array after the other."""
    return b"".join(np.ascontiguousarray(array, dtype=np.float64).tobytes() for array in decisions)


def pack_incumbent(evaluations: float, decisions: Decisions) -> bytes:
    """Return an incumbent as bytes, after how many evaluations it came."""
    return _NUMBER.pack(evaluations) + pack(decisions)


def unpack_incumbent(data: bytes, instance: Instance) -> tuple[float, Solution]:
    """Return what `pack_incumbent` made bytes of."""
    count = float(_NUMBER.unpack(data[: _NUMBER.size])[0]) if len(data) >= _NUMBER.size else -1.0
    if not 0.0 <= count < np.inf:
        raise InputError("evaluations", "must be a number of at least 0", str(count))
    return count, unpack(data[_NUMBER.size :], instance)


def pack_logged(name: str, value: float, evaluations: float) -> bytes:
    """Return a logged number as bytes."""
    return _LOGGED.pack(value, evaluations) + name.encode(errors="replace")[:_NAME_BYTES]


def unpack_logged(data: bytes) -> tuple[str, float, float] | None:
    """Return name, number and evaluations of what `pack_logged` made bytes of; None for other bytes."""
    if len(data) < _LOGGED.size:
        return None
    value, evaluations = _LOGGED.unpack(data[: _LOGGED.size])
    name = data[_LOGGED.size : _LOGGED.size + _NAME_BYTES].decode(errors="replace")
    return (name, value, evaluations) if np.isfinite(value) and 0.0 <= evaluations < np.inf else None


def pack_bound(bound: float) -> bytes:
    """Return a bound as bytes."""
    return _NUMBER.pack(bound)


def unpack(data: bytes, instance: Instance) -> Solution:
    """Return the solution of `instance` in bytes that `pack` made."""
    T, N, M = instance.slot_count, instance.user_count, instance.model_count
    if len(data) != packed_size(instance):
        raise InputError("decisions", f"must have {packed_size(instance)} bytes", str(len(data)))
    numbers: Array = np.frombuffer(data, dtype=np.float64)
    cache, bandwidth_share, step_share = np.split(numbers, [T * M, T * (M + N)])
    shapes = cache.reshape(T, M), bandwidth_share.reshape(T, N), step_share.reshape(T, N)
    return Solution(instance.name, *shapes)


def packed_size(instance: Instance | Site) -> int:
    """Return how many bytes `pack` makes of decisions for an instance, or at a site."""
    return 8 * instance.slot_count * (instance.model_count + 2 * instance.user_count)


def unpack_bound(data: bytes) -> float:
    """Return the bound in the payload of a `BOUND` frame."""
    if len(data) != _NUMBER.size:
        raise InputError("bound", "must be a number", f"{len(data)} bytes")
    bound = float(_NUMBER.unpack(data)[0])
    if not bound < np.inf:
        raise InputError("bound", "must be finite", str(bound))
    return bound


class Facts(NamedTuple):
    """What a run says of itself, named as in `Outcome`."""

    solve_s: float
    moved_generators: list[str] | None
    late_modules: dict[str, str]
    evaluations: float
    pickled_modules: tuple[str, ...]


def unpack_facts(data: bytes, seen_s: float) -> Facts:
    """Return what a run says of itself.

    Nothing is believed but within bounds: the child's clock may be below the keeper's, which saw `seen_s`, by
    `CLOCK_TRUST_S`.
    """
    try:
        facts = json.loads(data)
        moved = [_text(name) for name in facts["moved"][:_MOST_NAMES]]
        late = {_text(path): _text(sha256) for path, sha256 in list(facts["late"].items())[:_MOST_NAMES]}
        pickled = tuple(_text(name) for name in facts.get("pickled", ())[:_MOST_NAMES])
        claimed_s, evaluations = float(facts["seconds"]), float(facts.get("evaluations", 0.0))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return Facts(seen_s, None, {}, 0.0, ())
    least_s = max(0.0, seen_s - CLOCK_TRUST_S)
    seconds = min(max(claimed_s, least_s), seen_s) if claimed_s == claimed_s else seen_s
    counted = evaluations if 0.0 <= evaluations < np.inf else 0.0
    return Facts(seconds, moved, late, counted, pickled)


def _text(name: object) -> str:
    """Return a name that a record can hold, half of a file's name by its code."""
    return str(name)[:_NAME_CHARACTERS].encode(errors="backslashreplace").decode()
