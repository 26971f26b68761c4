"""`mincache explain`."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import Any

import click

import mincache
from mincache import exact
from mincache.analysis import explanation
from mincache.board import entries
from mincache.cli import options
from mincache.cli.completion import INSTANCE
from mincache.cli.terminal import TerminalTable, answer, tracked, waiting
from mincache.errors import InputError, did_you_mean, in_file
from mincache.files import documents
from mincache.generation import suite_checks, suites
from mincache.judging import journal, records
from mincache.problem import requests
from mincache.site import pictures

_MOST_MODELS = 8
"""Models that lose most, of those shown."""


@click.command()
@click.argument("target", metavar="INSTANCE|FOLDER", type=INSTANCE)
@click.argument("solution", required=False, type=options.INPUT_FILE)
@options.solver_option("Solver of the campaign  [default: all]")
@click.option("--suite", type=options.FOLDER,
              help="Folder of the campaign's suite, if it is not a standard one.")  # fmt: skip
@click.option("--slots", type=options.COUNT, default=5, help="How many of the worst slots to show.")
@click.option("--time-limit", type=options.SECONDS, default=60.0,
              help="Seconds to find the optimum of an instance.")  # fmt: skip
@click.option("-o", "--output", type=options.PICTURE, help="Draw the parts, as .svg or .png.")
@options.machine_output("an object; for a campaign an array with an object a solver", csv=True)
def explain(
    target: str, solution: Path | None, solvers: tuple[str, ...], suite: Path | None, slots: int,
    time_limit: float, output: Path | None,
) -> None:  # fmt: skip
    """Show why an answer costs more than the optimum: by decision, by slot and by model.

    Give an instance and a solution file, or the folder of a campaign alone. The command exchanges one
    decision after the other for the best given the rest: first the bandwidth shares, then the steps, then the
    cache. Loading and floor are what these rules cost more with the answer's cache than with the optimum's.
    The parts add up to the gap.
    """
    if output is not None:
        options.prepare(output)
    rows: list[tuple[int | str, dict[str, float]]]
    if solution is None:
        means = _means(Path(target), solvers, str(suite or ""), time_limit)
        _answer_solvers(means)
        rows = [(one["solver"], one["parts"]) for one in means]
    elif solvers:
        rule = "must name a solver of a campaign"
        raise InputError("--solver", rule, "a solution", "leave one of them out")
    else:
        found = _one(target, solution, time_limit)
        _answer_one(found, slots)
        lost = found.by_slot.items()
        rows = [(t, {part: float(values[t]) for part, values in lost}) for t in range(len(found.best.cache))]
    if output is not None:
        what = "solver" if solution is None else "slot"
        options.write_picture(pictures.explanation_chart(rows, what), output)


def _one(target: str, path: Path, time_limit: float) -> mincache.Explanation:
    instance = options.find_instance(target)
    listed = suites.listed(instance)
    with in_file(path):
        given = documents.parse_solution(options.read_input(path))
        given.check_answers(instance)
        with waiting(f"solving {instance.name}"):
            best = _best(None if listed is None else listed[0], instance, time_limit)
        return mincache.explain(instance, given, best)


def _best(suite: mincache.Suite | None, instance: mincache.Instance, time_limit: float) -> exact.Optimum:
    """Return the best answer there is: what the exact method finds, or what the suite has."""
    path = None if suite is None else suite_checks.SOLUTIONS.path(suite, instance.name)
    known = mincache.read_solution(path) if path is not None and path.is_file() else None
    return explanation.best_answer(instance, time_limit, known)


def _means(folder: Path, solvers: tuple[str, ...], suite: str, time_limit: float) -> list[dict[str, Any]]:
    """Return the means over the answers of each solver of a campaign, the least gap first."""
    explained: dict[str, list[mincache.Explanation]] = {}
    answered = _answered(folder, solvers)
    bests: dict[str, exact.Optimum] = {}  # found once an instance
    for record in tracked(answered, "explaining", total=len(answered)):
        cell, found = record.cell, entries.find_suite(record.cell.suite, suite)
        if found is None:
            raise InputError("--suite", "must be the folder of the suite", "none", f"that of {cell.suite}")
        instance = found.read(cell.instance)
        if instance.name not in bests:
            bests[instance.name] = _best(found, instance, time_limit)
        given = documents.parse_solution(journal.document(folder, record.solution_sha256 or ""))
        told = mincache.explain(instance, given, bests[instance.name])
        explained.setdefault(cell.solver, []).append(told)
    means = []
    for solver, own in explained.items():
        cost, optimum = (fmean(getattr(one, field) for one in own) for field in ("cost", "optimum"))
        parts = {part: fmean(one.parts[part] for one in own) for part in own[0].parts}
        proven = all(one.proven for one in own)
        means.append({"solver": solver, "cost": cost, "optimum": optimum, "proven": proven,
                      "parts": parts, "answers": len(own)})  # fmt: skip
    return sorted(means, key=lambda one: one["cost"] - one["optimum"])


def _answered(folder: Path, solvers: tuple[str, ...]) -> list[records.Record]:
    """Return the records with a verified answer of these solvers, or of all, instance by instance."""
    if not folder.is_dir():
        raise InputError("campaign", "must be a folder, or come with a solution", str(folder))
    answered = [one for one in journal.read(folder) if one.verdict == "verified" and one.solution_sha256]
    names = {one.cell.solver for one in answered}
    if not names:
        raise InputError("campaign", "must hold a verified answer", "none")
    for wanted in solvers:
        if wanted not in names:
            raise InputError("--solver", "must have a verified answer", wanted, did_you_mean(wanted, names))
    chosen = [one for one in answered if not solvers or one.cell.solver in solvers]
    return sorted(chosen, key=lambda one: (one.cell.instance, one.cell.repetition))


def _answer_solvers(means: list[dict[str, Any]]) -> None:
    """Print a line a solver: the gap and its parts, as means over its answers."""
    proven = all(one["proven"] for one in means)
    against = "the proven optima" if proven else "the best known answers, which are not all proven optimal"
    rows = [
        [one["solver"], str(one["answers"]), f"{one['cost']:.4f}"]
        + [_percent(lost, one["optimum"]) for lost in (one["cost"] - one["optimum"], *one["parts"].values())]
        for one in means
    ]
    columns = {"solver": "l", **dict.fromkeys(["answers", "mean cost", "gap", *means[0]["parts"]], "r")}
    caption = f"against {against}, as means over the answers"
    flat = [{k: v for k, v in one.items() if k != "parts"} | one["parts"] for one in means]
    answer(means, TerminalTable(columns, rows, caption=caption, more="--csv or --json"), rows=flat)


def _answer_one(found: mincache.Explanation, slots: int) -> None:
    """Print the parts of one answer's gap, its worst slots and the models that lose most."""
    against = "the proven optimum" if found.proven else "the best known answer"
    line = f"{found.instance.name}: cost {found.cost:.6f} against {found.optimum:.6f} of {against}, "
    line += f"{_percent(found.gap, found.optimum)} more"
    rows = [[part, f"{cost:.6f}", _percent(cost, found.optimum)] for part, cost in found.parts.items()]
    rows += [[], ["gap", f"{found.gap:.6f}", _percent(found.gap, found.optimum)]]
    tables = [TerminalTable({"part": "l", "cost": "r", "of the optimum": "r"}, rows)]
    lost = {part: values for part, values in found.by_slot.items() if values.any()}
    worst = [
        [str(t), *(f"{values[t]:.4f}" for values in lost.values()), found.difference(t)]
        for t in found.worst_slots(slots)
    ]
    if worst:
        columns = {**dict.fromkeys(["slot", *lost], "r"), "what differs": "t"}
        tables += [TerminalTable(columns, worst, title="the worst slots"), _model_table(found)]
    fields = ("cost", "optimum", "proven", "parts")
    document = {"instance": found.instance.name} | {field: getattr(found, field) for field in fields}
    by_slot = {part: values.tolist() for part, values in found.by_slot.items()}
    document |= {"slots": by_slot, "models": found.by_model.tolist()}
    answer(document, line, *tables, rows=[{"part": k, "cost": v} for k, v in found.parts.items()])


def _model_table(found: mincache.Explanation) -> TerminalTable:
    order = sorted(range(len(found.by_model)), key=lambda m: -abs(found.by_model[m]))[:_MOST_MODELS]
    requested = requests.demand(found.instance).sum(axis=0)
    rows = [
        [str(m), f"{found.instance.models.size_gb[m]:.3g}", str(requested[m]),
         *(str(int(one.cache[:, m].sum())) for one in (found.answer, found.best)), f"{found.by_model[m]:.6f}"]
        for m in order
    ]  # fmt: skip
    titles = ("model", "size GB", "requests", "slots cached", "in the optimum", "regret")
    title = "the models whose requests lose or gain most"
    return TerminalTable(dict.fromkeys(titles, "r"), rows, title=title)


def _percent(value: float, of: float) -> str:
    return f"{value / of:z.3%}" if of else f"{value:z.6f}"
