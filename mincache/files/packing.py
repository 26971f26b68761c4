"""Files packed by gzip or xz: made the same each time, and read piece by piece in bounded memory."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from mincache.errors import InputError

_XZ_WINDOW_BYTES = 64 * 1024 * 1024
_XZ_MEMORY_BYTES = 2 * _XZ_WINDOW_BYTES  # to unpack; what `xz -9` packed takes a little over half of it


@contextmanager
def reading() -> Iterator[None]:
    """Say in words what the operating system says of a file that cannot be read."""
    try:
        yield
    except OSError as error:
        raise InputError("file", "must be readable", error.strerror or str(error)) from None


def unpacked(stream: BinaryIO, suffix: str = ".gz", piece_bytes: int = 1 << 17) -> Iterator[bytes]:
    """Yield, in pieces of at most this size, what the one member of a `.gz` or `.xz` file holds.

    More members are refused: of very many empty ones, each would take time.
    """
    kind, unpacker, broken = _unpacker(suffix)
    try:
        while packed := stream.read(piece_bytes):
            waiting = True
            while waiting and not unpacker.eof:
                yield unpacker.decompress(packed, piece_bytes)
                packed = getattr(unpacker, "unconsumed_tail", b"")  # gzip hands it back, xz keeps it
                waiting = bool(packed) or not getattr(unpacker, "needs_input", True)
            if unpacker.unused_data or packed:
                raise InputError("file", f"must hold one {kind} member", "more after it")
    except broken as error:
        raise InputError("file", f"must be {kind}", str(error)) from None
    if not unpacker.eof:
        raise InputError("file", f"must be {kind}", "a file that is cut off")


def _unpacker(suffix: str) -> tuple[str, Any, type[Exception]]:
    if suffix == ".gz":
        return "gzip", zlib.decompressobj(wbits=31), zlib.error  # with a gzip header
    import lzma  # which few files need

    return "xz", lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES), lzma.LZMAError


def packed(data: bytes, suffix: str) -> bytes:
    """Return data as a `.gz` or `.xz` file holds it; the data itself for any other suffix."""
    if suffix == ".gz":
        return gzip.compress(data, mtime=0)
    if suffix != ".xz":
        return data
    import lzma

    # As `xz -9e` packs; a window beyond the data would only take memory.
    window = min(max(len(data), 4096), _XZ_WINDOW_BYTES)
    best = {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": window}
    return lzma.compress(data, filters=[best])
