"""The page of an instance: what is in it, what is known of it, and how each solver did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mincache.board.contenders import Contender
from mincache.board.formats import NOTHING
from mincache.board.references import Reference, verified_cost
from mincache.board.times import mean_primal_integral_s
from mincache.problem import units
from mincache.site.grid import GridCell, cost_cell, count_cell, duration_cell, grid, percent_cell
from mincache.site.pages import Context, SuitePages, best_run, run_cells, solution_path

_TITLES = (
    "solver", "mean cost", "gap", "best cost", "hit ratio", "verified runs", "median solve",
    "mean primal integral", "solution",
)  # fmt: skip
_MODEL_TITLES = (
    "model", "size (GB)", "requests", "image (MB)", "A1", "A2", "A3", "A4", "B1 (s)", "B2 (s)",
)  # fmt: skip


def instance_page(pages: SuitePages, name: str) -> Context:
    """Return what the page of an instance shows; its rows are sorted by mean cost."""
    results = pages.standing.results
    rows = [_row(pages, who, name) for who in results if name in results[who]]
    rows.sort(key=lambda cells: (cells[1].value is None, cells[1].value or 0.0, cells[0].text))
    facts = [
        ("suite", pages.standing.name),
        *_known(pages.standing.references.get(name)),
        *_content(pages, name),
    ]
    solvers = {
        "title": "Solvers",
        "table": grid(_TITLES, "lrrrrrrrl", rows),
        "caption": "Means over the verified runs; the solution is the best of them",
    }
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
    suite = pages.standing.suite
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
    if pages.standing.suite is None:
        return
    instance = pages.standing.suite.read(name)
    models, requests = instance.models, instance.trace.requested_model.ravel()
    asked = np.bincount(requests, minlength=instance.model_count) / requests.size
    image_mb = models.output_bits / units.megabytes_to_bits(1.0)
    values = np.stack([
        models.size_gb, asked, image_mb, models.steps_onset, models.tv_worst, models.steps_saturation,
        models.tv_best, models.seconds_per_step, models.seconds_base,
    ])  # fmt: skip
    rows = [_model(m, row) for m, row in enumerate(values.T.tolist())]
    caption = "The generative models: storage, share of the requests, image, and the constants of (7) and (8)"
    yield {"title": "Models", "table": grid(_MODEL_TITLES, "r" * 10, rows), "caption": caption}


def _model(m: int, values: Sequence[float]) -> list[GridCell]:
    cells = [GridCell(f"{value:.4g}", value) for value in values]
    cells[1] = percent_cell(values[1])
    return [count_cell(m), *cells]


def _row(pages: SuitePages, who: Contender, name: str) -> list[GridCell]:
    standing, records = pages.standing, pages.standing.results[who][name]
    best = best_run(records)
    return [
        GridCell(standing.labels[who], None, f"../../{pages.solver_path(who)}"),
        cost_cell(standing.costs[who].get(name)),
        pages.gap_cell(who, name),
        cost_cell(None if best is None else verified_cost(best)),
        *run_cells(records),
        _integral(pages, who, name),
        _solution(None if best is None else best.solution_sha256),
    ]


def _solution(sha256: str | None) -> GridCell:
    return GridCell("solution", None, f"../../{solution_path(sha256)}") if sha256 else GridCell(NOTHING)


def _integral(pages: SuitePages, who: Contender, name: str) -> GridCell:
    """Mean primal integral over the verified runs, to their time limit, or to the longest without one."""
    records = [r for r in pages.standing.results[who][name] if verified_cost(r) is not None]
    known = pages.standing.references.get(name)
    if known is None or not records:
        return duration_cell(None)
    horizon_s = who.wall_s or max(record.solve_s or 0.0 for record in records)
    return duration_cell(mean_primal_integral_s(records, known, horizon_s))
