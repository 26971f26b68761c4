"""Running a published row again: the same cells, what differs, and a review of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING
from unicodedata import normalize

from mincache.board.entries import POLICIES_FOLDER, SOURCE_FOLDER, Entry, verified_cost
from mincache.errors import InputError
from mincache.files.paths import real_path
from mincache.generation.recipes import RELATIVE_TOLERANCE
from mincache.generation.suites import Suite
from mincache.judging.records import Cell, Record
from mincache.solving.spec import parse, spell

if TYPE_CHECKING:
    from mincache.bench.plan import Task
    from mincache.solving.entrant import Entrant

SHARE = 0.2
"""A reproduction repeats at least this share of an entry's runs."""
TOLERANCE = 0.001
"""Relative difference of the mean cost that is still a reproduction."""
TIME_FACTOR = 3.0
"""Times of a reproduction are within this factor, both in reference times of their machines."""
_VERSIONS = {"solver", "solver_source", "solver_modules", "libraries", "solver_version"}
"""Of a cell: what a reviewer may have another version of, if the answers are the same; the review says so."""
_START_S = 0.01
"""Added to each time before they are compared: below it other things than the solver are measured."""


def run_of(cell: Cell) -> tuple[str, int, int]:
    """Return which run of its contender a cell is: instance, root of the random streams, repetition."""
    return cell.instance, cell.seed, cell.repetition


@dataclass(frozen=True)
class Reproduction:
    """A row run again, run by run.

    Attributes:
        identical: how many of the runs gave the very solution; `same_cost` counts those too.
        mean_difference: mean of (cost again - cost published) / cost published, over runs verified in both;
            `largest_difference` is the largest of them, either way.
        lost: runs that were verified and are not again.
        time_ratio: time again over time published, both in reference times, the median of the runs.
    """

    runs: int
    identical: int
    same_cost: int
    mean_difference: float | None
    largest_difference: float | None
    lost: int
    time_ratio: float | None = None

    def holds(self, tolerance: float = TOLERANCE) -> bool:
        """Return whether the row is reproduced: no run lost, the mean cost within a relative tolerance."""
        within = self.mean_difference is not None and abs(self.mean_difference) <= tolerance
        return self.runs > 0 and not self.lost and (within or self.same_cost == self.runs)

    @property
    def times_hold(self) -> bool:
        """Whether the times are within `TIME_FACTOR`."""
        return self.time_ratio is None or 1.0 / TIME_FACTOR <= self.time_ratio <= TIME_FACTOR

    def __str__(self) -> str:
        said = f"{self.identical} of {self.runs} solutions identical, {self.same_cost} costs equal"
        if self.mean_difference is not None:
            said += f", mean difference {self.mean_difference:z.3%}, largest {self.largest_difference:z.3%}"
        if self.time_ratio is not None:
            said += f", time {self.time_ratio:.2g} of the published"
        return said + (f", {self.lost} no longer verified" if self.lost else "")


def spec_of(entry: Entry, policies: Path | None = None) -> str:
    """Return the solver of an entry as it is run again: with its own source and policies, if any.

    Args:
        entry: of a board.
        policies: folder of policies, or a file, in place of those in the entry.

    Raises:
        InputError: if the runs were made with policies that the entry does not store, and none are given.
    """
    written = parse(entry.manifest.solver)
    parameter, named = _policies_of(entry)
    stored = entry.folder / POLICIES_FOLDER
    if policies is None and stored.is_dir():
        one = stored / Path(named.rpartition("@")[0]).name  # where the runs were given a file
        policies = one if one.is_file() else stored
    if policies is None and named:
        rule = "must be given, since the entry names them and does not store them"
        advice = "give their folder with --policies; the entry's note may say how to train them"
        raise InputError("policies", rule, f"none for {named}", advice)
    own = {} if policies is None else {parameter: real_path(policies)}
    file, colon, kind = written.target.rpartition(":")
    source = entry.folder / SOURCE_FOLDER / Path(file).name
    target = f"{real_path(source)}:{kind}" if colon and source.is_file() else written.target
    return spell(target, {**written.parameters, **own})


def policies_not_stored(entry: Entry) -> str:
    """Return what an entry's runs call the policies they were given, if it lacks these; "" otherwise."""
    return "" if (entry.folder / POLICIES_FOLDER).is_dir() else _policies_of(entry)[1]


def _policies_of(entry: Entry) -> tuple[str, str]:
    """Return the parameter that takes policies, and what the runs say of it, which may be its default."""
    given = next((record.cell.parameters for record in entry.records()), {})
    parameter = "policies" if "policies" in given else "policy"
    return parameter, str(given.get(parameter) or "")


def tasks_of(records: Iterable[Record], entrant: Entrant, suite: Suite) -> list[Task]:
    """Return the tasks that run these records' cells again, under their own limits and seeds."""
    from mincache.bench.limits import Limits
    from mincache.bench.plan import LIMITS, task  # with the bench, which no table needs

    def again(cell: Cell) -> Task:
        entry, limits = suite.entries[cell.instance], Limits(**{name: getattr(cell, name) for name in LIMITS})
        return task(suite.name, suite.path(entry.name), entry.name, entry.sha256, entrant, cell.repetition,
                    limits, cell.seed, entry.best_known)  # fmt: skip

    return [again(record.cell) for record in records]


def reproduction(published: Sequence[Record], again: Iterable[Record]) -> Reproduction:
    """Return what differs between published records and those of the same runs made again."""
    found = {run_of(record.cell): record for record in again}
    pairs = [(old, found[run_of(old.cell)]) for old in published if run_of(old.cell) in found]
    costs = [(verified_cost(old), verified_cost(new)) for old, new in pairs]
    differences = [(b - a) / (a or 1.0) for a, b in costs if a is not None and b is not None]
    failed_alike = sum(verified_cost(old) is None and old.verdict == new.verdict for old, new in pairs)
    # The median: a run that another process held up, then or now, says nothing of the solver.
    ratios = [
        (_START_S + new.solve_s / _reference_s(new) * _reference_s(old)) / (_START_S + old.solve_s)
        for old, new in pairs
        if old.solve_s is not None and new.solve_s is not None
    ]
    return Reproduction(
        runs=len(pairs),
        identical=sum(old.solution_sha256 == new.solution_sha256 for old, new in pairs),
        same_cost=failed_alike + sum(abs(d) <= RELATIVE_TOLERANCE for d in differences),
        mean_difference=fmean(differences) if differences else None,
        largest_difference=max(differences, key=abs, default=None),
        lost=sum(a is not None and b is None for a, b in costs),
        time_ratio=median(ratios) if ratios else None,
    )


def _reference_s(record: Record) -> float:
    return float(record.environment.get("reference_s") or 1.0)


def _letters(name: str) -> str:
    """Return a name's letters and digits alone: `A. Name` and `a name` are one person."""
    return "".join(filter(str.isalnum, normalize("NFKC", name).casefold()))


def _repeats(cell: Cell, published: Cell | None) -> bool:
    """Return whether a cell is a published one, of this or of another version of the solver."""
    if published is None:
        return False
    new, old = (one.model_dump(exclude=_VERSIONS) for one in (cell, published))
    given, before = new.pop("parameters"), old.pop("parameters")
    # Policies are compared as files, wherever they lie, and a later version may have further parameters.
    return old == new and all(name in given and given[name] == value for name, value in before.items()
                              if name not in ("policy", "policies"))  # fmt: skip


def is_author(entry: Entry, name: str) -> bool:
    """Return whether somebody is an author of an entry, whatever the spelling."""
    return _letters(name) in map(_letters, entry.manifest.authors)


def wrong_in_review(entry: Entry, name: str) -> Iterator[str]:
    """Yield why a review that says `reproduced` does not show it, a sentence each; its scores aside."""
    review, published = entry.reviews[name], list(entry.records())
    if is_author(entry, review.by):
        yield f"{review.by} is an author of the entry"
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    if not max((record.started[:10] for record in published), default="") <= review.date <= tomorrow:
        yield f"its date {review.date} is before the runs, or to come"
    if review.finding != "reproduced":
        return
    again = list(entry.review(name).records())
    runs = {run_of(record.cell): record.cell for record in published}
    if not all(_repeats(record.cell, runs.get(run_of(record.cell))) for record in again):
        yield "it holds runs that are not those of the entry"
    if {(r.started, r.wall_s) for r in again} & {(r.started, r.wall_s) for r in published}:
        yield "it holds runs of the entry, not made again"
    found = reproduction(published, again)
    if found.runs < SHARE * len(published):
        yield f"repeats {found.runs} of {len(published)} runs, fewer than a fifth"
    if not found.holds():
        yield f"is none: {found}"
    if not found.times_hold:
        yield f"times differ by more than a factor of {TIME_FACTOR:g}: {found}"
