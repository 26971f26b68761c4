"""Messages over a pipe: one byte of kind, four of length, then the payload."""

import os
import struct
from collections.abc import Iterator

from mincache.files.documents import MAX_BYTES

_HEADER = struct.Struct("<cI")


class BrokenStreamError(Exception):
    """What came over the pipe is no sequence of frames."""


def frame(kind: bytes, payload: bytes = b"") -> bytes:
    """Return a frame."""
    return _HEADER.pack(kind, len(payload)) + payload


def write(descriptor: int, kind: bytes, payload: bytes = b"") -> None:
    """Write one frame, whole."""
    data = memoryview(frame(kind, payload))
    while data:
        data = data[os.write(descriptor, data) :]


def read(descriptor: int) -> tuple[bytes, bytes] | None:
    """Read one frame, waiting for it; None at the end of the stream, within a frame a BrokenStreamError."""
    header = _read_exactly(descriptor, _HEADER.size)
    if header is None:
        return None
    kind, length = _HEADER.unpack(header)
    payload = _read_exactly(descriptor, length) if length else b""
    if payload is None:
        raise BrokenStreamError("the stream ended within a frame")
    return kind, payload


def _read_exactly(descriptor: int, count: int) -> bytes | None:
    parts: list[bytes] = []
    while count:
        part = os.read(descriptor, min(count, 1 << 20))
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


class Decoder:
    """Takes bytes as they come and gives the frames that are complete, of `kinds` and up to `cap` bytes."""

    def __init__(self, kinds: bytes, cap: int = MAX_BYTES) -> None:
        self._kinds, self._cap = kinds, cap
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the frames that `data` completes; an unknown kind or long payload is a BrokenStreamError."""
        self._buffer += data
        while len(self._buffer) >= _HEADER.size:
            kind, length = _HEADER.unpack_from(self._buffer)
            if kind not in self._kinds:
                raise BrokenStreamError("the run wrote something else into its reporting channel")
            if length > self._cap:
                raise BrokenStreamError(f"a message of {length} bytes, over the cap of {self._cap}")
            end = _HEADER.size + length
            if len(self._buffer) < end:
                return
            yield kind, bytes(self._buffer[_HEADER.size : end])
            del self._buffer[:end]
