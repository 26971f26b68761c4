"""`mincache score`."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.completion import INSTANCE
from mincache.cli.options import FilePath, find_instance, machine_output, read_input
from mincache.cli.terminal import answer

if TYPE_CHECKING:
    from mincache.problem.evaluation import Evaluation


@click.command()
@click.argument("instance", type=INSTANCE)
@click.argument("solution", type=FilePath("file", dir_okay=False, dash=True))
@machine_output("an object")
def score(instance: str, solution: Path, form: str | None) -> None:
    """Score the solution in FILE on INSTANCE, a file or the name of a standard instance.

    `-` stands for standard input, in place of one of them. Exit code 0 if the solution is feasible, 1 if
    not, 2 if a file cannot be read.

    \b
    mincache solve smoke-v1.l0.n10.t0 --solver lru -o - | mincache score smoke-v1.l0.n10.t0 -
    """  # noqa: D301  # \b is click's mark for a block to be left as it is
    from mincache.errors import InputError, in_file
    from mincache.files.documents import parse_solution
    from mincache.problem.evaluation import evaluate

    if instance == "-" == str(solution):
        raise InputError("FILE", "must not be `-` where INSTANCE is")
    problem = find_instance(instance)
    with in_file(solution):
        evaluation = evaluate(problem, parse_solution(read_input(solution)))
    answer(form, as_document(evaluation), as_text(evaluation))
    sys.exit(0 if evaluation.feasible else 1)


def as_document(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as the JSON object that `score --json` prints; numbers not finite are null."""
    from mincache.problem.evaluation import EVALUATOR_VERSION

    numbers = {
        name: value if math.isfinite(value) else None
        for name, value in vars(evaluation).items()
        if isinstance(value, float)
    }
    return {
        "instance": evaluation.instance,
        "feasible": evaluation.feasible,
        **numbers,
        "violations": [violation._asdict() for violation in evaluation.violations],
        "evaluator_version": EVALUATOR_VERSION,
    }


def as_text(evaluation: Evaluation) -> str:
    """Return an evaluation as `score` prints it, a line a number."""
    delay = (
        f"upload {evaluation.mean_upload_s:.4g}, download {evaluation.mean_download_s:.4g}, "
        f"backhaul {evaluation.mean_backhaul_s:.4g}, generation {evaluation.mean_generation_s:.4g}"
    )
    if evaluation.mean_loading_s:
        delay += f", loading {evaluation.mean_loading_s:.4g}"
    lines = [
        f"instance            {evaluation.instance}",
        f"feasible            {'yes' if evaluation.feasible else 'no'}",
        f"cost                {evaluation.cost:.10g}",
        f"hit ratio           {evaluation.hit_ratio:.4f}",
        f"mean delay          {evaluation.mean_delay_s:.6g} s  ({delay})",
        f"mean TV             {evaluation.mean_tv:.6g}",
        f"hits at or below A1 {evaluation.low_step_hit_share:.4f}",
    ]
    lines += [
        f"violation           {v.constraint} in slot {v.slot}, excess {v.excess:.6g}"
        for v in evaluation.violations
    ]
    return "\n".join(lines)
