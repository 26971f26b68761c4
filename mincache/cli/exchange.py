"""`mincache export` and `mincache import`: models for solvers outside, and their answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mincache.cli.completion import instance_names
from mincache.cli.terminal import waiting

_FORMATS = ["nl", "gms", "lp", "mps"]
_FORMULATIONS = ["exact", "piecewise", "relaxed"]


@click.command()
@click.argument("instance", shell_complete=instance_names)
@click.option("--slot", type=click.IntRange(min=0), help="Export this slot alone, counted from 0.")
@click.option("--format", "file_format", type=click.Choice(_FORMATS), required=True, help="Kind of file.")
@click.option(
    "--formulation",
    type=click.Choice(_FORMULATIONS),
    help="Default: exact; piecewise for lp and mps, which are linear.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder for the files.")
def export(instance: str, slot: int | None, file_format: Any, formulation: Any, output: Path) -> None:
    """Write INSTANCE (a file, or the name of a standard instance) as a model for outside solvers.

    The folder also gets the instance exported and a map of the model's names.

    \b
    mincache export paper-v1.l0.n10.t0 --slot 3 --format lp -o slot-3
    highs slot-3/paper-v1.l0.n10.t0.slot-3.lp --solution_file slot-3/highs.sol
    mincache import slot-3 slot-3/highs.sol -o slot-3/solution.json
    mincache score slot-3/instance.json slot-3/solution.json
    """  # noqa: D301  # \b is click's mark for a block to be left as it is
    from mincache.algebra.model_answers import INSTANCE_FILE, NAMES_FILE
    from mincache.errors import InputError
    from mincache.generation.suites import find_instance
    from mincache.solving.registry import missing_extra

    problem = find_instance(instance)
    if slot is not None:
        if slot >= problem.slot_count:
            raise InputError("--slot", f"must be < T = {problem.slot_count}", str(slot))
        if problem.rules.link_slots:
            rule, advice = "must be left out where rules link slots", "export the whole instance"
            raise InputError("--slot", rule, ", ".join(problem.used_rules), advice)
        problem = problem.slot(slot)
    try:
        from mincache.algebra import model_files
    except ModuleNotFoundError as error:
        raise missing_extra("export", error) from None
    with waiting(f"writing the model of {problem.name}"):
        path = model_files.export(problem, output, file_format, formulation)
    click.echo(f"{path}, with {NAMES_FILE} and {INSTANCE_FILE}")


@click.command(name="import")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("answer", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Solution file; default: FOLDER/solution.json."
)
def import_(folder: Path, answer: Path, output: Path | None) -> None:
    """Turn an outside solver's ANSWER to the model in FOLDER into a solution.

    ANSWER is a .sol file (SCIP, HiGHS, Gurobi, CBC, AMPL), GLPK's printable one, or any table of names and
    values. What it claims to cost is shown beside what it costs.
    """
    from mincache.algebra.model_answers import INSTANCE_FILE, read_answer, read_claims
    from mincache.algebra.parts import agrees
    from mincache.files.documents import read_instance, write_solution
    from mincache.problem.evaluation import evaluate

    path = output or folder / "solution.json"
    solution = read_answer(folder, answer)
    claims = read_claims(folder, answer)
    write_solution(solution, path)
    click.echo(str(path))
    cost = evaluate(read_instance(folder / INSTANCE_FILE), solution).cost
    claimed = "no cost" if claims.cost is None else f"the cost {claims.cost:.10g}"
    status = f", status {claims.status[:40]!r}" if claims.status else ""
    click.echo(f"it claims {claimed}{status}; it costs {cost:.10g}")
    if "infeasible" in claims.status.lower():
        click.echo("warning: its status is not that of an answer", err=True)
    if not claims.bandwidth:
        click.echo("warning: it gives no user any bandwidth; was the answer cut off?", err=True)
    if claims.cost is not None and not agrees(claims.cost, cost):
        click.echo("warning: what it claims to cost is not what it costs", err=True)
