"""What the pages of a suite's instances and solvers show: what each is, and how they did with each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas

from mincache.bench.records import TracePoint
from mincache.bench.trace import primal_integral
from mincache.board import formats
from mincache.board.entries import SOURCE_FOLDER, folder_name
from mincache.board.runs import Runs
from mincache.board.table import Row
from mincache.problem import units
from mincache.site import drawing
from mincache.site.charts import solver_charts
from mincache.site.pages import Context, GridCell, SuitePages, data_listing, listing

_CELL = ["row", "instance"]


def cells(runs: Runs) -> pandas.DataFrame:
    """Return what pages show of each solver (`row`) on each `instance`, a line for each pair with runs."""
    frame = runs.frame
    grouped, good, failed = frame.groupby(_CELL), frame[frame["verified"]], frame[~frame["verified"]]
    best = good.loc[good.groupby(_CELL)["cost"].idxmin()].set_index(_CELL)
    return runs.cells.assign(
        runs=grouped.size(), verified=grouped["verified"].sum(), median_s=grouped["charged_solve_s"].median(),
        best=best["cost"], solution=best["solution"],
        failures=failed.groupby(_CELL)["outcome"].agg(lambda kinds: ", ".join(sorted(set(kinds)))),
        integral_s=_integrals(runs, good),
    ).dropna(subset="runs")  # fmt: skip


def _integrals(runs: Runs, good: pandas.DataFrame) -> pandas.Series[float]:
    """Mean primal integrals of verified runs, to their time limit, or to the longest without one.

    The integral in a record refers to what was best known when it was run; this one is comparable.
    """
    reference = pandas.Series(runs.reference[good["instance"]], good.index).dropna()
    good = good.loc[reference.index]
    limits_s = good["row"].map(lambda row: runs.contenders[row].wall_s).astype(float)
    horizon_s = limits_s.fillna(good.groupby(_CELL)["solve_s"].transform("max"))
    found = [
        primal_integral([TracePoint(s, c, None) for s, c in trace.tolist()], cost, end)
        for trace, cost, end in zip(good["trace"], reference, horizon_s, strict=True)
    ]
    return good[_CELL].assign(integral_s=found).groupby(_CELL)["integral_s"].mean()


def solution_path(sha256: str) -> str:
    """Path of a stored solution from the site's root."""
    return f"solutions/{sha256}.json.gz"


def instance_list(pages: SuitePages) -> Context:
    """Return what the list of a suite's instances shows."""
    runs, rows = pages.runs, []
    costs = {row.solver: row.by_instance("charged_cost") for row in pages.table.rows}
    for n, name in enumerate(runs.instances):
        reference = runs.references.get(name)
        here = {label: cost[n] for label, cost in costs.items() if np.isfinite(cost[n])}
        rows.append([
            GridCell(name, None, f"{folder_name(name)}.html"), _users(runs, name),
            reference and reference.cost, reference and reference.bound, len(here),
            min(here, key=lambda label: (here[label], label), default=None),
        ])  # fmt: skip
    columns = {"instance": "text", "users": "count", "best known cost": "cost", "lower bound": "cost",
               "solvers": "count", "best solver": "text"}  # fmt: skip
    shown = listing(columns, rows, f"{len(rows)} instances of {pages.name}")
    return {"title": f"Instances of {pages.name}", "trail": pages.trail, "parts": [shown]}


def _users(runs: Runs, name: str) -> int | None:
    return None if runs.suite is None else runs.suite.entries[name].users


def instance_page(pages: SuitePages, n: int, found: pandas.DataFrame) -> Context:
    """Return what the page of an instance shows; `found` has what `cells` says of it, by row."""
    name = pages.runs.instances[n]
    rows = []
    for row in sorted(pages.table.rows, key=lambda row: row.solver):
        if row.number in found.index:
            cell = found.loc[row.number]
            link = f"../../{solution_path(cell.solution)}" if isinstance(cell.solution, str) else ""
            rows.append([
                GridCell(row.solver, None, f"../../{pages.solver_path(row)}"), cell.charged_cost, cell.gap,
                cell.best, cell.hit_ratio, GridCell(f"{cell.verified:.0f}/{cell.runs:.0f}", cell.verified),
                cell.median_s, cell.integral_s, GridCell("solution", None, link) if link else None,
            ])  # fmt: skip
    rows.sort(key=lambda values: (np.isnan(values[1]), values[1]))
    columns = {"solver": "text", "mean cost": "cost", "gap": "gap", "best cost": "cost", "hit ratio": "share",
               "verified runs": "count", "median solve": "seconds", "mean primal integral": "seconds",
               "solution": "text"}  # fmt: skip
    caption = "Means over the runs, failed ones charged; the solution is the best of them"
    return {
        "title": name, "trail": pages.trail,
        "facts": [("suite", pages.name), *_known(pages.runs, name), *_content(pages.runs, name)],
        "parts": [listing(columns, rows, caption, "Solvers"), *_models(pages.runs, name)],
    }  # fmt: skip


def _known(runs: Runs, name: str) -> Iterator[tuple[str, str]]:
    known = runs.references.get(name)
    if known is None:
        yield "best known cost", "none"
        return
    source = "pinned by the suite" if known.pinned else "best among these records"
    yield "best known cost", f"{known.cost:.6f} ({source})"
    if known.bound is not None:
        yield "lower bound", f"{known.bound:.6f}{' (proven optimal)' if known.proven else ''}"


def _content(runs: Runs, name: str) -> list[tuple[str, str]]:
    if runs.suite is None:
        return []
    instance, entry = runs.suite.read(name), runs.suite.entries[name]
    source = runs.suite.content.references
    return [
        *([("references from", source)] if source else []),
        ("users N", str(instance.user_count)), ("slots T", str(instance.slot_count)),
        ("models M", str(instance.model_count)), ("weight of delay", f"{instance.preference_weight:g}"),
        ("storage", f"{instance.server.storage_gb:g} GB"),
        ("size of all models", f"{instance.models.size_gb.sum():g} GB"),
        ("denoising steps a slot", f"{instance.server.steps:g}"),
        ("library, trace", f"{entry.library}, {entry.trace}"), ("SHA-256", entry.sha256),
    ]  # fmt: skip


def _models(runs: Runs, name: str) -> Iterator[Context]:
    """What users can ask for, and how often they do; nothing if the suite is not at hand."""
    if runs.suite is None:
        return
    instance = runs.suite.read(name)
    models, requests = instance.models, instance.trace.requested_model.ravel()
    columns = {
        ("model", "count"): np.arange(instance.model_count),
        ("size (GB)", "number"): models.size_gb,
        ("requests", "share"): np.bincount(requests, minlength=instance.model_count) / requests.size,
        ("image (MB)", "number"): models.output_bits / units.megabytes_to_bits(1.0),
        ("A1", "number"): models.steps_onset, ("A2", "number"): models.tv_worst,
        ("A3", "number"): models.steps_saturation, ("A4", "number"): models.tv_best,
        ("B1 (s)", "number"): models.seconds_per_step, ("B2 (s)", "number"): models.seconds_base,
    }  # fmt: skip
    caption = "The generative models: storage, share of the requests, image, and the constants of (7) and (8)"
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    yield listing(dict(columns.keys()), rows, caption, "Models")


def solver_page(pages: SuitePages, row: Row, found: pandas.DataFrame) -> Context:
    """Return what the page of a solver shows; `found` has what `cells` says of it, by instance."""
    drawn = [
        {
            "title": one.title,
            "figure": drawing.inline(
                one.specification, f"{pages.folder}-{row.number}-{kind}", f"{one.title}. {row.solver}."
            ),
            "details": data_listing(one.rows, f"{one.title}: data"),
        }
        for kind, one in solver_charts(row).items()
    ]
    return {
        "title": row.solver, "trail": pages.trail,
        "facts": [(name, value) for name, value in _facts(row) if value],
        "parts": [*drawn, _by_instance(pages, found), *_failed(row), *_raw(row), *_reviews(row)],
    }  # fmt: skip


def _facts(row: Row) -> list[tuple[str, Any]]:
    who, entry = row.who, row.entry
    facts: list[tuple[str, Any]] = [
        ("suite", row.runs.name), ("kind", row.kind), ("tier", row.tier),
        ("rank", formats.between(*map(str, found)) if (found := row.range("here")) else ""),
        ("not ranked", row.unranked), ("gap", formats.percent(row.gap, 2)), ("machine", row.machine),
        ("fixed computation", formats.duration(row.reference_s) if row.reference_s else ""),
        ("mincache", row.version), ("evaluator", who.evaluator_version), ("last run", row.date),
        ("time limit", "none" if who.wall_s is None else f"{who.wall_s:g} s"), ("threads", str(who.threads)),
        ("version", who.version), ("source SHA-256", who.source), ("files SHA-256", who.files),
        ("parameters", who.parameters),
    ]  # fmt: skip
    if entry is None:
        return facts
    said = entry.manifest
    training = "" if said.training_s is None else formats.duration(said.training_s)
    if training and said.training_device:
        training += f" on {said.training_device}"
    sources = sorted(path.name for path in (entry.folder / SOURCE_FOLDER).glob("*"))
    return [
        *facts, ("authors", ", ".join(said.authors)), ("links", list(said.links)), ("note", said.note),
        ("training", training), ("source files in its entry", ", ".join(sources)), ("entry", entry.name),
    ]  # fmt: skip


def _by_instance(pages: SuitePages, found: pandas.DataFrame) -> Context:
    runs, rows = pages.runs, []
    for n, cell in found.iterrows():
        name = runs.instances[n]
        reference = runs.references.get(name)
        rows.append([
            GridCell(name, None, f"../../{pages.instance_path(name)}"), _users(runs, name), cell.charged_cost,
            reference and reference.cost, cell.gap,
            GridCell(f"{cell.verified:.0f}/{cell.runs:.0f}", cell.verified), cell.median_s, cell.failures,
        ])  # fmt: skip
    columns = {"instance": "text", "users": "count", "mean cost": "cost", "best known": "cost", "gap": "gap",
               "verified runs": "count", "median solve": "seconds", "failures": "text"}  # fmt: skip
    caption = "Means over the runs of each instance, a failed or declined one charged"
    return listing(columns, rows, caption, "On each instance")


def _failed(row: Row) -> Iterator[Context]:
    failed = row.frame[~row.frame["verified"]]
    columns = {
        "instance": "text",
        "seed": "count",
        "repetition": "count",
        "how it ended": "text",
        "why": "text",
    }
    rows = [
        [row.runs.instances[run.instance], run.seed, run.repetition, run.outcome, run.reason]
        for run in failed.itertuples()
    ]
    if rows:
        yield listing(columns, rows, "Each charged with caching nothing", "Failures")


def _raw(row: Row) -> Iterator[Context]:
    found = row.raw
    if found.cost is None and not found.rate:
        return
    rows = [[name, rate, found.excess[name]] for name, rate in found.rate.items()]
    columns = {"constraint": "text", "slots that break it": "gap", "mean excess there": "number"}
    priced = f"; their mean cost is {formats.cost(found.cost)}" if found.cost is not None else ""
    caption = f"What the answers broke before the solver made them feasible{priced}"
    yield listing(columns, rows, caption, "Before the repair")


def _reviews(row: Row) -> Iterator[Context]:
    if row.entry is not None and row.entry.reviews:
        rows = [[one.by, one.date, one.finding, one.note] for one in row.entry.reviews.values()]
        columns = dict.fromkeys(("by", "date", "finding", "note"), "text")
        yield listing(columns, rows, "What others found", "Reviews")
