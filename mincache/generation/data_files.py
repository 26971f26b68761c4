"""Data that instances are made of: columns of a CSV or Parquet file, known by its SHA-256."""

import csv
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from mincache.errors import InputError, did_you_mean, excerpt, in_file, optional_library
from mincache.files.packing import reading
from mincache.files.paths import file_stamp
from mincache.generation.process import LARGEST
from mincache.problem.quantity import Array

_parquet = partial(optional_library, "pyarrow.parquet", "data", "Parquet files, unlike CSV, need")


def file_digest(path: str, expected: str | None = None) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with in_file(path), reading():
        _check_regular(path)
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if expected is not None and digest != expected:
            advice = "the file has changed; use the one that the suite was drawn from"
            raise InputError("sha256", f"must be {expected[:12]}...", f"{digest[:12]}...", advice)
        return digest


def read_columns(path: str, names: Sequence[str], sha256: str | None = None) -> dict[str, list[str]]:
    """Return the cells of some columns of a file, as text, by column."""
    return _read(path, sha256, tuple(dict.fromkeys(names)), file_stamp(path))


def column_names(path: str) -> list[str]:
    """Return the names of a file's columns."""
    with in_file(path):
        _check_regular(path)
        if Path(path).suffix == ".parquet":
            with _told():
                return list(_parquet().read_schema(path).names)
        with _told(), open(path, newline="", encoding="utf-8-sig") as file:
            names = next(csv.reader(file), [])
        if not names:
            raise InputError("file", "must begin with a line of column names", "an empty line or file")
        return names


@contextmanager
def _told() -> Iterator[None]:
    """Say in a line what a reader says of a file that is not in its format."""
    try:
        yield
    except (OSError, ValueError, ArithmeticError, NotImplementedError, csv.Error) as error:
        raise InputError("file", "must be a whole CSV or Parquet file", excerpt(str(error))) from None


def _check_regular(path: str) -> None:
    """Check that a file can be read twice, for its hash and its content."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise InputError("file", "must be a regular file", "a folder, device or pipe")


def number(text: str | float) -> float:
    """Return a finite number within 1e30 of 0, written in ASCII digits; nan for any other text."""
    try:
        plain = isinstance(text, float | int) or (text.isascii() and "_" not in text)
        value = float(text) if plain else np.nan
    except ValueError:
        return np.nan
    return value if abs(value) <= LARGEST else np.nan


def numbers(column: str, cells: Sequence[str | float]) -> Array:
    """Return the numbers in the cells of a column, [R]."""
    values = np.array([number(cell) for cell in cells])
    if bad := np.flatnonzero(np.isnan(values)).tolist():
        raise InputError(
            f"{column}[{bad[0]}]", f"must be a number, at most {LARGEST:g}", excerpt(cells[bad[0]])
        )
    return values


def check_filled(column: str, cells: Sequence[str], rows: Iterable[int]) -> None:
    """Refuse an empty cell in these rows of a column."""
    if (bad := next((row for row in rows if not cells[row].strip()), None)) is not None:
        raise InputError(f"{column}[{bad}]", "must not be empty", excerpt(cells[bad]))


@lru_cache(maxsize=8)
def _read(
    path: str, sha256: str | None, names: tuple[str, ...], stamp: tuple[int, int] | None
) -> dict[str, list[str]]:
    """Read the columns; the stamp has a file that was written meanwhile read again."""
    file_digest(path, sha256)
    with in_file(path):
        known = column_names(path)
        for name in names:
            if name not in known:
                rule = f"must be among the file's: {', '.join(known[:20])}"
                raise InputError("columns", rule, excerpt(name), did_you_mean(name, known, ""))
            if known.count(name) > 1:
                raise InputError("columns", "must have names of their own", f"{excerpt(name)} twice")
        if Path(path).suffix == ".parquet":
            with _told():
                table = _parquet().read_table(path, columns=list(names))
                return {
                    name: ["" if cell is None else str(cell) for cell in table.column(name).to_pylist()]
                    for name in names
                }
        return _read_csv(path, names, [known.index(name) for name in names])


def _read_csv(path: str, names: tuple[str, ...], places: list[int]) -> dict[str, list[str]]:
    cells: list[list[str]] = [[] for _ in names]
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file)
        next(rows)
        try:
            for row in rows:
                if not row:
                    continue
                for column, place in zip(cells, places, strict=True):
                    column.append(row[place])
        except IndexError:
            rule = f"must hold {max(places) + 1} columns or more"
            raise InputError(f"line {rows.line_num}", rule, str(len(row))) from None
        except (csv.Error, UnicodeDecodeError) as error:
            line = f"line {rows.line_num + 1}"
            raise InputError(line, "must be CSV in UTF-8", excerpt(str(error))) from None
    return dict(zip(names, cells, strict=True))
