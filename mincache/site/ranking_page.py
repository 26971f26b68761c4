"""The site's two pages over all suites: the ranking with its charts, and the list of instances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

from mincache.board.formats import NOTHING
from mincache.board.notes import notes
from mincache.board.table import Table
from mincache.site import charts
from mincache.site.grid import Grid, GridCell, cost_cell, count_cell, grid, ranking_grid
from mincache.site.pages import Context, SuitePages

DOWNLOADS: Mapping[str, str] = {"json": "JSON", "csv": "CSV", "tex": "LaTeX"}
"""The ranking's numbers as files: the suffix of each, and what its link says."""


class Chart(NamedTuple):
    """A chart of a page: the id of its element, its title, and its Vega-Lite specification."""

    id: str
    title: str
    specification: Mapping[str, object]


def ranking(pages: SuitePages) -> Context:
    """Return what the first page shows of a suite."""
    users = {pages.users(name) for name in pages.standing.instances}
    return {
        "name": pages.standing.name,
        "family": pages.family,
        "only_users": str(next(iter(users)) or "") if len(users) == 1 else "",
        "slices": list(_slices(pages)),
        "notes": notes(pages.table)[1:],
        "pairs": pages.pairs_path if len(pages.table.ranked) > 1 else "",
        "downloads": [(title, pages.data_path(suffix)) for suffix, title in DOWNLOADS.items()],
        "charts": _charts(pages),
    }


def choices(suites: list[Context]) -> list[Context]:
    """Return the filters of the first page, given what it shows; one with a single option is left out."""
    rows = [row.attributes for suite in suites for row in suite["slices"][0]["table"].rows]
    users = {part["users"] for suite in suites for part in suite["slices"]}
    users = (users | {suite["only_users"] for suite in suites}) - {""}
    offered = [
        ("suite", "suite", sorted({suite["name"] for suite in suites})),
        ("family", "family", sorted({suite["family"] for suite in suites})),
        ("users", "users N", sorted(users, key=int)),
        ("kind", "kind of solver", sorted({row["data-kind"] for row in rows})),
        ("tier", "tier", sorted({row["data-tier"] for row in rows})),
    ]
    keys = ("name", "title", "options")
    return [dict(zip(keys, choice, strict=True)) for choice in offered if len(choice[2]) > 1]


def _slices(pages: SuitePages) -> Iterator[Context]:
    """The table over all instances, then one for each number of users if there are several."""
    yield _slice(pages, pages.table, None)
    by_users = sorted(pages.standing.instances, key=lambda name: (pages.users(name) or 0, name))
    groups = [(users, list(names)) for users, names in groupby(by_users, pages.users)]
    for users, names in groups if len(groups) > 1 else ():
        yield _slice(pages, Table(pages.standing.among(names)), users)


def _slice(pages: SuitePages, shown: Table, users: int | None) -> Context:
    which = "all instances" if users is None else f"N = {users}"
    caption = f"{pages.standing.name}, {which}. {notes(shown)[0]}"
    return {"users": "" if users is None else str(users), "table": _grid(pages, shown), "caption": caption}


def _grid(pages: SuitePages, shown: Table) -> Grid:
    labels, everyone = pages.standing.labels, pages.standing.results
    told = {labels[who]: {"kind": pages.kind(who), "tier": pages.tier(who)} for who in everyone}
    return ranking_grid(shown, {labels[who]: pages.solver_path(who) for who in everyone}, told)


def _charts(pages: SuitePages) -> list[Chart]:
    labels, entries = pages.standing.labels, pages.entries
    training_s = {labels[who]: entry.manifest.training_s or 0.0 for who, entry in entries.items()}
    drawn = [(kind, charts.chart(kind, pages.table, training_s)) for kind in charts.KINDS]
    return [
        Chart(f"chart-{pages.folder}-{kind}", charts.KINDS[kind].title, specification)
        for kind, specification in drawn
        if specification is not None
    ]


def listing(pages: SuitePages) -> Context:
    """Return what the page of all instances shows of a suite."""
    titles = ("instance", "users", "best known cost", "lower bound", "solvers", "best solver")
    rows = [_listed(pages, name) for name in pages.standing.instances]
    caption = f"{len(rows)} instances; solvers counts those with a verified solution"
    return {"name": pages.standing.name, "table": grid(titles, "lrrrrl", rows), "caption": caption}


def _listed(pages: SuitePages, name: str) -> list[GridCell]:
    standing, known = pages.standing, pages.standing.references.get(name)
    costs = {standing.labels[who]: costs[name] for who, costs in standing.costs.items() if name in costs}
    best = min(costs, key=lambda label: (costs[label], label), default=NOTHING)
    return [
        GridCell(name, None, pages.instance_path(name)),
        count_cell(pages.users(name)),
        cost_cell(known.cost if known else None),
        cost_cell(known.bound if known else None),
        count_cell(len(costs)),
        GridCell(best),
    ]
