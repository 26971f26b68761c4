"""The page of a solver: what it is, how far it can be trusted, and how it did on each instance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mincache.bench.records import Record
from mincache.board import formats, repairs
from mincache.board.contenders import Contender
from mincache.board.entries import Manifest
from mincache.board.references import verified_cost
from mincache.board.results import Runs
from mincache.board.table import failure
from mincache.site.grid import GridCell, cost_cell, count_cell, grid, percent_cell
from mincache.site.pages import Context, SuitePages, run_cells

_TITLES = (
    "instance", "users", "mean cost", "best known", "gap", "hit ratio", "verified runs", "median solve",
    "failures",
)  # fmt: skip


def solver_page(pages: SuitePages, who: Contender) -> Context:
    """Return what the page of a solver shows."""
    runs, label = pages.standing.results[who], pages.standing.labels[who]
    return {
        "title": label,
        "trail": pages.trail,
        "facts_listed": [(name, value) for name, value in _facts(pages, who) if value],
        "parts": [
            {
                "title": f"On each instance of {pages.standing.name}",
                "table": grid(_TITLES, "lrrrrrrrl", [_row(pages, who, name) for name in runs]),
                "caption": "Means over the verified runs of each instance",
            },
            *_before(pages.standing.verified[who]),
        ],
    }


def _before(verified: Runs) -> Iterator[Context]:
    """The answers as they were before their repair, where the solver reports that."""
    found = repairs.means(verified)
    if found.cost is None and not found.rate:
        return
    titles = ("constraint", "slots that break it", "mean excess there")
    rows = [
        [GridCell(name), percent_cell(rate, 2), GridCell(f"{found.excess[name]:.3g}", found.excess[name])]
        for name, rate in found.rate.items()
    ]
    priced = f"; their mean cost is {formats.cost(found.cost)}" if found.cost is not None else ""
    yield {
        "title": "Before the repair",
        "table": grid(titles, "lrr", rows),
        "caption": f"What the answers broke before the solver made them feasible{priced}",
    }


def _facts(pages: SuitePages, who: Contender) -> list[tuple[str, Any]]:
    limit = "none" if who.wall_s is None else f"{who.wall_s:g} s"
    facts = [
        ("suite", pages.standing.name), ("kind", pages.kind(who)), ("tier", pages.tier(who)),
        ("version", who.version), ("source SHA-256", who.source), ("files SHA-256", who.files),
        ("parameters", who.parameters),
        ("time limit", limit), ("threads", str(who.threads)),
    ]  # fmt: skip
    return facts + (_said(pages.entries[who].manifest) if who in pages.entries else [])


def _said(manifest: Manifest) -> list[tuple[str, Any]]:
    device = f" on {manifest.training_device}" if manifest.training_device else ""
    training = formats.duration(manifest.training_s) + device if manifest.training_s is not None else ""
    return [
        ("authors", ", ".join(manifest.authors)), ("links", list(manifest.links)), ("note", manifest.note),
        ("training", training), ("reproduced", manifest.reproduced), ("flagged", manifest.flag),
    ]  # fmt: skip


def _row(pages: SuitePages, who: Contender, name: str) -> list[GridCell]:
    standing, records = pages.standing, pages.standing.results[who][name]
    known = standing.references.get(name)
    return [
        GridCell(name, None, f"../../{pages.instance_path(name)}"),
        count_cell(pages.users(name)),
        cost_cell(standing.costs[who].get(name)),
        cost_cell(known.cost if known else None),
        pages.gap_cell(who, name),
        *run_cells(records),
        GridCell(_failures(records) or formats.NOTHING),
    ]


def _failures(records: Sequence[Record]) -> str:
    """Each kind of failure once, with the reason of its last run."""
    wrong = [record for record in records if verified_cost(record) is None]
    reasons = {"declined" if r.verdict == "skipped" else failure(r): r.reason for r in wrong}
    return "; ".join(f"{kind}: {reason}" if reason else kind for kind, reason in sorted(reasons.items()))
