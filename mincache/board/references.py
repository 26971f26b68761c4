"""What a cost is held against: the best known cost of each instance, and the proven bound on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mincache.bench.records import Record
from mincache.errors import InputError
from mincache.generation import suites
from mincache.generation.recipes import RELATIVE_TOLERANCE as RELATIVE_TOLERANCE
from mincache.generation.recipes import ListedInstance
from mincache.generation.recipes import Reference as Reference


def find_suite(name: str, folder: str = "") -> suites.Suite | None:
    """Return the suite in `folder` if one is given, else the standard suite of this name, else None.

    Raises:
        InputError: if the folder holds no suite, or one of another name.
    """
    if not folder:
        return suites.find(name) if name in suites.standard_names() else None
    found = suites.find(folder)
    if found.name != name:
        raise InputError("suite", f"must be {name!r}, which the records are of", repr(found.name))
    return found


def references(suite: suites.Suite | None, records: Iterable[Record]) -> dict[str, Reference]:
    """Return the reference of every instance of the suite, or seen in the records, that has one.

    Raises:
        InputError: if a record is of another edition of an instance than the suite's or another record's.
    """
    records = list(records)
    _check_hashes(suite, records)
    known = {} if suite is None else suite.references
    return known | _best(record for record in records if record.cell.instance not in known)


def _best(records: Iterable[Record]) -> dict[str, Reference]:
    best: dict[str, float] = {}
    for record in records:
        cost = verified_cost(record)
        if cost is not None:
            best[record.cell.instance] = min(cost, best.get(record.cell.instance, cost))
    return {name: Reference(cost, pinned=False) for name, cost in best.items()}


def verified_cost(record: Record) -> float | None:
    """Return the cost of a record that counts: a verified solution's, else None."""
    if record.verdict != "verified" or record.score is None:
        return None
    return record.score.cost


def _check_hashes(suite: suites.Suite | None, records: Iterable[Record]) -> None:
    entries: Mapping[str, ListedInstance] = {} if suite is None else suite.entries
    hashes = {name: entry.sha256 for name, entry in entries.items()}
    for record in records:
        cell = record.cell
        wanted = hashes.setdefault(cell.instance, cell.instance_sha256)
        if cell.instance_sha256 != wanted:
            rule = f"must be of one edition of the instance, sha256 {wanted[:12]}..."
            advice = "show these folders apart, or run the suite again"
            raise InputError(f"records of {cell.instance}", rule, f"{cell.instance_sha256[:12]}...", advice)
