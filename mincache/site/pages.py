"""The pages of a suite: where each is, what every page of a solver or an instance needs, and its cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any
from urllib.parse import urlencode

from mincache.bench.records import Record
from mincache.board.contenders import Contender, contender
from mincache.board.entries import Entry, folder_name
from mincache.board.references import verified_cost
from mincache.board.standing import Standing
from mincache.board.table import Table, mean
from mincache.site.grid import GridCell, duration_cell, percent_cell

Context = dict[str, Any]
"""What a template is given."""
Trail = list[tuple[str, str]]
"""Pages from the first to the one above this one: the name of each, and its path from the site's root."""
UNKNOWN = "unknown"
"""What cannot be known of a solver or a suite that is not at hand."""


@dataclass(frozen=True, eq=False)
class SuitePages:
    """The pages of one suite.

    Attributes:
        standing: its results.
        entries: the entry of each contender.
    """

    standing: Standing
    entries: Mapping[Contender, Entry]

    @classmethod
    def of(cls, standing: Standing, entries: Sequence[Entry]) -> SuitePages:
        """Return the pages of a standing made of these entries' records."""
        return cls(standing, {contender(entry.records[0].cell): entry for entry in entries if entry.records})

    @cached_property
    def table(self) -> Table:
        """The ranking over all instances."""
        return Table(self.standing)

    @property
    def folder(self) -> str:
        """Name of the suite's folders in the site."""
        return folder_name(self.standing.name)

    def solver_path(self, who: Contender) -> str:
        """Path of a solver's page from the site's root."""
        return f"solvers/{self.folder}/{folder_name(self.standing.labels[who])}.html"

    def instance_path(self, name: str) -> str:
        """Path of an instance's page from the site's root."""
        return f"instances/{self.folder}/{folder_name(name)}.html"

    @property
    def pairs_path(self) -> str:
        """Path of the page of all pairs of solvers from the site's root."""
        return f"pairs/{self.folder}.html"

    def data_path(self, suffix: str) -> str:
        """Path of a file with the ranking's numbers from the site's root."""
        return f"data/{self.folder}.{suffix}"

    @property
    def trail(self) -> Trail:
        """The way from the first page to a page of the suite."""
        return [
            ("Ranking", "index.html"),
            (self.standing.name, f"index.html#{urlencode({'suite': self.standing.name})}"),
        ]

    @property
    def family(self) -> str:
        """Name of the scenario that the suite is drawn from."""
        suite = self.standing.suite
        return UNKNOWN if suite is None else suite.content.scenario.name

    def users(self, name: str) -> int | None:
        """Number of users of an instance; None if the suite is not at hand."""
        suite = self.standing.suite
        return None if suite is None else suite.entries[name].users

    def kind(self, who: Contender) -> str:
        """The solver's kind, as its entry says."""
        return (self.entries[who].manifest.kind if who in self.entries else "") or UNKNOWN

    def tier(self, who: Contender) -> str:
        """How far its entry can be trusted."""
        return self.entries[who].tier if who in self.entries else "self-reported"

    def gap_cell(self, who: Contender, name: str) -> GridCell:
        """The gap of a contender on an instance."""
        found = self.standing.gaps(who, [name])
        return percent_cell(found[0] if found else None, 2)


def best_run(records: Sequence[Record]) -> Record | None:
    """Return the verified run with the lowest cost; None without one."""
    verified = [record for record in records if verified_cost(record) is not None]
    return min(verified, key=lambda record: verified_cost(record) or 0.0, default=None)


def solution_path(sha256: str) -> str:
    """Path of a stored solution from the site's root."""
    return f"solutions/{folder_name(sha256)}.json.gz"


def run_cells(records: Sequence[Record]) -> list[GridCell]:
    """Cells of hit ratio, verified runs and median solve time."""
    verified = [record for record in records if verified_cost(record) is not None]
    times = [record.solve_s for record in verified if record.solve_s is not None]
    return [
        percent_cell(mean(record.score.hit_ratio for record in verified if record.score is not None)),
        GridCell(f"{len(verified)}/{len(records)}", len(verified)),
        duration_cell(median(times) if times else None),
    ]
