"""The pages of a suite's instances: their list, and what is in each, what is known, how solvers did."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mincache.bench.records import TracePoint
from mincache.bench.trace import primal_integral
from mincache.board.entries import folder_name
from mincache.board.formats import NOTHING
from mincache.board.references import Reference
from mincache.board.table import Row
from mincache.problem import units
from mincache.site.grid import GridCell, cost_cell, count_cell, duration_cell, grid, percent_cell
from mincache.site.pages import Context, SuitePages

_TITLES = ("solver", "mean cost", "gap", "best cost", "hit ratio", "verified runs", "median solve",
           "mean primal integral", "solution")  # fmt: skip
_MODEL_TITLES = ("model", "size (GB)", "requests", "image (MB)", "A1", "A2", "A3", "A4", "B1 (s)", "B2 (s)")


def instance_list(pages: SuitePages) -> Context:
    """Return what the list of a suite's instances shows."""
    titles = ("instance", "users", "best known cost", "lower bound", "solvers", "best solver")
    rows = [_listed(pages, n) for n in range(len(pages.table.runs.instances))]
    part = {
        "title": "",
        "table": grid(titles, "lrrrrl", rows),
        "caption": f"{len(rows)} instances of {pages.name}",
    }
    return {"title": f"Instances of {pages.name}", "trail": pages.trail, "parts": [part]}


def _listed(pages: SuitePages, n: int) -> list[GridCell]:
    runs = pages.table.runs
    name, known = runs.instances[n], runs.references.get(runs.instances[n])
    costs = {row.solver: runs.costs[row.number, n] for row in pages.table.rows}
    costs = {label: cost for label, cost in costs.items() if np.isfinite(cost)}
    return [
        GridCell(name, None, f"{folder_name(name)}.html"),
        count_cell(None if runs.suite is None else runs.suite.entries[name].users),
        cost_cell(known.cost if known else None),
        cost_cell(known.bound if known else None),
        count_cell(len(costs)),
        GridCell(min(costs, key=lambda label: (costs[label], label), default=NOTHING)),
    ]


def solution_path(sha256: str) -> str:
    """Path of a stored solution from the site's root."""
    return f"solutions/{sha256}.json.gz"


def best_solution(row: Row, n: int) -> str | None:
    """Return the hash of the best stored solution of a row on its suite's instance number n."""
    where = row.runs.of(row.number, n)
    where = where[row.runs.verified[where]]
    return None if not len(where) else row.runs["solution"][where[np.argmin(row.runs["cost"][where])]]


def instance_page(pages: SuitePages, n: int) -> Context:
    """Return what the page of an instance shows; its rows are sorted by mean cost."""
    runs = pages.table.runs
    name = runs.instances[n]
    rows = [_row(pages, row, n) for row in pages.table.rows if runs.count[row.number, n]]
    rows.sort(key=lambda cells: (cells[1].value is None, cells[1].value or 0.0, cells[0].text))
    facts = [("suite", pages.name), *_known(runs.references.get(name)), *_content(pages, name)]
    caption = "Means over the runs, failed ones charged; the solution is the best of them"
    solvers = {"title": "Solvers", "table": grid(_TITLES, "lrrrrrrrl", rows), "caption": caption}
    return {
        "title": name,
        "trail": pages.trail,
        "facts_listed": facts,
        "parts": [solvers, *_models(pages, name)],
    }


def _known(known: Reference | None) -> list[tuple[str, str]]:
    if known is None:
        return [("best known cost", "none")]
    source = "pinned by the suite" if known.pinned else "best among these records"
    facts = [("best known cost", f"{known.cost:.6f} ({source})")]
    if known.bound is not None:
        facts.append(("lower bound", f"{known.bound:.6f}{' (proven optimal)' if known.proven else ''}"))
    return facts


def _content(pages: SuitePages, name: str) -> list[tuple[str, str]]:
    suite = pages.table.runs.suite
    if suite is None:
        return []
    instance, entry = suite.read(name), suite.entries[name]
    return [
        *([("references from", suite.content.references)] if suite.content.references else []),
        ("users N", str(instance.user_count)),
        ("slots T", str(instance.slot_count)),
        ("models M", str(instance.model_count)),
        ("weight of delay", f"{instance.preference_weight:g}"),
        ("storage", f"{instance.server.storage_gb:g} GB"),
        ("size of all models", f"{instance.models.size_gb.sum():g} GB"),
        ("denoising steps a slot", f"{instance.server.steps:g}"),
        ("library, trace", f"{entry.library}, {entry.trace}"),
        ("SHA-256", entry.sha256),
    ]


def _models(pages: SuitePages, name: str) -> Iterator[Context]:
    """What users can ask for, and how often they do; nothing if the suite is not at hand."""
    if pages.table.runs.suite is None:
        return
    instance = pages.table.runs.suite.read(name)
    models, requests = instance.models, instance.trace.requested_model.ravel()
    asked = np.bincount(requests, minlength=instance.model_count) / requests.size
    values = np.stack([
        models.size_gb, asked, models.output_bits / units.megabytes_to_bits(1.0), models.steps_onset,
        models.tv_worst, models.steps_saturation, models.tv_best, models.seconds_per_step,
        models.seconds_base,
    ])  # fmt: skip
    rows = [
        [count_cell(m), *(GridCell(f"{v:.4g}", v) for v in row)] for m, row in enumerate(values.T.tolist())
    ]
    for cells, share in zip(rows, asked.tolist(), strict=True):
        cells[2] = percent_cell(share, 1)
    caption = "The generative models: storage, share of the requests, image, and the constants of (7) and (8)"
    yield {"title": "Models", "table": grid(_MODEL_TITLES, "r" * 10, rows), "caption": caption}


def _row(pages: SuitePages, row: Row, n: int) -> list[GridCell]:
    runs, where = row.runs, row.runs.of(row.number, n)
    good = where[runs.verified[where]]
    solution = best_solution(row, n)
    median_s = float(np.median(runs.charged_s("solve_s")[where]))
    return [
        GridCell(row.solver, None, f"../../{pages.solver_path(row)}"),
        cost_cell(_finite(runs.costs[row.number, n])),
        percent_cell(_finite(runs.gaps[row.number, n])),
        cost_cell(float(runs["cost"][good].min()) if len(good) else None),
        percent_cell(float(runs["hit_ratio"][where].mean()), 1),
        GridCell(f"{len(good)}/{len(where)}", len(good)),
        duration_cell(_finite(median_s)),
        duration_cell(_integral(row, n)),
        GridCell("solution", None, f"../../{solution_path(solution)}") if solution else GridCell(NOTHING),
    ]


def _integral(row: Row, n: int) -> float | None:
    """Mean primal integral over the verified runs, to their time limit, or to the longest without one.

    The integral in a record refers to what was best known when it was run; this one is comparable.
    """
    runs, where = row.runs, row.runs.of(row.number, n)
    good = where[runs.verified[where]]
    known = runs.references.get(runs.instances[n])
    if known is None or not len(good):
        return None
    horizon_s = row.who.wall_s or float(np.nanmax(runs["solve_s"][good]))
    traces = [[TracePoint(s, cost, None) for s, cost in runs["trace"][run].tolist()] for run in good]
    return float(np.mean([primal_integral(trace, known.cost, horizon_s) for trace in traces]))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
