"""What the pages of the site show: the overview, and of a suite its ranking, pairs and charts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from mincache.board import formats
from mincache.board.columns import COLUMNS, visible_columns
from mincache.board.comparison import pairs, shares
from mincache.board.entries import COVERED, TIERS, folder_name
from mincache.board.notes import notes
from mincache.board.runs import Runs
from mincache.board.table import QUESTIONS, Row, Table, known
from mincache.problem.quantity import Array
from mincache.site import charts, drawing
from mincache.site.charts import Chart

Context = dict[str, Any]
"""What a template is given."""
DOWNLOADS: Mapping[str, str] = {
    "json": "ranking, JSON", "csv": "ranking, CSV", "tex": "ranking, LaTeX", "runs.csv": "every run, CSV",
}  # fmt: skip
"""The numbers as files: the suffix of each, and what its link says."""
NARROW = ("rank", "solver", "kind", "gap", "time", "tier")
"""The columns that stand on a telephone too."""
_NUMERIC: Mapping[str, Callable[[Any], str]] = {
    "cost": formats.cost, "share": formats.percent, "gap": lambda value: formats.percent(value, 2),
    "seconds": formats.duration, "count": str, "number": lambda value: f"{value:.4g}",
    "p": lambda value: f"{value:.2g}", "any": lambda value: f"{value:g}",
}  # fmt: skip
"""How the numbers of a column are written, by kind; other kinds are text."""


class GridCell(NamedTuple):
    """A cell of a table: its text, the number to sort by (None sorts by the text), and its link."""

    text: str
    value: float | None = None
    link: str = ""


def listing(
    columns: Mapping[str, str], rows: Iterable[Iterable[Any]], caption: str, title: str = ""
) -> Context:
    """Return a part of a page with a table.

    Args:
        columns: the kind of each by its title: one of `_NUMERIC` or `text`.
        rows: values; None where there is none. A text may be a `GridCell` with a link.
        caption: what stands above the table.
        title: heading of the part.
    """
    kinds = list(columns.values())
    return {
        "title": title, "caption": caption, "header": 0,
        "columns": [{"title": t, "numeric": kind in _NUMERIC, "more": False} for t, kind in columns.items()],
        "rows": [{"cells": list(map(_cell, row, kinds)), "attributes": {}} for row in rows],
    }  # fmt: skip


def _cell(value: Any, kind: str) -> GridCell:
    if isinstance(value, GridCell):
        return value
    if value is None or value != value:
        return GridCell(formats.NOTHING)
    return GridCell(_NUMERIC[kind](value), float(value)) if kind in _NUMERIC else GridCell(str(value))


@dataclass(frozen=True, eq=False)
class SuitePages:
    """The pages of one suite, from its ranking; paths are from the site's root."""

    table: Table

    @property
    def runs(self) -> Runs:
        """The suite's runs."""
        return self.table.runs

    @property
    def name(self) -> str:
        """The suite's name."""
        return self.runs.name

    @property
    def folder(self) -> str:
        """Name of the suite's files and folders."""
        return folder_name(self.name)

    @property
    def path(self) -> str:
        """Path of the suite's page."""
        return f"suites/{self.folder}.html"

    def solver_path(self, row: Row) -> str:
        """Path of a solver's page."""
        return f"solvers/{self.folder}/{row.entry.folder.name if row.entry else folder_name(row.solver)}.html"

    def instance_path(self, name: str) -> str:
        """Path of an instance's page."""
        return f"instances/{self.folder}/{folder_name(name)}.html"

    def data_path(self, suffix: str) -> str:
        """Path of a file with numbers."""
        return f"data/{self.folder}.{suffix}"

    def chart_path(self, kind: str) -> str:
        """Path of the page with a chart's data as a table."""
        return f"charts/{self.folder}-{kind}.html"

    @property
    def purpose(self) -> str:
        """What the suite is for, as it says."""
        return "" if self.runs.suite is None else self.runs.suite.content.purpose

    @property
    def trail(self) -> list[tuple[str, str]]:
        """The way from the first page to a page of the suite."""
        return [("Suites", "index.html"), (self.name, self.path)]

    @cached_property
    def charts(self) -> dict[str, Chart]:
        """Each chart that has something to draw."""
        drawn = {kind: charts.chart(kind, self.table) for kind in charts.KINDS}
        return {kind: one for kind, one in drawn.items() if one is not None}


def overview(suites: list[SuitePages]) -> Context:
    """Return what the first page shows: a line a suite."""
    rows = []
    for one in suites:
        first = [row for row in one.table.ranked if row.rank == 1]
        date = max((row.date for row in one.table.rows), default="")
        names = ", ".join(row.solver for row in first) or formats.NOTHING
        counts = len(one.runs.instances), len(one.table.rows)
        gap = first[0].gap if first else None
        rows.append([GridCell(one.name, None, one.path), one.purpose, *counts, names, gap, date])
    columns = {"suite": "text", "what for": "text", "instances": "count", "rows": "count", "first": "text",
               "gap": "gap", "last run": "text"}  # fmt: skip
    lede = (
        "Who decides best what an edge server caches, how it shares its uplink and how many denoising steps "
        "each user gets."
    )
    shown = listing(columns, rows, "The suites; choose one for its ranking")
    return {"title": "Suites", "here": "suites", "lede": lede, "parts": [shown, *_reading()]}


def _reading() -> Iterator[Context]:
    meanings = [(column.heading, column.meaning) for column in COLUMNS if column.title]
    yield {"title": "How to read this", "glossary": meanings}
    yield {"title": "How far an entry can be trusted", "glossary": list(TIERS.items())}
    caption = "What `mincache leaderboard verify` covers of a row, and what it cannot"
    yield listing({"what": "text", "how": "text"}, COVERED.items(), caption, "What verified covers")


def suite_page(pages: SuitePages) -> Context:
    """Return what the page of a suite shows."""
    table = pages.table
    parts = {"": table}
    if len(pages.runs.by_users) > 1:
        parts |= {str(n): Table(part, filtered=True) for n, part in pages.runs.by_users.items()}
    options = [
        ("users", "users N", [users for users in parts if users]),
        ("kind", "kind", sorted({row.kind for row in table.rows} - {""})),
        ("tier", "tier", sorted({row.tier for row in table.rows} - {""})),
    ]
    return {
        "title": pages.name, "trail": pages.trail[:1], "lede": pages.purpose, "notes": notes(table)[1:],
        "slices": [ranking(pages, users, one) for users, one in parts.items()],
        "choices": [choice for choice in options if len(choice[2]) > 1],
        "downloads": [(title, pages.data_path(suffix)) for suffix, title in DOWNLOADS.items()],
        "links": [(f"pairs/{pages.folder}.html", "Every pair of solvers"),
                  (f"instances/{pages.folder}/index.html", "Instances")],
        "figures": [_figure(pages, kind, one) for kind, one in pages.charts.items()],
        "parts": [*_stability(pages), *_reading()],
    }  # fmt: skip


def ranking(pages: SuitePages, users: str, table: Table) -> Context:
    """Return the ranking on all instances, or on those with so many users, as a part of a page."""
    shown = sorted(visible_columns(table), key=lambda column: column.heading not in NARROW)
    rows = []
    for row in table.rows:
        cells = [GridCell(one.text(row), one.value(row) if one.numeric else None) for one in shown]
        cells[1] = cells[1]._replace(link=f"../{pages.solver_path(row)}")
        said = {"data-kind": row.kind, "data-tier": row.tier, "class": "unranked" if row.unranked else ""}
        rows.append({"cells": cells, "attributes": {name: value for name, value in said.items() if value}})
    columns = [
        {"title": one.heading, "numeric": one.numeric, "more": one.heading not in NARROW} for one in shown
    ]
    caption = f"{pages.name}, {f'N = {users}' if users else 'all instances'}. {notes(table)[0]}"
    return {"users": users, "columns": columns, "rows": rows, "header": 1, "caption": caption}


def _figure(pages: SuitePages, kind: str, one: Chart) -> Context:
    name, label = f"{pages.folder}-{kind}", f"{one.title}. {pages.name}."
    return {
        "title": one.title, "figure": drawing.inline(one.specification, name, label),
        "links": [(pages.chart_path(kind), "its data"), (pages.data_path(f"{kind}.csv"), "as CSV")],
    }  # fmt: skip


def _stability(pages: SuitePages) -> Iterator[Context]:
    """Mean gaps of the rows by time limit, number of users and library: points, no ranges."""
    runs, rows = pages.runs, charts.solved(pages.table)
    if runs.suite is None or not rows:
        return
    wall_s, frame = runs.protocol.wall_s, runs.frame
    limits = [*(s for s in (1e-3, 1e-2, 1e-1, 1.0, 10.0) if wall_s is None or s < wall_s), wall_s]
    reference, parts = runs.reference[frame["instance"]], np.array(runs.libraries)
    by_limit: dict[str, Array] = {}
    for seconds in limits:
        if seconds is not None:
            gaps = frame.assign(at=(cost_at(runs, seconds) - reference) / reference)
            means = gaps.groupby(["row", "instance"])["at"].mean(skipna=False).groupby("row").mean()
            by_limit[f"{seconds * 1e3:g} ms" if seconds < 1 else f"{seconds:g} s"] = means.to_numpy()
    by_users = {f"N = {n}": part.means("gap").mean(axis=1) for n, part in runs.by_users.items()}
    by_library = {f"library {n}": runs.means("gap")[:, parts == n].mean(axis=1) for n in sorted(set(parts))}
    found = {"time limit": by_limit, "number of users": by_users, "library": by_library}
    for what, columns in found.items():
        if len(columns) > 1:
            values = [[row.solver, *(known(gaps[row.number]) for gaps in columns.values())] for row in rows]
            yield listing({"solver": "text", **dict.fromkeys(columns, "gap")}, values,
                          "Points without ranges: how stable the order is",
                          f"Mean gap by {what}")  # fmt: skip


def cost_at(runs: Runs, seconds: float) -> Array:
    """Return the best cost of each run after so many seconds [R]; that of caching nothing without one."""
    found = np.array(runs.fallback[runs.frame["instance"]])
    for n, trace in enumerate(runs.frame["trace"].where(runs.frame["verified"], None)):
        place = 0 if trace is None else int(np.searchsorted(trace[:, 0], seconds, side="right"))
        if place:
            found[n] = min(float(trace[place - 1, 1]), found[n])
    return found


def chart_page(pages: SuitePages, kind: str) -> Context:
    """Return what the page with a chart's data shows."""
    one = pages.charts[kind]
    shown = data_listing(one.rows, f"{pages.name}; what the chart is drawn from")
    return {"title": one.title, "trail": pages.trail, "parts": [shown]}


def data_listing(rows: Sequence[Mapping[str, Any]], caption: str) -> Context:
    """Return what a chart is drawn from as a table."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    kinds = {n: "any" if any(isinstance(row.get(n), int | float) for row in rows) else "text" for n in names}
    return listing(kinds, ([row.get(name, GridCell("")) for name in names] for row in rows), caption)


def pairs_page(pages: SuitePages) -> Context:
    """Return what the page of all pairs shows."""
    table = pages.table
    tested = {f"p, {QUESTIONS[q]} ({found.units})": q for q, found in table.questions.items()}
    compared = [
        [one.first, one.second, one.difference, one.wins, one.losses, one.ties,
         *(one.adjusted.get(q) for q in tested.values())]
        for one in pairs(table)
    ]  # fmt: skip
    columns = {"A": "text", "B": "text", "B's gap above A's": "gap", "A better on": "count",
               "B better on": "count", "equal on": "count"} | dict.fromkeys(tested, "p")  # fmt: skip
    added = {"solver": "text", "best alone on": "count",
             "without it the virtual best would cost more by": "cost"}  # fmt: skip
    return {"title": f"Solvers of {pages.name} in pairs", "trail": pages.trail, "parts": [
        listing(columns, compared, "p-values are Holm's for all pairs together; in brackets how many units "
                "they rest on", "Every pair"),
        listing(added, shares(table), "What each solver adds to the best of all on each instance",
                "The virtual best"),
    ]}  # fmt: skip
