"""The page of a suite that sets every solver against every other, and against the virtual best."""

from __future__ import annotations

from mincache.board.comparison import pairs, shares
from mincache.site.grid import GridCell, cost_cell, count_cell, grid, percent_cell
from mincache.site.pages import Context, SuitePages


def pairs_page(pages: SuitePages) -> Context:
    """Return what the page of all pairs shows."""
    common = f"{len(pages.standing.common)} common instances"
    compared = [
        [
            GridCell(one.first), GridCell(one.second), count_cell(one.wins), count_cell(one.losses),
            count_cell(one.ties), percent_cell(one.mean_change, 2),
            GridCell(f"{one.p_adjusted:.2g}", one.p_adjusted),
        ]
        for one in pairs(pages.table)
    ]  # fmt: skip
    shared = [
        [GridCell(one.solver), count_cell(one.best_alone), cost_cell(one.contribution)]
        for one in shares(pages.table)
    ]
    titles = ("A", "B", "A better on", "B better on", "equal on", "B's cost against A's", "adjusted p")
    added = ("solver", "best alone on", "without it the virtual best would cost more by")
    return {
        "title": f"Solvers of {pages.standing.name} in pairs",
        "trail": pages.trail,
        "facts_listed": [],
        "parts": [
            {
                "title": "Every pair",
                "table": grid(titles, "llrrrrr", compared),
                "caption": f"On the {common}: signed-rank tests of relative costs, p-values adjusted by Holm",
            },
            {
                "title": "The virtual best",
                "table": grid(added, "lrr", shared),
                "caption": f"What each solver adds to the best of all on the {common}",
            },
        ],
    }
