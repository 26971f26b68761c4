"""The page of a suite that sets every solver against every other, and against the virtual best."""

from __future__ import annotations

from mincache.board import columns
from mincache.board.pairs import pairs, shares
from mincache.site.grid import Grid, GridCell, Heading, grid
from mincache.site.pages import Context, SuitePages, cost_cell, count_cell


def pairs_page(pages: SuitePages) -> Context:
    """Return what the page of all pairs shows."""
    common = f"{len(pages.table.common)} common instances"
    return {
        "title": f"Solvers of {pages.standing.name} in pairs",
        "trail": pages.trail,
        "facts_listed": [],
        "parts": [
            {
                "title": "Every pair",
                "table": _pairs(pages),
                "caption": f"On the {common}: signed-rank tests of relative costs, p-values adjusted by Holm",
            },
            {
                "title": "The virtual best",
                "table": _shares(pages),
                "caption": f"What each solver adds to the best of all on the {common}",
            },
        ],
    }


def _pairs(pages: SuitePages) -> Grid:
    headings = [
        Heading("A", False), Heading("B", False), Heading("A better on"), Heading("B better on"),
        Heading("equal on"), Heading("B's cost against A's"), Heading("adjusted p"),
    ]  # fmt: skip
    rows = [
        [
            GridCell(one.first), GridCell(one.second), count_cell(one.wins), count_cell(one.losses),
            count_cell(one.ties), GridCell(columns.percent(one.mean_change, 2), one.mean_change),
            GridCell(f"{one.p_adjusted:.2g}", one.p_adjusted),
        ]
        for one in pairs(pages.standing, pages.table)
    ]  # fmt: skip
    return grid(headings, rows)


def _shares(pages: SuitePages) -> Grid:
    headings = [
        Heading("solver", False),
        Heading("best alone on"),
        Heading("without it the virtual best would cost more by"),
    ]
    found = shares(pages.standing, pages.table)
    rows = [[GridCell(s.solver), count_cell(s.best_alone), cost_cell(s.contribution)] for s in found]
    return grid(headings, rows)
