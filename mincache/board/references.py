"""What a cost is held against: the best known cost of each instance, and the proven bound on it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mincache.bench.records import Record
from mincache.errors import InputError
from mincache.generation import suites
from mincache.generation.recipes import RELATIVE_TOLERANCE as RELATIVE_TOLERANCE
from mincache.generation.recipes import Reference as Reference

SUITE_FOLDER = "suite"
"""Where a board keeps a suite that is not a standard one, in that suite's folder."""


def find_suite(name: str, folder: str = "", boards: Iterable[Any] = ()) -> suites.Suite | None:
    """Return the standard suite of this name, else the one in `folder` or on one of `boards`, else None.

    Raises:
        InputError: if the folder holds no suite, or one of another name.
    """
    if name in suites.standard_names() and not folder:
        return suites.find(name)
    kept = [Path(board) / name / SUITE_FOLDER for board in boards]
    places = [folder] if folder else [str(place) for place in kept if suites.is_suite(str(place))]
    if not places:
        return None
    found = suites.find(places[0])
    if found.name != name:
        raise InputError("suite", f"must be {name!r}, which the records are of", repr(found.name))
    return found


def references(suite: suites.Suite | None, runs: Iterable[tuple[str, str, float]]) -> dict[str, Reference]:
    """Return the reference of every instance of the suite, or seen in the runs, that has one.

    Args:
        suite: whose best known costs count wherever it states them.
        runs: instance, SHA-256 of its document, and verified cost (nan without one) of each run.

    Raises:
        InputError: if a run is of another edition of an instance than the suite's or another run's.
    """
    entries = {} if suite is None else suite.entries
    hashes = {name: entry.sha256 for name, entry in entries.items()}
    best: dict[str, float] = {}
    for name, sha256, cost in runs:
        wanted = hashes.setdefault(name, sha256)
        if sha256 != wanted:
            rule = f"must be of one edition of the instance, sha256 {wanted[:12]}..."
            advice = "show these folders apart, or run the suite again"
            raise InputError(f"records of {name}", rule, f"{sha256[:12]}...", advice)
        if cost == cost:
            best[name] = min(cost, best.get(name, cost))
    pinned = {} if suite is None else suite.references
    return {name: Reference(cost, pinned=False) for name, cost in best.items()} | pinned


def verified_cost(record: Record) -> float | None:
    """Return the cost of a record that counts: a verified solution's, else None."""
    if record.verdict != "verified" or record.score is None:
        return None
    return record.score.cost
