"""The journal of a campaign: one line a record, appended with one write, checked when read.

A line is `{"sha256":"...","record":{...}}`, the hash that of the record's bytes as they stand. A line that
was cut off, wherever it stands, is passed over. Where a run was attempted more than once, the last
attempt counts. Solutions lie beside it under the hash of their document.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from mincache.errors import DocumentError, InputError, MincacheError, in_file
from mincache.files.documents import digest, read_bytes, write_bytes
from mincache.judging.judge import with_contradictions
from mincache.judging.records import Record, RecordParser

RECORDS_FILE = "records.jsonl"
SOLUTIONS_FOLDER = "solutions"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BUFFER_BYTES = 1024 * 1024  # lines of several thousand bytes are read in three quarters of the time
_LINE = re.compile(rb'\{"sha256":"(.{64})","record":(.*)\}', re.DOTALL)


class JournalError(MincacheError):
    """A record could not be kept; the campaign must stop, for what is not kept is not done."""


def line_of(record: Record) -> bytes:
    """Return the line of a record, its newline included."""
    payload = record.model_dump_json().encode()
    return b'{"sha256":"%b","record":%b}\n' % (digest(payload).encode(), payload)


def attempts(
    folder: Path, torn: Callable[[], object] = lambda: None, parser: RecordParser | None = None
) -> Iterator[Any]:
    """Yield every attempt in a folder as written, or as a `parser` reads it.

    `torn` is called for each line that is not whole.
    """
    parser, path = parser or RecordParser(), folder / RECORDS_FILE
    if not path.is_file():
        raise InputError("campaign", f"must be a folder with a {RECORDS_FILE}", str(folder))
    with path.open("rb", buffering=_BUFFER_BYTES) as file:
        for number, line in enumerate(file):
            line = line.strip() if number else line.removeprefix(_BYTE_ORDER_MARK).strip()
            match = _LINE.fullmatch(line)
            try:
                record = parser.parse(match[2]) if match and digest(match[2]).encode() == match[1] else None
            except ValidationError:
                record = None
            if record is not None:
                yield record
            elif line:
                torn()


def read(folder: Path) -> list[Record]:
    """Return the records of a campaign that count: each run's last attempt, contradicted bounds marked."""
    return read_counting(folder)[0]


def read_counting(folder: Path) -> tuple[list[Record], int]:
    """Return what `read` does, and how many lines are not whole."""
    torn: list[None] = []
    last = {record.cell.key: record for record in attempts(folder, lambda: torn.append(None))}
    return with_contradictions(list(last.values())), len(torn)


def solution_path(folder: Path, sha256: str) -> Path:
    """Return where a campaign's folder keeps the document of this hash."""
    return folder / SOLUTIONS_FOLDER / f"{sha256}.json.gz"


def document(folder: Path, sha256: str) -> bytes:
    """Return the document of this hash that a campaign's folder keeps.

    Raises:
        DocumentError: if it is missing or damaged.
    """
    path = solution_path(folder, sha256)
    with in_file(path):
        if digest(data := read_bytes(path)) != sha256:
            raise InputError("sha256", "must match the file's name", digest(data))
    return data


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Journal:
    """A campaign's folder, open for appending by this process alone; a context manager.

    Raises:
        InputError: if the folder cannot be used, or another process has it open.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            (folder / SOLUTIONS_FOLDER).mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
            self._file = os.open(folder / RECORDS_FILE, flags, 0o644)
        except OSError as error:
            raise InputError(
                "output", "must be a folder to write to", f"{folder}: {error.strerror}"
            ) from None
        self._lock()
        self._size = size = os.fstat(self._file).st_size
        self._whole = size == 0 or os.pread(self._file, 1, size - 1) == b"\n"

    def _lock(self) -> None:
        try:
            import fcntl

            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise InputError(
                "output", "must not be in use", str(self.folder), "another run is at it"
            ) from None
        except (ImportError, OSError):
            return  # this system, or its file system, knows no such locks

    def append(self, record: Record, documents: Mapping[str, bytes]) -> None:
        """Keep a record, and its documents (by hash) first; then not even a power cut loses them."""
        try:
            for name, data in documents.items():
                self._keep(name, data)
            self.check()
            self._write(line_of(record))
            self.check()
        except DocumentError as error:
            raise JournalError(str(error)) from None
        except OSError as error:
            raise JournalError(f"{self.folder}: the record could not be written: {error.strerror}") from None

    def check(self) -> None:
        """Check that the file is still the one that was opened, and has lost nothing."""
        path = self.folder / RECORDS_FILE
        try:
            found, own = os.stat(path), os.fstat(self._file)
        except OSError as error:
            raise JournalError(f"{path} is gone: {error.strerror}") from None
        if (found.st_dev, found.st_ino) != (own.st_dev, own.st_ino):
            raise JournalError(f"{path} was replaced by another file while runs were recorded in it")
        if own.st_size < self._size:
            raise JournalError(f"{path} has lost records while runs were recorded in it")

    def _keep(self, name: str, data: bytes) -> None:
        try:
            document(self.folder, name)
        except DocumentError:
            path = solution_path(self.folder, name)
            write_bytes(path, data)
            for one in (path, path.parent):
                _sync(one)

    def _write(self, line: bytes) -> None:
        data = line if self._whole else b"\n" + line
        self._whole = False
        if os.write(self._file, data) < len(data):
            raise OSError(0, "only a part of it was", str(self.folder))
        self._whole = True
        self._size += len(data)
        os.fsync(self._file)

    def close(self) -> None:
        """Let the folder go."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
