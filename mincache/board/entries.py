"""Entries: what the published board is made of, a folder a suite and contender.

An entry holds `manifest.toml` (who, with what, how trained), `records.jsonl.gz` and `solutions.jsonl.gz`;
that of a learned solver may hold a folder `policies` with the files that its runs chose among. Nothing in it
is believed: `board.verify` re-scores every solution.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tomli_w
from pydantic import Field, ValidationError

from mincache.bench import journal
from mincache.bench.parsing import RecordParser
from mincache.bench.records import Record
from mincache.board.packs import Pack, read_pack
from mincache.board.results import read_campaigns
from mincache.errors import InputError, in_file
from mincache.files.documents import digest, parse_json, write_bytes
from mincache.files.tables import StrictTable, TupleOf, read_toml, refusal

MANIFEST_FILE, RECORDS_FILE, SOLUTIONS_FILE = "manifest.toml", "records.jsonl.gz", "solutions.jsonl.gz"
POLICIES_FOLDER = "policies"
Link = Annotated[str, Field(pattern=r"^https://[^\s<>\"']+$")]
Tier = Literal["self-reported", "verified", "reproduced", "flagged"]
TIERS: Mapping[Tier, str] = {
    "self-reported": "no record is verified, or one that is has no stored solution to score again",
    "verified": "every solution is stored, and scored again by the evaluator",
    "reproduced": "somebody has run it again; its page says who and with what difference",
    "flagged": "it is doubted; its page says why",
}
"""What each tier means."""


class About(StrictTable):
    """What people say of an entry.

    Attributes:
        authors: who stands behind it.
        links: where to read more; https only.
        note: a sentence for readers.
        training_s: seconds of training, over all policies used.
        training_device: what it was trained on.
        reproduced: who ran a row again, when, and with what difference; "" if nobody.
        flag: why the entry is doubted; "" if it is not.
    """

    authors: TupleOf[str] = ()
    links: TupleOf[Link] = ()
    note: str = ""
    training_s: float | None = Field(default=None, ge=0)
    training_device: str = ""
    reproduced: str = ""
    flag: str = ""


class Manifest(About):
    """What an entry says of itself.

    Attributes:
        format: `mincache-entry/1`.
        suite: name of the suite.
        solver: the solver as it was written, parameters included.
        kind: `exact`, `relaxation`, `heuristic`, `learned` or `baseline`; "" if unknown.
        stochastic: whether its answer depends on the seed; None if unknown.
        records: the pack of records.
        solutions: the pack of solutions.
    """

    format: Literal["mincache-entry/1"] = "mincache-entry/1"
    suite: str
    solver: str
    kind: str = ""
    stochastic: bool | None = None
    records: Pack
    solutions: Pack


@dataclass(frozen=True)
class Entry:
    """One entry, read.

    Attributes:
        folder: where it is.
        manifest: what it says of itself.
        records: its records.
    """

    folder: Path
    manifest: Manifest
    records: tuple[Record, ...]

    @property
    def tier(self) -> Tier:
        """How far the entry can be trusted, given that `board.verify` finds nothing wrong."""
        if self.manifest.flag:
            return "flagged"
        if self.manifest.reproduced:
            return "reproduced"
        stored = [r.solution_sha256 is not None for r in self.records if r.verdict == "verified"]
        return "verified" if stored and all(stored) else "self-reported"

    def solutions(self) -> Iterator[bytes]:
        """Yield the stored solution documents.

        Raises:
            DocumentError: if the pack is damaged or not the one of the manifest.
        """
        return read_pack(self.folder / SOLUTIONS_FILE, self.manifest.solutions)


def read_entry(folder: str | os.PathLike[str]) -> Entry:
    """Read an entry with its records; its solutions stay on disk.

    Raises:
        DocumentError: with the file, the field, the rule and what was received.
    """
    folder = Path(folder)
    manifest = read_toml(folder / MANIFEST_FILE, Manifest)
    path = folder / RECORDS_FILE
    lines, parser = enumerate(read_pack(path, manifest.records), 1), RecordParser()
    return Entry(folder, manifest, tuple(_record(path, n, line, parser) for n, line in lines))


def read_entries(board: str | os.PathLike[str]) -> list[Entry]:
    """Read all entries of a board, sorted by suite and folder.

    Raises:
        InputError: if there is none, or one cannot be read.
    """
    found = _folders(board)
    if not found:
        raise InputError(os.fspath(board), "must be a board with at least one entry", "none")
    return [read_entry(folder) for folder in found]


def _folders(board: str | os.PathLike[str]) -> list[Path]:
    return [path.parent for path in sorted(Path(board).glob(f"*/*/{MANIFEST_FILE}"))]


def read_any(
    folder: str | os.PathLike[str], warn: Callable[[str], object] = lambda sentence: None
) -> list[Record]:
    """Return the records of a campaign or of a board, whichever the folder is.

    Args:
        folder: a campaign or a board.
        warn: told, in a sentence, of damaged lines that were passed over.

    Raises:
        InputError: if it is neither.
    """
    if (Path(folder) / journal.RECORDS_FILE).exists():
        return read_campaigns([folder], warn)
    if not _folders(folder):
        raise InputError("folder", "must be a campaign or a board", os.fspath(folder))
    return [record for entry in read_entries(folder) for record in entry.records]


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of an entry."""
    table = manifest.model_dump(mode="json", exclude_none=True)
    write_bytes(folder / MANIFEST_FILE, tomli_w.dumps(table).encode())


def folder_name(label: str) -> str:
    """Return the folder of the entry with this label: the label itself where it can name a folder."""
    slug = re.sub(r"[^a-z0-9.]+", "-", label.lower()).strip("-.") or "entry"
    return label if slug == label else f"{slug[:60]}-{digest(label.encode())[:8]}"


def _record(path: Path, number: int, line: bytes, parser: RecordParser) -> Record:
    with in_file(f"{path}: line {number}"):
        parse_json(line)  # stricter than the parser, which takes less memory
        try:
            return parser.parse(line.rstrip(b"\n"))
        except ValidationError as error:
            raise refusal(Record, error) from None
