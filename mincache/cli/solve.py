"""`mincache solve`, `mincache score` and `mincache certify`."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import click

import mincache
from mincache import certificate as certificates
from mincache.bench import executors, plan, supervisor
from mincache.bench import limits as bench_limits
from mincache.cli import options
from mincache.cli.completion import INSTANCE, SOLVER
from mincache.cli.terminal import answer, form, say, waiting, warn
from mincache.errors import in_file
from mincache.files import documents
from mincache.judging import judge
from mincache.problem import evaluation as problem_evaluation
from mincache.solving import entrant as solving_entrant

_TOLD = {"stop_reason", "claim", "verdict", "reason", "bound", "start_s", "solve_s", "wall_s", "cpu_s"}


@click.command()
@click.argument("instance", type=INSTANCE)
@click.option("--solver", required=True, type=SOLVER,
              help="NAME, NAME[PARAMETER=VALUE,...] or FILE.py:CLASS.")  # fmt: skip
@options.limit_options(None)
@click.option("--seed", type=options.SEED, default=0, help="Repetition that draws the random numbers.")
@click.option("-o", "--output", type=options.SOLUTION_FILE,
              help="Write the solution here (.json or .json.gz); `-` is standard output.")  # fmt: skip
@options.machine_output("an object")
def solve(instance: str, solver: str, limits: bench_limits.Limits, seed: int, output: Path | None) -> None:
    """Solve INSTANCE with one solver, and show the score of its answer.

    INSTANCE is a file, the name of a standard instance, or `-` for standard input. The solver runs in a
    child process, as in a campaign. Exit code 0 if its answer is feasible, 1 if not or if there is none.
    """
    if form() and output == options.STANDARD:
        raise mincache.InputError("--output", "must be a file with --json", "`-`", "leave out one of the two")
    judged = _attempt(instance, solver, limits, seed, output)
    record, document, evaluation = judged.record, judged.document, judged.evaluation
    answered = evaluation is not None and document is not None
    lines = f"{record.verdict} ({record.stop_reason}): {record.reason}"
    if document is not None and evaluation is not None:
        if output is not None:
            options.write_output(output, document)
        told = f"run                 {record.stop_reason}, {record.claim}, {record.verdict} {record.reason}"
        lines = f"{_as_text(evaluation)}\n{told}".rstrip()
    if form():
        answer({
            "instance": record.cell.instance,
            "solver": record.cell.solver,
            **record.model_dump(mode="json", include=_TOLD),
            "score": None if evaluation is None else _as_document(evaluation),
            "solution": str(output) if answered and output else None,
        })  # fmt: skip
    else:
        say(lines, err=output == options.STANDARD or not answered)
    sys.exit(0 if answered and record.passed else 1)


def _attempt(
    instance: str, solver: str, limits: bench_limits.Limits, seed: int, output: Path | None
) -> judge.Judged:
    """Run the solver in a child process."""
    document = options.instance_document(instance)
    with in_file(instance):
        name = documents.parse_instance(document).name
    outside = options.is_stream(instance) or Path(instance).exists()
    suite = "-" if outside else name.partition(".")[0]
    with waiting(f"solving {name}"), supervisor.Supervisor(limits.threads, pin=False) as keeper:
        entrant = supervisor.describe(solving_entrant.absolute(solver), keeper, limits)
        if entrant.warning:
            warn(entrant.warning)
        task = plan.task(suite, Path(), name, documents.digest(document), entrant, seed, limits)
        if output is not None:
            options.prepare(output)
        return executors.attempt(task, document, keeper)


@click.command()
@click.argument("instance", type=INSTANCE)
@click.argument("solution", type=options.INPUT_FILE)
@options.machine_output("an object")
def score(instance: str, solution: Path) -> None:
    """Score the solution in FILE on INSTANCE, a file or the name of a standard instance.

    `-` stands for standard input, in place of one of them. Exit code 0 if the solution is feasible, 1 if
    not, 2 if a file cannot be read.
    """
    if instance == "-" == str(solution):
        raise mincache.InputError("FILE", "must not be `-` where INSTANCE is")
    problem = options.find_instance(instance)
    with in_file(solution):
        evaluation = mincache.evaluate(problem, documents.parse_solution(options.read_input(solution)))
    answer(_as_document(evaluation), _as_text(evaluation), failed=not evaluation.feasible)


def _as_document(evaluation: mincache.Evaluation) -> dict[str, Any]:
    """Return an evaluation as the JSON object that `score --json` prints; numbers not finite are null."""
    numbers = {name: value for name, value in vars(evaluation).items() if isinstance(value, float)}
    return {
        "instance": evaluation.instance, "feasible": evaluation.feasible,
        **{name: value if math.isfinite(value) else None for name, value in numbers.items()},
        "violations": [violation._asdict() for violation in evaluation.violations],
        "evaluator_version": problem_evaluation.EVALUATOR_VERSION,
    }  # fmt: skip


def _as_text(evaluation: mincache.Evaluation) -> str:
    """Return an evaluation as `score` prints it, a line a number."""
    delay = (
        f"upload {evaluation.mean_upload_s:.4g}, download {evaluation.mean_download_s:.4g}, "
        f"backhaul {evaluation.mean_backhaul_s:.4g}, generation {evaluation.mean_generation_s:.4g}"
    )
    if evaluation.mean_loading_s:
        delay += f", loading {evaluation.mean_loading_s:.4g}"
    lines = {
        "instance": evaluation.instance,
        "feasible": "yes" if evaluation.feasible else "no",
        "cost": f"{evaluation.cost:.10g}",
        "hit ratio": f"{evaluation.hit_ratio:.4f}",
        "mean delay": f"{evaluation.mean_delay_s:.6g} s  ({delay})",
        "mean TV": f"{evaluation.mean_tv:.6g}",
        "hits at or below A1": f"{evaluation.low_step_hit_share:.4f}" if evaluation.hit_ratio else "no hits",
    }
    broken = (
        f"{one.constraint} in slot {one.slot}, excess {one.excess:.6g}" for one in evaluation.violations
    )
    shown = [*lines.items(), *(("violation", text) for text in broken)]
    return "\n".join(f"{name:20}{text}" for name, text in shown)


@click.command()
@click.argument("instance", type=INSTANCE)
@click.argument("certificate", required=False, type=options.FilePath("certificate", dir_okay=False))
@click.argument("solution", required=False, type=options.FilePath("solution", dir_okay=False))
@click.option("--check", "checking", is_flag=True, help="Check CERTIFICATE instead of writing one.")
@click.option("-o", "--output", type=options.FILE, help="Write the certificate here.")
@click.option("--time-limit", type=options.SECONDS, help="Time to write a proof.  [default: none]")
@options.machine_output("an object")
def certify(
    instance: str, certificate: Path | None, solution: Path | None, checking: bool, output: Path | None,
    time_limit: float | None,
) -> None:  # fmt: skip
    """Prove that no solution of INSTANCE (a file or a standard name) costs less than a bound.

    With --check, code that shares nothing with the solver verifies CERTIFICATE in exact arithmetic. If you
    add SOLUTION, it must be proven optimal. Exit code 1 if the proof fails.
    """
    document = options.instance_document(instance)
    if checking:
        if certificate is None:
            raise click.UsageError("CERTIFICATE: must be given with --check")
        if output is not None or time_limit is not None:
            raise click.UsageError("--check: must come without --output and --time-limit")
        paths = [certificate] if solution is None else [certificate, solution]
        with in_file(" ".join(map(str, paths))), waiting("checking"):
            proof = documents.read_bytes(certificate, documents.MAX_PROOF_BYTES)
            verdict = certificates.check(document, proof, *map(documents.read_bytes, paths[1:]))
        answer(verdict._asdict(), *verdict.sentences, failed=not verdict.accepted)
        return
    if output is None or certificate is not None:
        raise click.UsageError("use -o FILE to write a certificate, or --check to verify one")
    options.prepare(output)
    budget = mincache.Budget(math.inf if time_limit is None else time_limit)
    with waiting("proving"):
        data = certificates.certify(document, remaining=budget.remaining)
    options.write_output(output, data)
    bound = json.loads(data)["bound"]  # a large proof has more values than documents from outside may
    answer({"certificate": str(output), "bound": bound}, f"{output}: no solution costs less than {bound!r}")
