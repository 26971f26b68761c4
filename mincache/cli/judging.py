"""`mincache judge` tells the author of a solver how good it is, and why; `mincache arena` sets the task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import click

import mincache
from mincache.analysis import explanation
from mincache.bench import campaign, executors, limits, plan, supervisor
from mincache.cli import options, solvers
from mincache.cli.completion import SOLVER, SUITE
from mincache.cli.terminal import TerminalTable, answer, waiting
from mincache.cli.verbs import VerbGroup
from mincache.errors import MincacheError
from mincache.files import documents, paths, tables
from mincache.generation import recipes, suite_writing, sweeps
from mincache.judging import journal, records
from mincache.solving import entrant, scaffold

_PARTS = ("caching", "steps", "bandwidth", "loading", "floor")


@click.command()
@click.argument("solver", type=SOLVER)
@click.option("--suite", type=SUITE, default="smoke-v1", help="Suite to answer.")
@options.INSTANCES
@click.option("--seeds", type=options.COUNT, default=1, help="Repetitions of a randomised solver.")
@click.option("--time-limit", type=options.SECONDS, default=5.0, help="Time for a run to solve.")
@options.EVALUATIONS
@options.machine_output("an object")
def judge(
    solver: str, suite: str, instances: tuple[str, ...], seeds: int, time_limit: float,
    evaluations: int | None,
) -> None:  # fmt: skip
    """Tell how good SOLVER (a name, FILE.py:CLASS, or a FILE.py with one solver) is, and why not better.

    Three stages follow each other: it loads, it keeps the contract, it answers every instance of a suite,
    isolated. The score is the mean gap to the optimum, lower is better; a run without a verified answer
    counts as caching nothing. For each run the gap is split by decision, as `mincache explain` does. Apart
    from the times, the result is the same on every machine, as long as no run ends at its time limit. Exit
    code 1 if a stage fails.
    """
    found, stages, runs = mincache.suite(suite), list[dict[str, Any]](), list[dict[str, Any]]()

    def stage(name: str, seen: str, advice: str) -> None:
        """Note what came of a stage; nothing was seen if it passed."""
        stages.append({"stage": name, "passed": not seen, "seen": seen, "advice": advice if seen else ""})

    with waiting("judging"):
        try:
            full = entrant.absolute(solver)
            described = supervisor.describe_one(full)
            unknown = described.unknown
        except MincacheError as error:
            unknown = str(error)
        stage("loads", unknown, "mend the file")
        if not unknown:
            stage("keeps the contract", *_broken(full))
            given = limits.Limits(wall_s=time_limit, evaluations=evaluations)
            tasks = plan.plan(found, [described], seeds, given, instances=instances)
            with TemporaryDirectory(prefix="mincache-") as folder:
                done = campaign.run(Path(folder), tasks, executors.LocalExecutor())
                by_key = {record.cell.key: record for record in done}
                runs = [_judged(found, by_key[task.key], Path(folder)) for task in tasks]
            wrong = [f"{run['instance']}: {run['reason']}" for run in runs if run["verdict"] != "verified"]
            seen = f"{len(wrong)} of {len(runs)} runs did not, such as {wrong[0]}" if wrong else ""
            stage("answers", seen, "see the reason")
    score = fmean(run["gap"] for run in runs) if runs else None
    passed = all(one["passed"] for one in stages)
    told: list[Any] = [
        ("{stage}: yes" if one["passed"] else "{stage}: no: {seen}; {advice}").format(**one) for one in stages
    ]
    if score is not None:
        told += [_table(runs), f"score: {score:z.4%} above the optimum, on the mean of {len(runs)} runs"]
    document = {"solver": solver, "suite": found.name, "score": score, "passed": passed}
    answer(document | {"stages": stages, "runs": runs}, *told, failed=not passed)


def _broken(solver: str) -> tuple[str, str]:
    """Return what a solver breaks of the contract, "" if nothing, and what to do."""
    try:
        failed = [one for one in solvers.checks_of(solver, 60.0) if one.outcome == "failed"]
    except MincacheError as error:
        return str(error), "mend the file"
    if not failed:
        return "", ""
    more = f", and {len(failed) - 1} checks more" if len(failed) > 1 else ""
    return f"{failed[0].name}: {failed[0].detail}{more}", failed[0].advice


def _judged(suite: mincache.Suite, record: records.Record, folder: Path) -> dict[str, Any]:
    """Return what came of a run: its cost, and its gap and the parts of it as fractions of the optimum."""
    instance, sha256 = suite.read(record.cell.instance), record.solution_sha256
    verified, given = record.verdict == "verified", mincache.Solution.nothing_cached(instance)
    if verified and sha256:
        given = documents.parse_solution(journal.document(folder, sha256))
    why = explanation.explain(instance, given, explanation.best_answer(instance, 60.0))
    of = abs(why.optimum) or 1.0
    return {
        "instance": record.cell.instance, "repetition": record.cell.repetition, "verdict": record.verdict,
        "reason": "" if verified else record.reason, "cost": why.cost, "gap": why.gap / of,
        "parts": {part: why.parts[part] / of for part in _PARTS} if verified else {},
        "seconds": record.answer_s or record.wall_s, "evaluations": record.evaluations,
    }  # fmt: skip


def _table(runs: Sequence[dict[str, Any]]) -> TerminalTable:
    lost = [part for part in _PARTS if any(run["parts"].get(part) for run in runs)]
    rows = [
        [f"{run['instance']} #{run['repetition']}", run["verdict"], f"{run['gap']:z.3%}",
         *(f"{run['parts'][part]:z.3%}" if run["parts"] else "" for part in lost), f"{run['seconds']:.3g}"]
        for run in runs
    ]  # fmt: skip
    columns = {"run": "l", "verdict": "l", **dict.fromkeys(["gap", *lost, "seconds"], "r")}
    return TerminalTable(columns, rows, more="--json")


@click.group(cls=VerbGroup)
def arena() -> None:
    """Let programs that write heuristics work on this problem."""


@arena.command()
@click.argument("folder", type=options.FOLDER)
@click.option("--scenario", type=options.FILE, help="Scenario file to draw from.  [default: the paper's]")
@options.USERS
@click.option("--libraries", type=options.COUNT, default=4, help="Model libraries to draw.")
@click.option("--seed", type=options.SEED, default=1, help="Seed of the suite.")
@options.machine_output("an object")
def init(
    folder: Path, scenario: Path | None, users: tuple[int, ...] | None, libraries: int, seed: int
) -> None:
    """Write a task into FOLDER: the problem in a page, an entry to begin with, a suite, and the judge's call.

    Give the folder to the program. It improves `entry.py`; `mincache judge` scores it.
    """
    source = (sweeps.ScenarioFile() if scenario is None else sweeps.read_scenario(scenario)).scenario
    numbers = users or (source.users,)
    fields = {"library_seed": seed, "trace_seed": seed, "libraries": libraries, "traces": 1, "users": numbers}
    recipe = tables.validated(recipes.Recipe, fields)
    paths.make_folder(folder)
    name = "development"
    suite = suite_writing.generate(folder / name, name, recipe, source, "to develop solvers on")
    files = [str(path) for path in scaffold.write_task(folder, name)]
    call = f"mincache judge entry.py:Entry --suite {name} --time-limit 5 --json"
    found = {"files": files, "suite": str(suite.folder), "instances": len(suite), "judge": call}
    told = (f"{len(suite)} instances in {suite.folder}", f"\nnext, in {folder}:", f"  {call}")
    answer(found, *files, *told)
