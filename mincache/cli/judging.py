"""`mincache judge`: one call that tells the author of a solver how good it is, and why it is not better."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from mincache.cli.completion import SOLVER, SUITE
from mincache.cli.options import COUNT, SECONDS, machine_output
from mincache.cli.terminal import TerminalTable, answer, waiting
from mincache.errors import MincacheError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mincache.bench.limits import Limits
    from mincache.generation.suites import Suite
    from mincache.judging.records import Record
    from mincache.solving.entrant import Entrant

_PARTS = ("caching", "steps", "bandwidth", "loading", "floor")


@dataclass(frozen=True)
class Stage:
    """A stage of the judgement.

    Attributes:
        stage: `loads`, `keeps the contract` or `answers`.
        passed: whether it did.
        seen: what was seen, in a sentence; "" if all went well.
        advice: what to do.
    """

    stage: str
    passed: bool
    seen: str = ""
    advice: str = ""


@dataclass(frozen=True)
class JudgedRun:
    """What came of one run.

    Attributes:
        instance: its name.
        repetition: which one.
        verdict: the bench's.
        reason: why there is no verified answer; "" if there is one.
        cost: of the answer; without one, that of caching nothing.
        gap: how far that is above the optimum, as a fraction of it.
        parts: by decision, what the answer costs more than the optimum, as a fraction of it.
        seconds: until the answer, loading included.
    """

    instance: str
    repetition: int
    verdict: str
    reason: str
    cost: float
    gap: float
    parts: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0


@click.command()
@click.argument("solver", type=SOLVER)
@click.option("--suite", type=SUITE, default="smoke-v1", show_default=True, help="Suite to answer.")
@click.option("--instances", multiple=True, metavar="PATTERN", help="Only instances whose names fit.")
@click.option("--seeds", type=COUNT, default=1, show_default=True,
              help="Repetitions of a randomised solver.")  # fmt: skip
@click.option("--time-limit", type=SECONDS, default=5.0, show_default=True, help="Time for a run to solve.")
@machine_output("an object")
def judge(
    solver: str, suite: str, instances: tuple[str, ...], seeds: int, time_limit: float, form: str | None
) -> None:
    """Tell how good SOLVER (FILE.py:CLASS or a name) is, and why it is not better.

    Three stages follow each other: it loads, it keeps the contract, it answers every instance of a suite,
    isolated. The score is the mean gap to the optimum, lower is better; a run without a verified answer
    counts as caching nothing. For each run the gap is split by decision, as `mincache explain` does. Apart
    from the times, the result is the same on every machine, as long as no run ends at its time limit. Exit
    code 1 if a stage fails.
    """
    from mincache.bench.limits import Limits
    from mincache.generation import suites

    found, limits = suites.find(suite), Limits(wall_s=time_limit)
    with waiting("judging"):
        stages, runs = _judge(found, solver, instances, seeds, limits)
    score = fmean(run.gap for run in runs) if runs else None
    document = {
        "solver": solver, "suite": found.name, "score": score, "passed": all(one.passed for one in stages),
        "stages": [asdict(one) for one in stages], "runs": [asdict(run) for run in runs],
    }  # fmt: skip
    lines = [f"{one.stage}: {'yes' if one.passed else f'no: {one.seen}; {one.advice}'}" for one in stages]
    table = [_table(runs)] if runs else []
    told = (
        [] if score is None else [f"score: {score:z.4%} above the optimum, on the mean of {len(runs)} runs"]
    )
    answer(form, document, *lines, *table, *told)
    sys.exit(0 if document["passed"] else 1)


def _judge(
    suite: Suite, solver: str, instances: Sequence[str], seeds: int, limits: Limits
) -> tuple[list[Stage], list[JudgedRun]]:
    from mincache.bench.describing import describe_all
    from mincache.cli.check_child import checks_of
    from mincache.solving.entrant import Entrant, absolute

    described = describe_all([absolute(solver)], 1, limits)[0]
    if not isinstance(described, Entrant) or described.unknown:
        seen = described.unknown if isinstance(described, Entrant) else str(described)
        return [Stage("loads", False, seen, "mend the file")], []
    stages = [Stage("loads", True)]
    try:
        failed = [one for one in checks_of(solver, 60.0) if one.outcome == "failed"]
    except MincacheError as error:
        return [*stages, Stage("keeps the contract", False, str(error), "mend the file")], []
    if failed:
        more = f", and {len(failed) - 1} checks more" if len(failed) > 1 else ""
        seen = f"{failed[0].name}: {failed[0].detail}{more}"
        stages.append(Stage("keeps the contract", False, seen, failed[0].advice))
    else:
        stages.append(Stage("keeps the contract", True))
    runs = _runs(suite, described, instances, seeds, limits)
    wrong = [run for run in runs if run.verdict != "verified"]
    reason = (
        f"{len(wrong)} of {len(runs)} runs did not, such as {wrong[0].instance}: {wrong[0].reason}"
        if wrong
        else ""
    )
    return [*stages, Stage("answers", not wrong, reason, "see the reason" if wrong else "")], runs


def _runs(
    suite: Suite, entrant: Entrant, instances: Sequence[str], seeds: int, limits: Limits
) -> list[JudgedRun]:
    from mincache.bench import campaign
    from mincache.bench.cores import usable_cores
    from mincache.bench.executors import LocalExecutor
    from mincache.bench.plan import plan

    tasks = plan(suite, [entrant], seeds, limits, instances=instances)
    with TemporaryDirectory(prefix="mincache-") as folder:
        records = campaign.run(Path(folder), tasks, LocalExecutor(usable_cores()), campaign.Redo(), _quiet)
        order = {task.key: number for number, task in enumerate(tasks)}
        records = sorted(records, key=lambda record: order[record.cell.key])
        return [_judged(suite, record, Path(folder)) for record in records]


def _quiet(record: Record) -> None:
    """Show no progress."""


def _judged(suite: Suite, record: Record, folder: Path) -> JudgedRun:
    from mincache.analysis.explanation import best_answer, explain
    from mincache.files.documents import read_solution
    from mincache.judging.journal import SOLUTIONS_FOLDER
    from mincache.problem.solution import Solution

    instance = suite.read(record.cell.instance)
    verified = record.verdict == "verified" and record.solution_sha256
    given = (
        read_solution(folder / SOLUTIONS_FOLDER / f"{record.solution_sha256}.json.gz")
        if verified
        else Solution.nothing_cached(instance)
    )
    why = explain(instance, given, best_answer(instance, 60.0))
    of = abs(why.optimum) or 1.0
    return JudgedRun(
        record.cell.instance, record.cell.repetition, record.verdict, record.reason if not verified else "",
        why.cost, why.gap / of, {part: why.parts[part] / of for part in _PARTS} if verified else {},
        record.answer_s or record.wall_s,
    )  # fmt: skip


def _table(runs: Sequence[JudgedRun]) -> TerminalTable:
    lost = [part for part in _PARTS if any(run.parts.get(part) for run in runs)]
    rows = [
        [f"{run.instance} #{run.repetition}", run.verdict, f"{run.gap:z.3%}",
         *(f"{run.parts[part]:z.3%}" if run.parts else "" for part in lost), f"{run.seconds:.3g}"]
        for run in runs
    ]  # fmt: skip
    titles = ("run", "verdict", "gap", *lost, "seconds")
    return TerminalTable(titles, "ll" + "r" * (len(titles) - 2), rows, more="--json")
