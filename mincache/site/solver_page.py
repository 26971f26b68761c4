"""The page of a solver: what it is, how far it can be trusted, and how it did on each instance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mincache.board import formats
from mincache.board.entries import Entry
from mincache.board.runs import VERIFIED
from mincache.board.table import Row
from mincache.site import charts
from mincache.site.grid import GridCell, cost_cell, count_cell, duration_cell, grid, percent_cell
from mincache.site.pages import Context, SuitePages, data_grid


def solver_page(pages: SuitePages, row: Row) -> Context:
    """Return what the page of a solver shows."""
    return {
        "title": row.solver,
        "trail": pages.trail,
        "facts_listed": [(name, value) for name, value in _facts(row) if value],
        "parts": [
            *_solver_charts(pages, row),
            *_by_instance(pages, row),
            *_failed(row),
            *_raw(row),
            *_reviews(row.entry),
        ],
    }


def _solver_charts(pages: SuitePages, row: Row) -> Iterator[Context]:
    for kind, (title, rows, drawn) in charts.solver_charts(row).items():
        svg = charts.inline(drawn, f"{pages.folder}-{row.number}-{kind}", f"{title}. {row.solver}.")
        yield {
            "title": title,
            "figure": svg,
            "caption": "",
            "details": (data_grid(rows), "Data of the chart"),
        }


def _facts(row: Row) -> list[tuple[str, Any]]:
    who, entry = row.who, row.entry
    reference = row.reference_s
    facts: list[tuple[str, Any]] = [
        ("suite", row.runs.name), ("kind", row.kind), ("tier", str(row.tier)),
        ("rank", formats.between(*map(str, found)) if (found := row.range("here")) else ""),
        ("not ranked", row.unranked), ("gap", formats.percent(row.gap, 2)),
        ("machine", row.machine), ("fixed computation", formats.duration(reference) if reference else ""),
        ("mincache", row.version), ("evaluator", who.evaluator_version), ("last run", row.date),
        ("time limit", "none" if who.wall_s is None else f"{who.wall_s:g} s"), ("threads", str(who.threads)),
        ("version", who.version), ("source SHA-256", who.source), ("files SHA-256", who.files),
        ("parameters", who.parameters),
    ]  # fmt: skip
    if entry is None:
        return facts
    manifest = entry.manifest
    device = f" on {manifest.training_device}" if manifest.training_device else ""
    training = formats.duration(manifest.training_s) + device if manifest.training_s is not None else ""
    sources = sorted(path.name for path in (entry.folder / "source").glob("*"))
    return [
        *facts, ("authors", ", ".join(manifest.authors)), ("links", list(manifest.links)),
        ("note", manifest.note),
        ("training", training), ("source files in its entry", ", ".join(sources)), ("entry", entry.name),
    ]  # fmt: skip


def _by_instance(pages: SuitePages, row: Row) -> Iterator[Context]:
    titles = (
        "instance",
        "users",
        "mean cost",
        "best known",
        "gap",
        "verified runs",
        "median solve",
        "failures",
    )
    runs, suite = row.runs, row.runs.suite
    rows = []
    for n, name in enumerate(runs.instances):
        where = runs.of(row.number, n)
        if not len(where):
            continue
        good, known = runs.verified[where], runs.references.get(name)
        rows.append([
            GridCell(name, None, f"../../{pages.instance_path(name)}"),
            count_cell(None if suite is None else suite.entries[name].users),
            cost_cell(_finite(runs.costs[row.number, n])),
            cost_cell(known.cost if known else None),
            percent_cell(_finite(runs.gaps[row.number, n])),
            GridCell(f"{good.sum()}/{len(where)}", int(good.sum())),
            duration_cell(_finite(float(np.median(runs.charged_s("solve_s")[where])))),
            GridCell(", ".join(sorted({*runs["outcome"][where]} - {VERIFIED})) or formats.NOTHING),
        ])  # fmt: skip
    caption = "Means over the runs of each instance, a failed or declined one charged"
    yield {"title": "On each instance", "table": grid(titles, "lrrrrrrl", rows), "caption": caption}


def _failed(row: Row) -> Iterator[Context]:
    runs = row.runs
    rows = [
        [GridCell(runs.instances[runs.instance[n]]), count_cell(int(runs["seed"][n])),
         count_cell(int(runs["repetition"][n])), GridCell(str(runs["outcome"][n])),
         GridCell(str(runs["reason"][n]))]
        for n in row.where if not runs.verified[n]
    ]  # fmt: skip
    if rows:
        titles = ("instance", "seed", "repetition", "how it ended", "why")
        yield {
            "title": "Failures",
            "table": grid(titles, "lrrll", rows),
            "caption": "Each charged with caching nothing",
        }


def _raw(row: Row) -> Iterator[Context]:
    found = row.raw
    if found.cost is None and not found.rate:
        return
    rows = [
        [GridCell(name), percent_cell(rate), GridCell(f"{found.excess[name]:.3g}", found.excess[name])]
        for name, rate in found.rate.items()
    ]
    priced = f"; their mean cost is {formats.cost(found.cost)}" if found.cost is not None else ""
    titles = ("constraint", "slots that break it", "mean excess there")
    caption = f"What the answers broke before the solver made them feasible{priced}"
    yield {"title": "Before the repair", "table": grid(titles, "lrr", rows), "caption": caption}


def _reviews(entry: Entry | None) -> Iterator[Context]:
    if entry is not None and entry.reviews:
        rows = [
            [GridCell(r.by), GridCell(r.date), GridCell(r.finding), GridCell(r.note)]
            for r in entry.reviews.values()
        ]
        titles = ("by", "date", "finding", "note")
        yield {"title": "Reviews", "table": grid(titles, "llll", rows), "caption": "What others found"}


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
