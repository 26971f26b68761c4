"""Entries: what the published board is made of, a folder a suite and contender.

An entry may hold `policies` that a learner's runs chose among, and the `source` of a solver that no package
has. What others found is in `reviews`, a folder each.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import Field, ValidationError
from pydantic_core import to_json

from mincache.board.contenders import printable
from mincache.errors import DocumentError, InputError, in_file
from mincache.files.documents import MAX_BYTES, digest, parse_json, write_bytes
from mincache.files.packing import reading, unpacked
from mincache.files.tables import StrictTable, TupleOf, Whole, read_toml, refusal
from mincache.generation import suites
from mincache.judging import journal
from mincache.judging.records import Record, RecordParser

MANIFEST_FILE, RECORDS_FILE, SOLUTIONS_FILE = "manifest.toml", "records.jsonl.gz", "solutions.jsonl.xz"
_OLD_SOLUTIONS_FILE = "solutions.jsonl.gz"
SHARED_FILE = "shared.jsonl.xz"
"""Beside the entries of a suite: a solution of each instance, whose slots entries need not store again."""
_BRIEF = b"~"  # begins a line that leaves out slots; a document begins with a brace
POLICIES_FOLDER, SOURCE_FOLDER, REVIEWS_FOLDER = "policies", "source", "reviews"
REVIEW_FILE = "review.toml"
SUITE_FOLDER = "suite"
"""Where a board keeps a suite that is not a standard one, in that suite's folder."""
MAX_PACK_BYTES = 1024 * 1024 * 1024
"""A pack may not be larger than this, unpacked."""
_SHORT_BYTES = 1024 * 1024
Link = Annotated[str, Field(pattern=r"^https://[^\s<>\"']+$")]
Person = Annotated[str, Field(pattern=r"^[^\s\x00-\x1f]([^\x00-\x1f\x7f\u0085\u2028\u2029]*\S)?$")]
"""Of a person: one line, not empty, no space at its ends."""
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


class Pack(StrictTable):
    """A packed file of one JSON document a line: the SHA-256 of its unpacked content, and its lines.

    Attributes:
        shared: the pack of solutions whose slots are left out of this one, and filled in before it is hashed.
    """

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    lines: Whole
    shared: Pack | None = None


class About(StrictTable):
    """What people say of an entry: authors, where to read more, a sentence, and training (all policies)."""

    authors: TupleOf[Person] = ()
    links: TupleOf[Link] = ()
    note: str = ""
    training_s: float | None = Field(default=None, ge=0)
    training_device: str = ""


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
    date: str = Field(pattern=r"^\d{4}-\d\d-\d\d$")
    note: str = ""
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
        pack = self.manifest.solutions
        known = {} if pack.shared is None else _shared(self.folder.parent / SHARED_FILE, pack.shared)
        return read_pack(self.folder / solutions_file(self.folder), pack, partial(_filled_in, known=known))

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
        record = parser.parse(line)
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


def write_table(path: Path, table: Manifest | Review) -> None:
    """Write a manifest or a review; what is not known, and what must be empty, is left out."""
    document = table.model_dump(mode="json", exclude_none=True)
    document = {key: value for key, value in document.items() if value or key not in ("reproduced", "flag")}
    write_bytes(path, tomli_w.dumps(document).encode())


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
    return _pack(whole, base)


def _pack(lines: Sequence[bytes], shared: Pack | None = None) -> Pack:
    return Pack(sha256=digest(b"".join(lines)), lines=len(lines), shared=shared)


def read_pack(path: Path, wanted: Pack, filled_in: Callable[[bytes], bytes] = bytes) -> Iterator[bytes]:
    """Yield the lines of a pack; refused if damaged, too large or, known after the last, not as wanted.

    `filled_in` makes of each line what it stands for.
    """
    hasher, lines, size = hashlib.sha256(), 0, 0
    for line in _lines(path):
        with in_file(f"{path}: line {lines + 1}"):
            whole = filled_in(line)
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
    """Write 0 for each slot that is as in the known solution, unless that could not be undone."""
    brief = _BRIEF + _slots(line, known, lambda own, shared: 0 if own == shared else own)
    return brief if _filled_in(brief, known) == line else line


def _filled_in(line: bytes, known: Mapping[str, Mapping[str, Any]]) -> bytes:
    if not line.startswith(_BRIEF):
        return line
    return _slots(line.removeprefix(_BRIEF), known, lambda own, shared: shared if own == 0 else own)


def _slots(line: bytes, known: Mapping[str, Mapping[str, Any]], choose: Callable[[Any, Any], Any]) -> bytes:
    """Choose each slot of a solution from its own and that of the known solution of its instance."""
    document = parse_json(line)
    for name, shared in known.get(str(document.get("instance")), {}).items():
        slots = document.get(name)
        if isinstance(shared, list) and isinstance(slots, list) and len(slots) == len(shared):
            document[name] = [choose(*pair) for pair in zip(slots, shared, strict=True)]
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def read_campaigns(
    folders: Iterable[str | os.PathLike[str]], warn: Callable[[str], object] = lambda sentence: None,
    read: Callable[..., Iterator[Any]] = journal.attempts,
) -> Iterator[Any]:  # fmt: skip
    """Yield every attempt recorded by campaigns; `warn` is told of damaged lines, a sentence a campaign."""
    found: Any = None
    for folder in folders:
        torn = list[None]()
        for found in read(Path(folder), lambda torn=torn: torn.append(None)):
            yield found
        if torn:
            lines = "1 damaged line" if len(torn) == 1 else f"{len(torn)} damaged lines"
            warn(f"{printable(str(folder))}: {lines} passed over.")
    if found is None:
        raise InputError("campaign", "must hold at least one record", "none", "is it still starting?")


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
    return label if slug == label and not sha256 else f"{slug[:60]}-{(sha256 or digest(label.encode()))[:8]}"
