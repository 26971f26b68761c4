"""`mincache explain`."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from mincache.cli.completion import INSTANCE
from mincache.cli.options import (
    COUNT,
    FOLDER,
    PICTURE,
    SECONDS,
    FilePath,
    find_instance,
    machine_output,
    prepare,
    read_input,
    solver_option,
)
from mincache.cli.terminal import TerminalTable, answer, tracked, waiting
from mincache.errors import InputError, in_file

if TYPE_CHECKING:
    from mincache.analysis.explanation import Explanation
    from mincache.exact import Optimum
    from mincache.generation.suites import Suite
    from mincache.judging.records import Record
    from mincache.problem.instance import Instance

_MOST_MODELS = 8
"""Models that lose most, of those shown."""


class Explained(NamedTuple):
    """An answer of a campaign explained, or the means over several of one solver.

    Attributes:
        solver: what gave it.
        cost: the evaluator's.
        optimum: the best one's.
        proven: whether that is the proven optimum.
        parts: the gap by part.
        answers: how many there are.
    """

    solver: str
    cost: float
    optimum: float
    proven: bool
    parts: dict[str, float]
    answers: int = 1


@click.command()
@click.argument("target", metavar="INSTANCE|FOLDER", type=INSTANCE)
@click.argument("solution", required=False, type=FilePath("file", dir_okay=False, dash=True))
@solver_option("Solver of the campaign  [default: all]")
@click.option("--suite", type=FOLDER, help="Folder of the campaign's suite, if it is not a standard one.")
@click.option(
    "--slots", type=COUNT, default=5, show_default=True, help="How many of the worst slots to show."
)
@click.option("--time-limit", type=SECONDS, default=60.0, show_default=True,
              help="Seconds to find the optimum of an instance.")  # fmt: skip
@click.option("-o", "--output", type=PICTURE, help="Draw the parts, as .svg or .png.")
@machine_output("an object; for a campaign an array with an object a solver", csv=True)
def explain(
    target: str, solution: Path | None, solvers: tuple[str, ...], suite: Path | None, slots: int,
    time_limit: float, output: Path | None, form: str | None,
) -> None:  # fmt: skip
    """Show why an answer costs more than the optimum: by decision, by slot and by model.

    Give an instance and a solution file, or the folder of a campaign alone. The command exchanges one
    decision after the other for the best given the rest: first the bandwidth shares, then the steps, then the
    cache. Loading and floor are what these rules cost more with the answer's cache than with the optimum's.
    The parts add up to the gap.

    \b
    mincache solve smoke-v1.l0.n10.t0 --solver lru -o - | mincache explain smoke-v1.l0.n10.t0 -
    """  # noqa: D301  # \b is click's mark for a block to be left as it is
    if output is not None:
        prepare(output)
    rows: list[tuple[int | str, dict[str, float]]] = []
    if solution is None:
        explained = _campaign(Path(target), solvers, str(suite or ""), time_limit)
        _tell_solvers(explained, form)
        rows += [(one.solver, one.parts) for one in _means(explained)]
    elif solvers:
        raise InputError(
            "--solver", "must name a solver of a campaign", "a solution", "leave one of them out"
        )
    else:
        found = _one(target, solution, time_limit)
        _tell_one(found, slots, form)
        lost = found.by_slot.items()
        rows += [(t, {part: float(values[t]) for part, values in lost}) for t in range(len(found.best.cache))]
    if output is not None:
        from mincache.site.drawing import write
        from mincache.site.pictures import explanation_chart

        write(explanation_chart(rows, "solver" if solution is None else "slot"), output)
        click.echo(f"picture in {output}", err=True)


def _one(target: str, path: Path, time_limit: float) -> Explanation:
    from mincache.analysis import explanation
    from mincache.files.documents import parse_solution
    from mincache.generation import suites

    instance = find_instance(target)
    listed = suites.listed(instance)
    with in_file(path):
        given = parse_solution(read_input(path))
        given.check_answers(instance)
        with waiting(f"solving {instance.name}"):
            best = _best(None if listed is None else listed[0], instance, time_limit)
        return explanation.explain(instance, given, best)


def _best(suite: Suite | None, instance: Instance, time_limit: float) -> Optimum:
    """Return the best answer there is: what the exact method finds, or what the suite has."""
    from mincache.analysis.explanation import best_answer
    from mincache.files.documents import read_solution
    from mincache.generation.suite_checks import SOLUTIONS

    known = None
    if suite is not None and SOLUTIONS.path(suite, instance.name).is_file():
        known = read_solution(SOLUTIONS.path(suite, instance.name))
    return best_answer(instance, time_limit, known)


def _campaign(folder: Path, solvers: tuple[str, ...], suite: str, time_limit: float) -> list[Explained]:
    """Return every stored answer of a campaign explained, the best answer found once an instance."""
    from mincache.analysis.explanation import explain as explain_answer
    from mincache.board.entries import find_suite
    from mincache.files.documents import read_solution
    from mincache.judging import journal

    if not folder.is_dir():
        raise InputError("campaign", "must be a folder, or come with a solution", str(folder))
    bests: dict[str, Optimum] = {}
    explained = []
    records = _chosen(journal.read(folder), solvers)
    for record in tracked(records, "explaining", total=len(records)):
        cell = record.cell
        found = find_suite(cell.suite, suite)
        if found is None:
            raise InputError("--suite", "must be the folder of the suite", "none", f"that of {cell.suite}")
        instance = found.read(cell.instance)
        if cell.instance not in bests:
            bests[cell.instance] = _best(found, instance, time_limit)
        path = folder / journal.SOLUTIONS_FOLDER / f"{record.solution_sha256}.json.gz"
        told = explain_answer(instance, read_solution(path), bests[cell.instance])
        explained.append(Explained(cell.solver, told.cost, told.optimum, told.proven, told.parts))
    return explained


def _chosen(records: list[Record], solvers: tuple[str, ...]) -> list[Record]:
    """Return the records with a verified answer of these solvers, or of all, instance by instance."""
    from mincache.errors import did_you_mean

    answered = [one for one in records if one.verdict == "verified" and one.solution_sha256]
    names = {one.cell.solver for one in answered}
    if not names:
        raise InputError("campaign", "must hold a verified answer", "none")
    for wanted in solvers:
        if wanted not in names:
            raise InputError("--solver", "must have a verified answer", wanted, did_you_mean(wanted, names))
    chosen = [one for one in answered if not solvers or one.cell.solver in solvers]
    return sorted(chosen, key=lambda one: (one.cell.instance, one.cell.repetition))


def _means(explained: list[Explained]) -> list[Explained]:
    """Return the means over the answers of each solver, the least gap first."""
    means = []
    for solver in dict.fromkeys(one.solver for one in explained):
        own = [one for one in explained if one.solver == solver]
        parts = {part: fmean(one.parts[part] for one in own) for part in own[0].parts}
        cost, optimum = fmean(one.cost for one in own), fmean(one.optimum for one in own)
        means.append(Explained(solver, cost, optimum, all(one.proven for one in own), parts, len(own)))
    return sorted(means, key=lambda one: one.cost - one.optimum)


def _tell_solvers(explained: list[Explained], form: str | None) -> None:
    """Print a line a solver: the gap and its parts, as means over its answers."""
    means = _means(explained)
    rows = [
        [one.solver, str(one.answers), f"{one.cost:.4f}", _percent(one.cost - one.optimum, one.optimum)]
        + [_percent(lost, one.optimum) for lost in one.parts.values()]
        for one in means
    ]
    titles = ["solver", "answers", "mean cost", "gap", *means[0].parts]
    table = TerminalTable(
        titles, "l" + "r" * (len(titles) - 1), rows, caption=_against(means), more="--csv or --json"
    )
    flat = [{k: v for k, v in one._asdict().items() if k != "parts"} | one.parts for one in means]
    answer(form, [one._asdict() for one in means], table, rows=flat)


def _against(explained: list[Explained]) -> str:
    if all(one.proven for one in explained):
        return "against the proven optima, as means over the answers"
    return "against the best known answers, which are not all proven optimal, as means over the answers"


def _tell_one(found: Explanation, slots: int, form: str | None) -> None:
    """Print the parts of one answer's gap, its worst slots and the models that lose most."""
    against = "the proven optimum" if found.proven else "the best known answer"
    line = (
        f"{found.instance.name}: cost {found.cost:.6f} against {found.optimum:.6f} of {against}, "
        f"{_percent(found.gap, found.optimum)} more"
    )
    rows = [[part, f"{cost:.6f}", _percent(cost, found.optimum)] for part, cost in found.parts.items()]
    rows += [[], ["gap", f"{found.gap:.6f}", _percent(found.gap, found.optimum)]]
    lost = {part: values for part, values in found.by_slot.items() if values.any()}
    worst = [
        [str(t), *(f"{values[t]:.4f}" for values in lost.values()), found.difference(t)]
        for t in found.worst_slots(slots)
    ]
    tables = [TerminalTable(("part", "cost", "of the optimum"), "lrr", rows)]
    if worst:
        titles = ("slot", *lost, "what differs")
        tables.append(TerminalTable(titles, "r" * (len(titles) - 1) + "t", worst, title="the worst slots"))
        tables.append(_model_table(found))
    answer(
        form,
        _as_document(found),
        line,
        *tables,
        rows=[{"part": k, "cost": v} for k, v in found.parts.items()],
    )


def _model_table(found: Explanation) -> TerminalTable:
    from mincache.problem.requests import demand

    order = sorted(range(len(found.by_model)), key=lambda m: -abs(found.by_model[m]))[:_MOST_MODELS]
    requests = demand(found.instance).sum(axis=0)
    rows = [
        [str(m), f"{found.instance.models.size_gb[m]:.3g}", str(requests[m]),
         *(str(int(one.cache[:, m].sum())) for one in (found.answer, found.best)), f"{found.by_model[m]:.6f}"]
        for m in order
    ]  # fmt: skip
    titles = ("model", "size GB", "requests", "slots cached", "in the optimum", "regret")
    return TerminalTable(titles, "rrrrrr", rows, title="the models whose requests lose or gain most")


def _as_document(found: Explanation) -> dict[str, Any]:
    """Return an explanation as a JSON object; all numbers are in units of the cost."""
    return {
        "instance": found.instance.name,
        "cost": found.cost,
        "optimum": found.optimum,
        "proven": found.proven,
        "parts": found.parts,
        "slots": {part: lost.tolist() for part, lost in found.by_slot.items()},
        "models": found.by_model.tolist(),
    }


def _percent(value: float, of: float) -> str:
    return f"{value / of:z.3%}" if of else f"{value:z.6f}"
