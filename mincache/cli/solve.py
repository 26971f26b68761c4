"""`mincache solve`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.completion import INSTANCE, SOLVER
from mincache.cli.options import (
    SECONDS,
    SEED,
    SOLUTION_FILE,
    STANDARD,
    is_stream,
    limit_options,
    limits_of,
    machine_output,
    prepare,
    read_input,
    write_output,
)  # fmt: skip
from mincache.cli.terminal import answer, waiting, warn

if TYPE_CHECKING:
    from mincache.judging.judge import Judged


@click.command()
@click.argument("instance", type=INSTANCE)
@click.option("--solver", required=True, type=SOLVER,
              help="NAME, NAME[PARAMETER=VALUE,...] or FILE.py:CLASS.")  # fmt: skip
@click.option("--time-limit", type=SECONDS, help="Time to solve.  [default: none]")
@limit_options
@click.option(
    "--seed", type=SEED, default=0, show_default=True, help="Repetition that draws the random numbers."
)
@click.option("-o", "--output", type=SOLUTION_FILE,
              help="Write the solution here (.json or .json.gz); `-` is standard output.")  # fmt: skip
@machine_output("an object")
def solve(
    instance: str, solver: str, seed: int, output: Path | None, form: str | None, **limiting: Any
) -> None:
    """Solve INSTANCE with one solver, and show the score of its answer.

    INSTANCE is a file, the name of a standard instance, or `-` for standard input. The solver runs in a
    child process, as in a campaign. Exit code 0 if its answer is feasible, 1 if not or if there is none.
    """
    from mincache.bench import plan
    from mincache.bench.describing import describe
    from mincache.bench.executors import attempt
    from mincache.bench.supervisor import Supervisor
    from mincache.errors import InputError
    from mincache.solving.entrant import absolute

    if form is not None and output == STANDARD:
        raise InputError("--output", "must be a file with --json", "`-`", "leave out one of the two")
    limits = limits_of(**limiting)
    with (
        _found(instance) as (suite, name, path, sha256),
        waiting(f"solving {name}"),
        Supervisor(limits.threads, pin=False) as keeper,
    ):
        entrant = describe(absolute(solver), keeper, limits)
        if entrant.unknown:
            warn(f"{entrant.label} did not load ({entrant.unknown})")
        task = plan.task(suite, path, name, sha256, entrant, seed, limits)
        if output is not None:
            prepare(output)
        judged = attempt(task, task.read(), keeper)
    _conclude(judged, output, form)


@contextmanager
def _found(name_or_file: str) -> Iterator[tuple[str, str, Path, str]]:
    """Give the suite, name, file and hash of an instance; one that is piped in gets a file meanwhile."""
    from mincache.errors import in_file
    from mincache.files.documents import digest, parse_instance, read_bytes, write_bytes
    from mincache.generation import suites

    if is_stream(name_or_file):
        document = read_input(name_or_file)
        with in_file(name_or_file):
            name = parse_instance(document).name
        with TemporaryDirectory() as folder:
            path = Path(folder, "instance.json")
            write_bytes(path, document)
            yield "-", name, path, digest(document)
        return
    name = suites.find_instance(name_or_file).name
    if Path(name_or_file).exists():
        yield "-", name, Path(name_or_file).resolve(), digest(read_bytes(name_or_file))
        return
    suite = suites.find(name_or_file.partition(".")[0])
    yield suite.name, name, suite.path(name), suite.entries[name].sha256


def _conclude(judged: Judged, output: Path | None, form: str | None) -> None:
    from mincache.cli.score import as_text
    from mincache.files.documents import parse_solution, solution_bytes

    record, document, evaluation = judged.record, judged.document, judged.evaluation
    answered = evaluation is not None and document is not None
    if document is not None and evaluation is not None:
        if output is not None:
            write_output(output, solution_bytes(parse_solution(document)))
        told = f"run                 {record.stop_reason}, {record.claim}, {record.verdict} {record.reason}"
        lines = f"{as_text(evaluation)}\n{told}".rstrip()
    else:
        lines = f"{record.verdict} ({record.stop_reason}): {record.reason}"
    if form is None:
        click.echo(lines, err=output == STANDARD or not answered)
    else:
        answer(form, _as_document(judged, output if answered else None))
    sys.exit(0 if answered and record.passed else 1)


def _as_document(judged: Judged, solution: Path | None) -> dict[str, Any]:
    from mincache.cli.score import as_document

    told = {"stop_reason", "claim", "verdict", "reason", "bound", "start_s", "solve_s", "wall_s", "cpu_s"}
    return {
        "instance": judged.record.cell.instance,
        "solver": judged.record.cell.solver,
        **judged.record.model_dump(mode="json", include=told),
        "score": None if judged.evaluation is None else as_document(judged.evaluation),
        "solution": None if solution is None else str(solution),
    }
