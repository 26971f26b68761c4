"""Entries: what the published board is made of, a folder a suite and contender.

An entry may hold `policies` that a learner's runs chose among, and the `source` of a solver that no package
has. What others found is in `reviews`, a folder each.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import to_json

from mincache.board.contenders import printable
from mincache.board.packs import Pack, read_pack
from mincache.errors import InputError, excerpt, in_file
from mincache.files.documents import digest, parse_json, write_bytes
from mincache.files.tables import StrictTable, TupleOf, Whole, read_toml, refusal
from mincache.generation import suites
from mincache.judging import journal
from mincache.judging.records import Record, RecordParser
from mincache.problem.instance import NAME_CHARACTERS

MANIFEST_FILE, RECORDS_FILE, SOLUTIONS_FILE = "manifest.toml", "records.jsonl.gz", "solutions.jsonl.xz"
_OLD_SOLUTIONS_FILE = "solutions.jsonl.gz"
SHARED_FILE = "shared.jsonl.xz"
"""Beside the entries of a suite: a solution of each instance, whose slots entries need not store again."""
POLICIES_FOLDER, SOURCE_FOLDER, REVIEWS_FOLDER = "policies", "source", "reviews"
REVIEW_FILE = "review.toml"
SUITE_FOLDER = "suite"
"""Where a board keeps a suite that is not a standard one, in that suite's folder."""
_SHORT_BYTES = 1024 * 1024


def _one_line(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        rule = "must be one line without invisible characters, and without spaces at its ends"
        raise InputError("", rule, excerpt(text))
    return text


def _name(text: str) -> str:
    if not text:
        raise InputError("", "must be a name", "nothing")
    return _one_line(text)


def _day(text: str) -> str:
    try:
        found = date.fromisoformat(text).isoformat()
    except ValueError:
        found = ""
    if found != text:
        raise InputError("", "must be a day such as 2026-11-28", excerpt(text))
    return text


Line = Annotated[str, AfterValidator(_one_line)]
Person = Annotated[str, AfterValidator(_name)]
Link = Annotated[Line, Field(pattern=r"^https://[^\s<>\"']+$")]
Tier = Literal["self-reported", "verified", "reproduced", "flagged"]
TIERS: Mapping[Tier, str] = {
    "self-reported": "no record is verified, or one that is has no stored solution; not ranked",
    "verified": "every solution is stored, and scored again by the evaluator",
    "reproduced": "a reviewer has run a fifth of it or more again; those records are verified too",
    "flagged": "a reviewer doubts it; its page says who and why; not ranked",
}
"""What each tier means."""
COVERED: Mapping[str, str] = {
    "cost, gap, hit ratio": "scored again from the stored solution",
    "proven optimum": "held against the suite's certified bounds",
    "instances, repetitions": "counted; missing ones are named",
    "times": "held against the limits, the wall's time and the trace; not measured again unless reproduced",
    "seeds": "named in the records; that none was chosen for its luck cannot be seen",
    "machine, versions": "as the entrant's machine reported them",
    "training": "as the entrant says; the policies are stored where the entry has them",
    "source": "stored or in the package, and held against its hash; reproducing shows that it was used",
}
"""What verifying covers of an entry, and what it cannot."""


class About(StrictTable):
    """What people say of an entry: authors, where to read more, a sentence, and training (all policies)."""

    authors: TupleOf[Person] = ()
    links: TupleOf[Link] = ()
    note: Line = ""
    training_s: float | None = Field(default=None, ge=0)
    training_device: Line = ""


class Manifest(About):
    """What an entry says of itself.

    Attributes:
        kind: `exact`, `relaxation`, `heuristic`, `learned` or `baseline`; "" if unknown.
        stochastic: whether its answer depends on the seed; None if unknown.
        instances: how many instances it has runs of; None means all of the suite.
        reproduced: "" always, and `flag` too; earlier versions let entrants write them.
    """

    format: Literal["mincache-entry/1"] = "mincache-entry/1"
    suite: str
    solver: str
    kind: str = ""
    stochastic: bool | None = None
    instances: Whole | None = None
    reproduced: str = ""
    flag: str = ""
    records: Pack
    solutions: Pack


class Review(StrictTable):
    """What somebody other than its authors found of an entry; a flag needs no records made again."""

    format: Literal["mincache-review/1"] = "mincache-review/1"
    finding: Literal["reproduced", "flagged"]
    by: Person
    date: Annotated[str, AfterValidator(_day)]
    note: Line = ""
    records: Pack | None = None
    solutions: Pack | None = None

    def __str__(self) -> str:
        return f"{self.finding} by {self.by} on {self.date}" + (f": {self.note}" if self.note else "")


@dataclass(frozen=True, eq=False)
class Entry:
    """One entry, its reviews by folder; `frozen`: before its suite was drawn."""

    folder: Path
    manifest: Manifest
    reviews: Mapping[str, Review]
    frozen: bool = False

    @property
    def name(self) -> str:
        """Suite and folder, such as `paper-v1/genetic-0f3b2a91`."""
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def flagged(self) -> bool:
        """Whether a reviewer doubts it."""
        return any(review.finding == "flagged" for review in self.reviews.values())

    def tier(self, stored: bool) -> Tier:
        """Return how far it can be trusted; `stored`: a run is verified, and each such has its solution."""
        if self.flagged or not stored:
            return "flagged" if self.flagged else "self-reported"
        return "reproduced" if self.reviews else "verified"

    def records(self) -> Iterator[Record]:
        """Yield its records; refused with the file, the line, the field and the rule if one is broken."""
        parser, path, free = RecordParser(), self.folder / RECORDS_FILE, set[bytes]()
        for number, line in enumerate(read_pack(path, self.manifest.records), 1):
            with in_file(f"{path}: line {number}"):
                record = _record(line.rstrip(b"\n"), parser, free)
            yield record

    def solutions(self) -> Iterator[bytes]:
        """Yield the stored solution documents; refused if the pack is not the one of the manifest."""
        shared = self.folder.parent / SHARED_FILE
        return read_pack(self.folder / solutions_file(self.folder), self.manifest.solutions, shared)

    def review(self, name: str) -> Entry:
        """Return a reproduction as an entry of its own: the records that the reviewer made."""
        packs = {what: getattr(self.reviews[name], what) for what in ("records", "solutions")}
        if None in packs.values():
            raise InputError(f"review {name}", "must hold records and solutions", "none")
        return Entry(self.folder / REVIEWS_FOLDER / name, self.manifest.model_copy(update=packs), {})


def _record(line: bytes, parser: RecordParser, free: set[bytes]) -> Record:
    """Parse a record; `free` are the parameters and environments so far, which may hold anything."""
    strict = len(line) > _SHORT_BYTES  # what is long could take the parser much memory
    if strict:
        parse_json(line)
    try:
        record: Record = parser.parse(line)
    except ValidationError as error:
        parse_json(line)
        raise refusal(Record, error) from None
    own = to_json(record.cell.parameters) + line.rpartition(b',"environment":')[2]
    if not strict and (own not in free or record.model_dump_json().encode() != line):
        parse_json(line)  # stricter than the parser, and slower than to see that the record is written so
        free.add(own)
    return record


def read_entry(folder: str | os.PathLike[str]) -> Entry:
    """Read an entry's manifest and reviews; a broken one is refused with the file, the field and the rule."""
    folder = Path(folder)
    reviews = sorted((folder / REVIEWS_FOLDER).glob(f"*/{REVIEW_FILE}"))
    found = {path.parent.name: read_toml(path, Review) for path in reviews}
    return Entry(folder, read_toml(folder / MANIFEST_FILE, Manifest), found)


def solutions_file(folder: Path) -> str:
    """Return the name of the solutions in an entry or a review; earlier versions packed them as gzip."""
    old = not (folder / SOLUTIONS_FILE).exists() and (folder / _OLD_SOLUTIONS_FILE).exists()
    return _OLD_SOLUTIONS_FILE if old else SOLUTIONS_FILE


def find_entry(folder: Path) -> Path:
    """Return the folder of an entry, which may be given without the hash at its end where that is clear."""
    near = sorted(folder.parent.glob(f"{folder.name}-????????")) if not folder.is_dir() else []
    return near[0] if len(near) == 1 else folder


def write_file(path: Path, content: bytes) -> None:
    """Write a file of a board, in place of a link: a board may be a stranger's, and lead anywhere."""
    if path.is_symlink():
        path.unlink()
    write_bytes(path, content)


def write_table(path: Path, table: Manifest | Review) -> None:
    """Write a manifest or a review; what is not known, and what must be empty, is left out."""
    document = table.model_dump(mode="json", exclude_none=True)
    document = {key: value for key, value in document.items() if value or key not in ("reproduced", "flag")}
    write_bytes(path, tomli_w.dumps(document).encode())


def read_campaigns(
    folders: Iterable[str | os.PathLike[str]], warn: Callable[[str], object] = lambda sentence: None,
    parser: RecordParser | None = None,
) -> Iterator[Any]:  # fmt: skip
    """Yield every attempt recorded by campaigns; `warn` is told of damaged lines, a sentence a campaign."""
    found, damaged = None, 0
    for folder in folders:
        torn = list[None]()
        for found in journal.attempts(Path(folder), partial(torn.append, None), parser):
            yield found
        if torn:
            lines = "1 damaged line" if len(torn) == 1 else f"{len(torn)} damaged lines"
            warn(f"{printable(str(folder))}: {lines} passed over.")
            damaged += len(torn)
    if found is None:
        received = ("none", "is it still starting?")
        if damaged:
            received = ("damaged lines alone", "see: mincache status")
        raise InputError("campaign", "must hold at least one record", *received)


def find_suite(name: str, folder: str = "", boards: Iterable[Any] = ()) -> suites.Suite | None:
    """Return the standard suite of this name, else the one in `folder` or on one of `boards`, else None."""
    if name in suites.standard_names() and not folder:
        return suites.find(name)
    kept = [str(Path(board) / name / SUITE_FOLDER) for board in boards]
    places = [folder] if folder else [place for place in kept if suites.is_suite(place)]
    found = suites.find(places[0]) if places else None
    if found is not None and found.name != name:
        raise InputError("suite", f"must be {name!r}, which the records are of", repr(found.name))
    return found


def verified_cost(record: Record) -> float | None:
    """Return the cost of a record that counts: a verified solution's, else None."""
    return record.score.cost if record.verdict == "verified" and record.score is not None else None


def folder_name(label: str, sha256: str = "") -> str:
    """Return what is left of a label in a file's name, and a hash: the one given, else its own if need be."""
    slug = re.sub(r"[^a-z0-9.]+", "-", label.lower()).strip("-.") or "entry"
    plain = slug[:NAME_CHARACTERS] == label and not sha256
    return label if plain else f"{slug[:60]}-{(sha256 or digest(label.encode()))[:8]}"
