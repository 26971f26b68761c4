"""`mincache export`, `import` and `schema`: models for solvers outside, their answers, and documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

import mincache
from mincache.algebra import model_files, parts
from mincache.cli import options
from mincache.cli.completion import INSTANCE
from mincache.cli.terminal import answer, form, waiting, warn
from mincache.errors import in_file
from mincache.files import documents
from mincache.problem import instance as problem_instance
from mincache.problem import quantity
from mincache.solving import registry


@click.command()
@click.argument("instance", type=INSTANCE)
@click.option("--slot", type=click.IntRange(min=0), help="Export one slot alone, counted from 0.")
@click.option("--format", "file_format", type=click.Choice(["nl", "gms", "lp", "mps"]), required=True,
              help="Kind of file.")  # fmt: skip
@click.option("--formulation", type=click.Choice(["exact", "piecewise", "relaxed"]),
              help="Form of the model.  [default: exact; piecewise for lp and mps]")  # fmt: skip
@options.folder_output("Folder for the files.")
@options.machine_output("an object")
def export(instance: str, slot: int | None, file_format: Any, formulation: Any, output: Path) -> None:
    """Write INSTANCE (a file, or a standard name) as a model for other solvers.

    The folder also gets the instance itself, and a map from the model's names to ours.
    """
    problem = options.find_instance(instance)
    if slot is not None:
        if slot >= problem.slot_count:
            raise mincache.InputError("--slot", f"must be < T = {problem.slot_count}", str(slot))
        if problem.rules.link_slots:
            rule, advice = "must be left out where rules link slots", "export the whole instance"
            raise mincache.InputError("--slot", rule, ", ".join(problem.used_rules), advice)
        problem = problem.slot(slot)
    try:
        with waiting(f"writing the model of {problem.name}"):
            path = model_files.export(problem, output, file_format, formulation)
    except ModuleNotFoundError as error:
        raise registry.missing_extra("export", error) from None
    names, stored = output / model_files.NAMES_FILE, output / model_files.INSTANCE_FILE
    found = {"model": str(path), "names": str(names), "instance": str(stored)}
    answer(found, f"{path}, with {names.name} and {stored.name}")


@click.command(name="import")
@click.argument("folder", type=options.FOLDER)
@click.argument("answered", type=options.INPUT_FILE)
@click.option("-o", "--output", type=options.SOLUTION_FILE,
              help="Solution file; `-` is standard output.  [default: FOLDER/solution.json]")  # fmt: skip
@options.machine_output("an object")
def import_(folder: Path, answered: Path, output: Path | None) -> None:
    """Turn another solver's answer in FILE to the model in FOLDER into a solution.

    FILE is a .sol file (SCIP, HiGHS, Gurobi, CBC, AMPL), GLPK's printable one, or any table of names and
    values; `-` stands for standard input. The command shows the cost that the answer claims, and the cost
    that it has.
    """
    if form() and output == options.STANDARD:
        raise click.UsageError("--json: must not share standard output with the solution; add -o FILE")
    with in_file(answered):
        data = options.read_input(answered)
    path = output or folder / "solution.json"
    solution, claims = model_files.read_answer(folder, answered, data)
    options.write_output(path, documents.solution_bytes(solution))
    cost = mincache.evaluate(mincache.read_instance(folder / model_files.INSTANCE_FILE), solution).cost
    claimed = "no cost" if claims.cost is None else f"the cost {claims.cost:.10g}"
    status = f", status {claims.status[:40]!r}" if claims.status else ""
    told = f"it claims {claimed}{status}; it costs {cost:.10g}"
    if path == options.STANDARD:
        warn(told)
    else:
        found = {"solution": str(path), "cost": cost, "claimed_cost": claims.cost, "status": claims.status}
        answer(found, f"{path}", told)
    if "infeasible" in claims.status.lower():
        warn("its status is not that of an answer")
    if not claims.bandwidth:
        warn("it gives no user any bandwidth; was the answer cut off?")
    if claims.cost is not None and not parts.agrees(claims.cost, cost):
        warn("what it claims to cost is not what it costs")


@click.command()
@click.argument("document", type=click.Choice(["instance", "solution", "symbols"]))
def schema(document: str) -> None:
    """Print the JSON Schema of the instance or the solution document, or the table of symbols.

    No schema can say that the shapes of arrays agree; reading a document checks that.
    """
    symbols = document == "symbols"
    click.echo(symbols_markdown() if symbols else json.dumps(documents.json_schema(document), indent=2))


def symbols_markdown() -> str:
    """Return the table of symbols: every quantity of both documents with symbol, unit, shape and range."""
    sections: dict[str, type] = {"": mincache.Instance}
    sections |= {f"{name}.": kind for name, kind in problem_instance.PARTS.items()}
    sections["solution: "] = mincache.Solution
    lines = ["| field | symbol | unit | range | meaning |", "|---|---|---|---|---|"]
    for prefix, kind in sections.items():
        for name, meaning in quantity.quantities(kind).items():
            field = f"{prefix}`{name}{meaning.brackets() if prefix else ''}`"
            cells = (field, meaning.symbol, meaning.unit, meaning.range_text(), meaning.about)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
