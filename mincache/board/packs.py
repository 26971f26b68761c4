"""Packs: files of one JSON document a line, checked against their hash while they are read.

A pack of solutions may refer to another one, which has a solution of the same instance: it leaves out equal
slots, and of other numbers it stores how many floats they are away. So nearly equal answers are stored once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mincache.errors import DocumentError, in_file
from mincache.files.documents import MAX_BYTES, digest, parse_json, write_bytes
from mincache.files.packing import reading, unpacked
from mincache.files.tables import StrictTable, Whole

MAX_PACK_BYTES = 1024 * 1024 * 1024
"""A pack may not be larger than this, unpacked."""
_BRIEF = b"~"  # begins a line that leaves out slots; a document begins with a brace
_APART = "floats_apart"


class Pack(StrictTable):
    """A packed file of one JSON document a line: the SHA-256 of its unpacked content, and its lines.

    Attributes:
        shared: the pack of solutions whose slots are left out of this one, and filled in before it is hashed.
    """

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    lines: Whole
    shared: Pack | None = None


def write_pack(path: Path, lines: Iterable[bytes], shared: Path | None = None) -> Pack:
    """Write a pack of these lines, each ending in a line feed, and return what it is.

    Of a line, the slots that the solutions in the file `shared` have too are left out.
    """
    whole = list(lines)
    base, written = None, whole
    if shared is not None and shared.is_file():
        base = _pack(list(_lines(shared)))
        known = _shared(shared, base)
        written = [_left_out(line, known) for line in whole]
    write_bytes(path, b"".join(written))
    return _pack(whole, None if written == whole else base)


def _pack(lines: Sequence[bytes], shared: Pack | None = None) -> Pack:
    return Pack(sha256=digest(b"".join(lines)), lines=len(lines), shared=shared)


def read_pack(path: Path, wanted: Pack, shared: Path | None = None) -> Iterator[bytes]:
    """Yield the lines of a pack; refused if damaged, too large or, known after the last, not as wanted.

    Slots that were left out are filled in from the file `shared`.
    """
    known = {} if shared is None or wanted.shared is None else _shared(shared, wanted.shared)
    hasher, lines, size = hashlib.sha256(), 0, 0
    for line in _lines(path):
        with in_file(f"{path}: line {lines + 1}"):
            whole = _filled_in(line, known)
        hasher.update(whole)
        lines, size = lines + 1, size + len(whole)
        _limit(path, len(whole), size)
        yield whole
    if hasher.hexdigest() != wanted.sha256:
        rule = f"must be {wanted.sha256[:12]}..., as the manifest says"
        raise DocumentError(f"{path}: sha256", rule, f"{hasher.hexdigest()[:12]}...")
    if lines != wanted.lines:
        raise DocumentError(f"{path}: lines", f"must be {wanted.lines}, as the manifest says", str(lines))


def _lines(path: Path) -> Iterator[bytes]:
    begun, size = bytearray(), 0
    with in_file(path), reading(), path.open("rb") as file:
        for chunk in unpacked(file, path.suffix):
            first, *later = chunk.split(b"\n")
            begun += first  # in place: a long line comes in hundreds of pieces
            size += len(chunk)
            _limit(path, len(begun), size)
            for line in later:  # shorter than a piece
                yield bytes(begun) + b"\n"
                begun = bytearray(line)
    if begun:
        yield bytes(begun)


def _limit(path: Path, line_bytes: int, pack_bytes: int) -> None:
    if line_bytes > MAX_BYTES or pack_bytes > MAX_PACK_BYTES:
        rule = f"must hold at most {MAX_BYTES} bytes a line and {MAX_PACK_BYTES} in all"
        raise DocumentError(f"{path}: pack", rule, "more")


def _shared(path: Path, wanted: Pack) -> Mapping[str, Mapping[str, Any]]:
    return {(document := parse_json(line))["instance"]: document for line in read_pack(path, wanted)}


def _left_out(line: bytes, known: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Write a line by how its slots differ from those of the known solution, where it packs better so."""
    briefs = [_BRIEF + _slots(line, known, choose) for choose in (_unless_equal, _difference)]
    best = min(line, *briefs, key=lambda one: len(zlib.compress(one, 1)))
    return best if _filled_in(best, known) == line else line


def _filled_in(line: bytes, known: Mapping[str, Mapping[str, Any]]) -> bytes:
    return _slots(line.removeprefix(_BRIEF), known, _whole) if line.startswith(_BRIEF) else line


def _unless_equal(own: Any, shared: Any) -> Any:
    return 0 if own == shared else own


def _difference(own: Any, shared: Any) -> Any:
    """Return 0 for an equal slot, for others how many floats away each number is, where there are such."""
    if own == shared or not (_all(own, float) and _all(shared, float) and len(own) == len(shared)):
        return _unless_equal(own, shared)
    return {_APART: (_bits(own) - _bits(shared)).tolist()}


def _whole(difference: Any, shared: Any) -> Any:
    """Undo `_difference`; the pack's hash tells of what it could not have written."""
    if not isinstance(difference, dict):
        return shared if difference == 0 else difference
    apart = difference.get(_APART)
    if not (_all(apart, int) and _all(shared, float) and len(apart) == len(shared)):
        return difference
    with contextlib.suppress(OverflowError):
        return (_bits(shared) + np.array(apart, np.int64)).view(np.float64).tolist()
    return difference


def _all(slot: Any, kind: type) -> TypeGuard[list[Any]]:
    return isinstance(slot, list) and all(type(one) is kind for one in slot)


def _bits(numbers: Sequence[float]) -> NDArray[np.int64]:
    """Return numbers by their place among all floats, of which the next one differs by 1."""
    return np.array(numbers, np.float64).view(np.int64)


def _slots(line: bytes, known: Mapping[str, Mapping[str, Any]], choose: Callable[[Any, Any], Any]) -> bytes:
    """Choose each slot of a solution from its own and that of the known solution of its instance."""
    document = parse_json(line)
    for name, shared in known.get(str(document.get("instance")), {}).items():
        slots = document.get(name)
        if isinstance(shared, list) and isinstance(slots, list) and len(slots) == len(shared):
            document[name] = [choose(*pair) for pair in zip(slots, shared, strict=True)]
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"
