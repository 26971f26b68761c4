"""What a reproduction writes: numbers as JSON and CSV, figures as SVG and PNG."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mincache.errors import InputError
from mincache.files.documents import parse_json, read_bytes, write_bytes

FORMAT = "mincache-paper/1"
FindingRow = dict[str, Any]
"""One row of a table: texts, numbers or None by column."""
_DIGITS = 6


@dataclass(frozen=True)
class Findings:
    """What came of one of the words of `mincache reproduce`.

    Attributes:
        what: the word.
        tables: rows by table.
        charts: Vega-Lite specifications by name.
        record: how it came about: size, settings, machine, runs.
        runs: every run and training that it rests on, a line each, by campaign.
    """

    what: str
    tables: Mapping[str, Sequence[FindingRow]]
    charts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    runs: Mapping[str, Sequence[FindingRow]] = field(default_factory=dict)


def write(folder: Path, found: Findings) -> list[Path]:
    """Write everything into a folder, and return the files."""
    from mincache.site import charts

    document = {"format": FORMAT, "what": found.what, "record": found.record, "tables": found.tables}
    files = {f"{found.what}.json": (json.dumps(rounded_numbers(document), indent=1) + "\n").encode()}
    files |= {f"{name}.csv": as_csv(rows) for name, rows in found.tables.items()}
    files |= {f"runs/{name}.csv": as_csv(rows) for name, rows in found.runs.items()}
    for name, chart in found.charts.items():
        files |= {f"{name}.svg": charts.svg(chart), f"{name}.png": charts.png(chart)}
    (folder / "runs").mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        write_bytes(folder / name, data)
    return [folder / name for name in files]


def read(folder: Path, what: str) -> Findings:
    """Return what was written, without its charts.

    Raises:
        InputError: if there is none.
    """
    path = path_of(folder, what)
    if not path.is_file():
        raise InputError("output", f"must hold {path.name}", str(folder), f"run: mincache reproduce {what}")
    document = parse_json(read_bytes(path))
    return Findings(what, document["tables"], record=document["record"])


def path_of(folder: Path, what: str) -> Path:
    """Return the file that the numbers of a word are in."""
    return folder / f"{what}.json"


def as_csv(rows: Sequence[FindingRow]) -> bytes:
    """Return rows as CSV; a column that any row has."""
    text = io.StringIO()
    columns = list(dict.fromkeys(column for row in rows for column in row))
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rounded_numbers(list(rows)))
    return text.getvalue().encode()


def rounded_numbers(value: Any) -> Any:
    """Return a JSON value with every number to 6 significant digits."""
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, Mapping):
        return {key: rounded_numbers(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [rounded_numbers(entry) for entry in value]
    return value
