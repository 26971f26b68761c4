"""`mincache solve`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.completion import instance_names, solver_names
from mincache.cli.options import FILE, SECONDS, json_option, limit_options, limits_of
from mincache.cli.terminal import print_json, waiting

if TYPE_CHECKING:
    from mincache.bench.judge import Judged


@click.command()
@click.argument("instance", shell_complete=instance_names)
@click.option("--solver", required=True, metavar="SPEC", shell_complete=solver_names,
              help="NAME, NAME[PARAMETER=VALUE,...] or FILE.py:CLASS.")  # fmt: skip
@click.option("--time-limit", type=SECONDS, help="Seconds to solve.  [default: none]")
@limit_options
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="Which repetition's random stream.")  # fmt: skip
@click.option("-o", "--output", type=FILE, required=True,
              metavar="FILE", help="Where the solution goes, .json or .json.gz.")  # fmt: skip
@json_option()
def solve(instance: str, solver: str, seed: int, output: Path, as_json: bool, **limiting: Any) -> None:
    """Answer INSTANCE (a file, or an instance of a standard suite) with one solver.

    It runs in a child process, as in a campaign, and the evaluator prices the answer. Exit code 0 if that
    is feasible, 1 if not or if there is none.
    """
    from mincache.bench import plan
    from mincache.bench.describing import describe
    from mincache.bench.entrant import absolute
    from mincache.bench.executors import attempt
    from mincache.bench.supervisor import Supervisor

    limits = limits_of(**limiting)
    suite, name, path, sha256 = _find_instance(instance)
    with waiting(f"solving {name}"), Supervisor(limits.threads, pin=False) as keeper:
        entrant = describe(absolute(solver), keeper, limits.startup_s)
        task = plan.task(suite, path, name, sha256, entrant, seed, limits)
        judged = attempt(task, task.read(), keeper)
    _conclude(judged, output, as_json)


def _find_instance(name_or_file: str) -> tuple[str, str, Path, str]:
    """Return the suite, name, file and hash of an instance."""
    from mincache.files.documents import digest, read_bytes
    from mincache.generation import suites

    instance = suites.find_instance(name_or_file)
    if Path(name_or_file).exists():
        return "-", instance.name, Path(name_or_file).resolve(), digest(read_bytes(name_or_file))
    suite = suites.find(name_or_file.partition(".")[0])
    return suite.name, instance.name, suite.path(instance.name), suite.entries[instance.name].sha256


def _conclude(judged: Judged, output: Path, as_json: bool) -> None:
    from mincache.cli.score import as_text
    from mincache.files.documents import parse_solution, write_solution

    record = judged.record
    answered = judged.evaluation is not None and judged.document is not None
    if judged.document is not None and answered:
        write_solution(parse_solution(judged.document), output)
    if as_json:
        print_json(_as_document(judged, output if answered else None))
    elif judged.evaluation is not None and answered:
        click.echo(as_text(judged.evaluation))
        click.echo(
            f"run                 {record.stop_reason}, {record.claim}, {record.verdict} {record.reason}"
        )
    else:
        click.echo(f"{record.verdict} ({record.stop_reason}): {record.reason}", err=True)
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
