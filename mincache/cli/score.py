"""`mincache score`."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.completion import instance_names
from mincache.cli.options import json_option
from mincache.cli.terminal import print_json

if TYPE_CHECKING:
    from mincache.problem.evaluation import Evaluation


@click.command()
@click.argument("instance", shell_complete=instance_names)
@click.argument("solution", type=click.Path())
@json_option()
def score(instance: str, solution: str, as_json: bool) -> None:
    """Score SOLUTION (a file) on INSTANCE (a file, or the name of a standard instance).

    Exit code 0 if the solution is feasible, 1 if not, 2 if a file is unreadable or malformed.
    """
    from mincache.errors import in_file
    from mincache.files.documents import read_solution
    from mincache.generation.suites import find_instance
    from mincache.problem.evaluation import evaluate

    problem, answer = find_instance(instance), read_solution(solution)
    with in_file(solution):
        evaluation = evaluate(problem, answer)
    if as_json:
        print_json(as_document(evaluation))
    else:
        click.echo(as_text(evaluation))
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
