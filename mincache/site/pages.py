"""What each page of the site shows: the overview, the page of a suite, of its pairs, solvers and charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mincache.board import formats
from mincache.board.columns import COLUMNS
from mincache.board.comparison import pairs, shares
from mincache.board.entries import COVERED, TIERS, folder_name
from mincache.board.notes import notes
from mincache.board.table import QUESTIONS, Row, Table
from mincache.site import chart_data, charts
from mincache.site.chart_data import ChartRows
from mincache.site.grid import (
    Grid,
    GridCell,
    cost_cell,
    count_cell,
    grid,
    percent_cell,
    ranking_grid,
)

Context = dict[str, Any]
"""What a template is given."""
DOWNLOADS: Mapping[str, str] = {
    "json": "ranking, JSON", "csv": "ranking, CSV", "tex": "ranking, LaTeX", "runs.csv": "every run, CSV",
}  # fmt: skip
"""The numbers as files: the suffix of each, and what its link says."""
_NOT_FILTERED = "All instances and all rows, whatever is filtered above."


@dataclass(frozen=True, eq=False)
class SuitePages:
    """The pages of one suite, from its ranking; paths are from the site's root."""

    table: Table

    @property
    def name(self) -> str:
        """The suite's name."""
        return self.table.runs.name

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
    def trail(self) -> list[tuple[str, str]]:
        """The way from the first page to a page of the suite."""
        return [("Suites", "index.html"), (self.name, self.path)]

    @cached_property
    def charts(self) -> dict[str, tuple[str, ChartRows, dict[str, Any]]]:
        """Title, data and specification of each chart that has something to draw."""
        found = {}
        for kind, drawn in charts.KINDS.items():
            rows = drawn.data(self.table)
            specification = charts.drawing(kind, rows, len(chart_data.with_gap(self.table)))
            if specification is not None:
                found[kind] = (drawn.title, rows, specification)
        return found


def overview(suites: list[SuitePages]) -> Context:
    """Return what the first page shows: a line a suite."""
    titles = ("suite", "what for", "instances", "rows", "first", "gap", "last run")
    rows = [_overview_row(pages) for pages in suites]
    part = {
        "title": "",
        "table": grid(titles, "llrrlrl", rows),
        "caption": "The suites; choose one for its ranking",
    }
    lede = (
        "Who decides best what an edge server caches, how it shares its uplink and how many denoising steps "
        "each user gets."
    )
    return {"title": "Suites", "here": "suites", "lede": lede, "parts": [part, *_reading()]}


def _overview_row(pages: SuitePages) -> list[GridCell]:
    table, runs = pages.table, pages.table.runs
    first = [row for row in table.ranked if row.rank == 1]
    gap = first[0].gap if first else None
    return [
        GridCell(pages.name, None, pages.path),
        GridCell("" if runs.suite is None else runs.suite.content.purpose),
        count_cell(len(runs.instances)),
        count_cell(len(table.rows)),
        GridCell(", ".join(row.solver for row in first) or formats.NOTHING),
        percent_cell(gap),
        GridCell(max((row.date for row in table.rows), default="")),
    ]


def _reading() -> Iterator[Context]:
    yield {"title": "How to read this", "glossary": [(c.heading, c.meaning) for c in COLUMNS if c.title]}
    yield {"title": "How far an entry can be trusted", "glossary": list(TIERS.items())}
    rows = [[GridCell(what), GridCell(how)] for what, how in COVERED.items()]
    caption = "What `mincache leaderboard verify` covers of a row, and what it cannot"
    yield {"title": "What verified covers", "table": grid(("what", "how"), "ll", rows), "caption": caption}


def suite_page(pages: SuitePages) -> Context:
    """Return what the page of a suite shows."""
    table = pages.table
    links = {row.solver: f"../{pages.solver_path(row)}" for row in table.rows}
    slices = [("", "all instances", table)]
    parts = chart_data.by_number_of_users(table.runs)
    for users, part in parts if len(parts) > 1 else ():
        slices.append((str(users), f"N = {users}", Table(part, filtered=True)))
    shown = [
        {
            "users": users,
            "table": ranking_grid(one, links),
            "caption": f"{pages.name}, {which}. {notes(one)[0]}",
        }
        for users, which, one in slices
    ]
    options = [
        ("users", "users N", [users for users, *_ in slices if users]),
        ("kind", "kind", sorted({row.kind for row in table.rows} - {""})),
        ("tier", "tier", sorted({str(row.tier) for row in table.rows} - {""})),
    ]
    drawn = [_figure(pages, kind, *chart) for kind, chart in pages.charts.items()]
    return {
        "title": pages.name, "trail": pages.trail[:1], "slices": shown, "notes": notes(table)[1:],
        "lede": "" if table.runs.suite is None else table.runs.suite.content.purpose,
        "choices": [choice for choice in options if len(choice[2]) > 1],
        "downloads": [(title, pages.data_path(suffix)) for suffix, title in DOWNLOADS.items()],
        "links": [(f"pairs/{pages.folder}.html", "Every pair of solvers"),
                  (f"instances/{pages.folder}/index.html", "Instances")],
        "parts": [*drawn, *_stability(table), *_reading()],
    }  # fmt: skip


def _figure(pages: SuitePages, kind: str, title: str, rows: ChartRows, drawn: Mapping[str, Any]) -> Context:
    name = f"{pages.folder}-{kind}"
    return {
        "title": title,
        "figure": charts.inline(drawn, name, f"{title}. {pages.name}."),
        "caption": _NOT_FILTERED,
        "links": [(pages.chart_path(kind), "its data"), (pages.data_path(f"{kind}.csv"), "as CSV")],
    }


def _stability(table: Table) -> Iterator[Context]:
    rows = chart_data.with_gap(table)
    for title, columns, values in chart_data.stability(table):
        cells = [
            [GridCell(row.solver), *map(percent_cell, gaps)] for row, gaps in zip(rows, values, strict=True)
        ]
        shown = grid(("solver", *columns), "l" + "r" * len(columns), cells)
        yield {"title": title, "table": shown, "caption": "Points without ranges: how stable the order is"}


def chart_page(pages: SuitePages, kind: str) -> Context:
    """Return what the page with a chart's data shows."""
    title, rows, _ = pages.charts[kind]
    return {"title": title, "trail": pages.trail, "parts": [
        {"title": "", "table": data_grid(rows), "caption": f"{pages.name}; what the chart is drawn from"},
    ]}  # fmt: skip


def data_grid(rows: ChartRows) -> Grid:
    """Return what a chart is drawn from as a table."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[_data_cell(row.get(name)) for name in names] for row in rows]
    return grid(
        names, "".join("r" if isinstance(rows[-1].get(n), int | float) else "l" for n in names), cells
    )


def _data_cell(value: Any) -> GridCell:
    number = isinstance(value, int | float)
    return GridCell(
        "" if value is None else f"{value:g}" if number else str(value), value if number else None
    )


def pairs_page(pages: SuitePages) -> Context:
    """Return what the page of all pairs shows."""
    table = pages.table
    asked = list(table.questions)
    compared = [
        [
            GridCell(one.first), GridCell(one.second), percent_cell(one.difference), count_cell(one.wins),
            count_cell(one.losses), count_cell(one.ties),
            *(_p_cell(one.adjusted.get(q)) for q in asked),
        ]
        for one in pairs(table)
    ]  # fmt: skip
    units = [f"p, {QUESTIONS[q]} ({table.questions[q].units})" for q in asked]
    titles = ("A", "B", "B's gap above A's", "A better on", "B better on", "equal on", *units)
    added = ("solver", "best alone on", "without it the virtual best would cost more by")
    shared = [
        [GridCell(s.solver), count_cell(s.best_alone), cost_cell(s.contribution)] for s in shares(table)
    ]
    return {"title": f"Solvers of {pages.name} in pairs", "trail": pages.trail, "parts": [
        {"title": "Every pair", "table": grid(titles, "llrrrr" + "r" * len(asked), compared),
         "caption": "p-values are Holm's for all pairs together; in brackets how many units they rest on"},
        {"title": "The virtual best", "table": grid(added, "lrr", shared),
         "caption": "What each solver adds to the best of all on each instance"},
    ]}  # fmt: skip


def _p_cell(p: float | None) -> GridCell:
    return GridCell(formats.NOTHING if p is None else f"{p:.2g}", p)
