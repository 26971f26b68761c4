"""Packs: many JSON documents in one `.jsonl.gz` file, a document a line, named by the hash of all of it."""

from __future__ import annotations

import hashlib
import io
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import Field

from mincache.errors import DocumentError, InputError, in_file
from mincache.files.documents import MAX_BYTES, write_bytes
from mincache.files.tables import StrictTable, Whole

_CHUNK_BYTES = 1 << 17
MAX_PACK_BYTES = 1024 * 1024 * 1024
"""A pack may not be larger than this, unpacked."""


class Pack(StrictTable):
    """What a manifest says of a pack.

    Attributes:
        sha256: of the unpacked content: another gzip packs the same content into other bytes.
        lines: number of documents.
    """

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    lines: Whole


def write_pack(path: str | os.PathLike[str], lines: Iterable[bytes]) -> Pack:
    """Write a pack of these lines, each ending in a line feed, and return what it is."""
    listed = list(lines)
    content = b"".join(listed)
    write_bytes(path, content)
    return Pack(sha256=hashlib.sha256(content).hexdigest(), lines=len(listed))


def read_pack(path: str | os.PathLike[str], wanted: Pack) -> Iterator[bytes]:
    """Yield the lines of a pack one by one; none is larger than `documents.MAX_BYTES`.

    Raises:
        DocumentError: if the file is missing, damaged, too large, or not the pack `wanted`; a wrong hash
            shows only after the last line.
    """
    hasher, lines, size = hashlib.sha256(), 0, 0
    for line in _lines(Path(path)):
        hasher.update(line)
        lines, size = lines + 1, size + len(line)
        if len(line) > MAX_BYTES or size > MAX_PACK_BYTES:
            rule = f"must hold at most {MAX_BYTES} bytes a line and {MAX_PACK_BYTES} in all"
            raise DocumentError(f"{path}: pack", rule, "more")
        yield line
    if hasher.hexdigest() != wanted.sha256:
        rule = f"must be {wanted.sha256[:12]}..., as the manifest says"
        raise DocumentError(f"{path}: sha256", rule, f"{hasher.hexdigest()[:12]}...")
    if lines != wanted.lines:
        raise DocumentError(f"{path}: lines", f"must be {wanted.lines}, as the manifest says", str(lines))


class _OneMember(io.RawIOBase):
    """What the only member of a gzip file holds; of very many empty ones, each would take time."""

    def __init__(self, packed: BinaryIO) -> None:
        self._packed, self._unpacker = packed, zlib.decompressobj(wbits=31)  # with a gzip header

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Unpack into a buffer, and return how many bytes; 0 at the end."""
        while not self._unpacker.eof:
            packed = self._unpacker.unconsumed_tail or self._packed.read(_CHUNK_BYTES)
            if not packed:
                raise EOFError("a file that is cut off")
            if data := self._unpacker.decompress(packed, len(buffer)):
                buffer[: len(data)] = data
                return len(data)
        if self._unpacker.unused_data or self._packed.read(1):
            raise InputError("file", "must hold one gzip member", "more after it")
        return 0


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with in_file(path), path.open("rb") as packed:
            stream = io.BufferedReader(_OneMember(packed), _CHUNK_BYTES)
            while line := stream.readline(MAX_BYTES + 1):
                yield line
    except (EOFError, zlib.error) as error:
        raise DocumentError(f"{path}: file", "must be gzip", str(error)) from None
    except OSError as error:
        raise DocumentError(f"{path}: file", "must be readable", error.strerror or str(error)) from None
