"""Entries: what the published board is made of, a folder a suite and contender.

An entry holds `manifest.toml` (who, with what, how trained), `records.jsonl.gz` and `solutions.jsonl.gz`;
it may hold a folder `policies` with the files that a learner's runs chose among, and a folder `source` with
the files of a solver that no package has. What others found is in `reviews`, a folder each. Nothing in any of
it is believed: `board.verify` re-scores every solution.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import Field, ValidationError

from mincache.bench import journal
from mincache.bench.parsing import RecordParser
from mincache.bench.records import Record
from mincache.board.contenders import Contender, printable
from mincache.board.packs import Pack, read_pack
from mincache.errors import InputError, in_file
from mincache.files.documents import digest, parse_json, write_bytes
from mincache.files.tables import StrictTable, TupleOf, Whole, read_toml, refusal
from mincache.generation import suites

MANIFEST_FILE, RECORDS_FILE, SOLUTIONS_FILE = "manifest.toml", "records.jsonl.gz", "solutions.jsonl.gz"
POLICIES_FOLDER, SOURCE_FOLDER, REVIEWS_FOLDER = "policies", "source", "reviews"
REVIEW_FILE = "review.toml"
SUITE_FOLDER = "suite"
"""Where a board keeps a suite that is not a standard one, in that suite's folder."""
Link = Annotated[str, Field(pattern=r"^https://[^\s<>\"']+$")]
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
    """What people say of an entry.

    Attributes:
        authors: who stands behind it.
        links: where to read more; https only.
        note: a sentence for readers.
        training_s: seconds of training, over all policies used.
        training_device: what it was trained on.
    """

    authors: TupleOf[str] = ()
    links: TupleOf[Link] = ()
    note: str = ""
    training_s: float | None = Field(default=None, ge=0)
    training_device: str = ""


class Manifest(About):
    """What an entry says of itself.

    Attributes:
        format: `mincache-entry/1`.
        suite: name of the suite.
        solver: the solver as it was written, parameters included.
        kind: `exact`, `relaxation`, `heuristic`, `learned` or `baseline`; "" if unknown.
        stochastic: whether its answer depends on the seed; None if unknown.
        instances: how many instances it has runs of; None means all of the suite.
        reproduced: "" always; earlier versions let entrants write it.
        flag: "" always, likewise.
        records: the pack of records.
        solutions: the pack of solutions.
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
    """What somebody other than its authors found of an entry.

    Attributes:
        format: `mincache-review/1`.
        finding: `reproduced` or `flagged`.
        by: who reviewed it.
        date: when, as year-month-day.
        note: what was found, a sentence.
        records: the pack of the records made again; None for a flag.
        solutions: the pack of their solutions.
    """

    format: Literal["mincache-review/1"] = "mincache-review/1"
    finding: Literal["reproduced", "flagged"]
    by: str = Field(min_length=1)
    date: str = Field(pattern=r"^\d{4}-\d\d-\d\d$")
    note: str = ""
    records: Pack | None = None
    solutions: Pack | None = None

    def __str__(self) -> str:
        return f"{self.finding} by {self.by} on {self.date}" + (f": {self.note}" if self.note else "")


@dataclass(frozen=True)
class Entry:
    """One entry; its records and solutions stay on disk.

    Attributes:
        folder: where it is.
        manifest: what it says of itself.
        reviews: what others say of it, by the name of the review's folder.
    """

    folder: Path
    manifest: Manifest
    reviews: Mapping[str, Review]

    @property
    def name(self) -> str:
        """Suite and folder, such as `paper-v1/genetic-0f3b2a91`."""
        return f"{self.folder.parent.name}/{self.folder.name}"

    def tier(self, stored: bool) -> Tier:
        """Return how far the entry can be trusted, given that `board.verify` finds nothing wrong.

        Args:
            stored: whether a run is verified, and every such run's solution is stored.
        """
        findings = {review.finding for review in self.reviews.values()}
        if "flagged" in findings:
            return "flagged"
        if not stored:
            return "self-reported"
        return "reproduced" if "reproduced" in findings else "verified"

    def records(self) -> Iterator[Record]:
        """Yield its records.

        Raises:
            DocumentError: with the file, the field, the rule and what was received.
        """
        return _records(self.folder / RECORDS_FILE, self.manifest.records)

    def solutions(self) -> Iterator[bytes]:
        """Yield the stored solution documents.

        Raises:
            DocumentError: if the pack is damaged or not the one of the manifest.
        """
        return read_pack(self.folder / SOLUTIONS_FILE, self.manifest.solutions)

    def review(self, name: str) -> Entry:
        """Return a reproduction as an entry of its own: the records that the reviewer made."""
        found = self.reviews[name]
        if found.records is None or found.solutions is None:
            raise InputError(f"review {name}", "must hold records and solutions", "none")
        packs = {"records": found.records, "solutions": found.solutions}
        return Entry(self.folder / REVIEWS_FOLDER / name, self.manifest.model_copy(update=packs), {})


def read_entry(folder: str | os.PathLike[str]) -> Entry:
    """Read an entry's manifest and reviews.

    Raises:
        DocumentError: with the file, the field, the rule and what was received.
    """
    folder = Path(folder)
    reviews = sorted((folder / REVIEWS_FOLDER).glob(f"*/{REVIEW_FILE}"))
    found = {path.parent.name: read_toml(path, Review) for path in reviews}
    return Entry(folder, read_toml(folder / MANIFEST_FILE, Manifest), found)


def find_entry(folder: Path) -> Path:
    """Return the folder of an entry, which may be given without the hash at its end where that is clear."""
    near = sorted(folder.parent.glob(f"{folder.name}-????????")) if not folder.is_dir() else []
    return near[0] if len(near) == 1 else folder


def read_campaigns(
    folders: Iterable[str | os.PathLike[str]], warn: Callable[[str], object] = lambda sentence: None
) -> Iterator[Record]:
    """Yield every attempt recorded by campaigns, in the order given and written.

    Args:
        folders: of the campaigns.
        warn: told, in a sentence, of a campaign with damaged lines, which are passed over.

    Raises:
        InputError: if a folder holds no campaign, or all of them together no record.
    """
    none = True
    for folder in folders:
        torn = count(0)
        for record in journal.attempts(Path(folder), lambda torn=torn: next(torn)):  # type: ignore[misc]
            none = False
            yield record
        if damaged := next(torn):
            lines = "1 damaged line" if damaged == 1 else f"{damaged} damaged lines"
            warn(f"{printable(str(folder))}: {lines} passed over.")
    if none:
        raise InputError("campaign", "must hold at least one record", "none", "is it still starting?")


def is_campaign(folder: str | os.PathLike[str]) -> bool:
    """Return whether a folder holds the journal of a campaign."""
    return (Path(folder) / journal.RECORDS_FILE).exists()


def find_suite(name: str, folder: str = "", boards: Iterable[Any] = ()) -> suites.Suite | None:
    """Return the standard suite of this name, else the one in `folder` or on one of `boards`, else None.

    Raises:
        InputError: if the folder holds no suite, or one of another name.
    """
    if name in suites.standard_names() and not folder:
        return suites.find(name)
    kept = [str(Path(board) / name / SUITE_FOLDER) for board in boards]
    places = [folder] if folder else [place for place in kept if suites.is_suite(place)]
    if not places:
        return None
    found = suites.find(places[0])
    if found.name != name:
        raise InputError("suite", f"must be {name!r}, which the records are of", repr(found.name))
    return found


def verified_cost(record: Record) -> float | None:
    """Return the cost of a record that counts: a verified solution's, else None."""
    return record.score.cost if record.verdict == "verified" and record.score is not None else None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of an entry."""
    table = manifest.model_dump(mode="json", exclude_none=True)
    table = {key: value for key, value in table.items() if value or key not in ("reproduced", "flag")}
    write_bytes(folder / MANIFEST_FILE, tomli_w.dumps(table).encode())


def write_review(folder: Path, review: Review) -> None:
    """Write what a reviewer found into the folder of the review."""
    write_bytes(
        folder / REVIEW_FILE, tomli_w.dumps(review.model_dump(mode="json", exclude_none=True)).encode()
    )


def folder_name(label: str) -> str:
    """Return a label where it can name a file, else what is left of it and a hash."""
    slug = _slug(label)
    return label if slug == label else f"{slug[:60]}-{digest(label.encode())[:8]}"


def entry_folder(who: Contender) -> str:
    """Return the folder of a contender's entry: its label, and a hash of all that makes it what it is."""
    return f"{_slug(who.solver)[:60]}-{who.sha256[:8]}"


def _slug(label: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", label.lower()).strip("-.") or "entry"


def _records(path: Path, pack: Pack) -> Iterator[Record]:
    parser = RecordParser()
    for number, line in enumerate(read_pack(path, pack), 1):
        with in_file(f"{path}: line {number}"):
            parse_json(line)  # stricter than the parser, which takes less memory
            try:
                record = parser.parse(line.rstrip(b"\n"))
            except ValidationError as error:
                raise refusal(Record, error) from None
        yield record
