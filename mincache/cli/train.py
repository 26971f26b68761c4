"""`mincache train`."""

from __future__ import annotations

import csv
import io
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

import mincache
from mincache.bench import limits
from mincache.board import entries
from mincache.cli import options
from mincache.cli.completion import SUITE, TRAINED_SOLVER
from mincache.cli.terminal import Bars, TerminalTable, answer, resumable
from mincache.errors import InputError, excerpt
from mincache.learning import checkpoint as checkpoints
from mincache.learning import draws, policies, training
from mincache.learning import learner as learners
from mincache.learning.torch_setup import check_libraries
from mincache.paper import trained
from mincache.solving import contract, entrant, registry
from mincache.solving import spec as specs
from mincache.views import episodes as views_episodes

_POLICY_FILE = options.FilePath("file", ".safetensors", dir_okay=False)


@click.command()
@click.argument("solver", type=TRAINED_SOLVER)
@click.option("--suite", type=SUITE, required=True, help="Suite whose scenario and libraries to train for.")
@click.option("--users", type=options.COUNT,
              help="Number of users N.  [default: any, if one policy serves all]")  # fmt: skip
@click.option("--library", type=click.IntRange(min=0),
              help="Library of the suite, from 0.  [default: any, if one policy serves all]")  # fmt: skip
@click.option("--seed", type=options.SEED, default=1, help="Seed of the training.")
@click.option("--episodes", type=options.COUNT, help="Episodes of training.  [default: the solver's]")
@click.option("--device", metavar="NAME",
              help="Where to train, such as cpu or cuda.  [default: the solver's]")  # fmt: skip
@click.option("--float16", is_flag=True, help="Write weights as float16; the file is half as large.")
@click.option("-o", "--output", type=_POLICY_FILE,
              help="Policy file.  [default: named after the training, in the current folder]")  # fmt: skip
@click.option("--sweep", type=options.FOLDER,
              help="Train a grid, such as 'ddpg[updates=[1,3]]', side by side into this folder.")  # fmt: skip
@click.option("--seeds", type=options.COUNT, default=1,
              help="With --sweep: trainings of each solver, their seeds counted up from --seed.")  # fmt: skip
@click.option("--log", type=options.CSV_FILE,
              help="CSV file for the rewards, losses, values and noise of each round.")  # fmt: skip
@options.machine_output("an object")
def train(
    solver: str, suite: str, users: int | None, library: int | None, seed: int, episodes: int | None,
    device: str | None, float16: bool, output: Path | None, sweep: Path | None, seeds: int, log: Path | None,
) -> None:  # fmt: skip
    """Train SOLVER, such as ddpg or 'ddpg[discount=0]', for one library and number of users of a suite.

    set-policy and 'ddpg[variant=sets]' also train for all problems at once: leave out --users and --library.
    Their libraries are drawn from the suite's scenario.

    Training uses fresh traces, never those of the suite. A record of the training goes beside the policy
    file, with the ending .json. If the training is interrupted, repeat the command: it continues from the
    last checkpoint, to the same policy.
    """
    settings = list(dict.fromkeys(_spec(one, episodes, device) for one in specs.expand(solver)))
    if sweep is not None:
        single = {"--output": output, "--log": log, "--float16": float16 or None}
        wrong = [name for name, value in single.items() if value is not None]
        if users is None or library is None or wrong:
            rule = "must come with --users and --library, and no --output, --log or --float16"
            raise InputError("--sweep", rule, ", ".join(wrong) or "not both")
        check_libraries()
        _train_each(settings, suite, users, library, range(seed, seed + seeds), sweep)
        return
    if seeds > 1 or len(settings) > 1:
        raise InputError("--sweep", "must name a folder for several trainings", "none", "add --sweep FOLDER")
    (spec,) = settings
    learner = _learner(spec)
    check_libraries()
    course, where = _course(learner, suite, users, library, seed)
    path = output or Path(f"{entries.folder_name(entrant.describe(spec).label)}.{where}.s{seed}.safetensors")
    options.prepare(path)
    if not os.access(path.parent, os.W_OK | os.X_OK):  # told now, not after the training
        raise InputError("--output", "must be in a folder that can be written to", excerpt(str(path.parent)))
    given = {
        "--suite": suite, "--users": users, "--library": library, "--seed": seed, "--episodes": episodes,
        "--device": device,
    }  # fmt: skip
    words = [str(word) for option in given.items() if option[1] is not None for word in option]
    command = shlex.join(["mincache", "train", solver, *words, *(["--float16"] if float16 else [])])
    one = f"{suite} library {library}, {users} users"
    title = one if users else f"any library and number of users, as drawn from the scenario of {suite}"
    decided = {"command": command, "parameters": asdict(learner)}
    decided["problem"] = policies.problem_digest(course.problem)
    decided["versions"] = {name: version(name) for name in ("mincache", "torch", "numpy")}
    checkpoint = checkpoints.Checkpoint(path.with_suffix(".checkpoint"), decided)

    def show(episode: int, point: training.CurvePoint | None) -> None:
        note = None
        if point is not None:
            gap = "" if point.validation_gap is None else f", gap {point.validation_gap:.1%}"
            note = f"reward {point.mean_reward:.2f}{gap}"
        bars.show("episodes", episode, learner.episodes, note)

    with resumable(lambda: f"{checkpoint.episodes} of {learner.episodes} episodes are kept"), Bars() as bars:
        show(0, None)
        session = training.Session(learner, course, checkpoint, show)
        watch = None if log is None else _logging(log, checkpoint.episodes)
        last = trained.finish(session, checkpoint, title, path, command, watch, float16).curve[-1]
    gap = "" if last.validation_gap is None else f", {last.validation_gap:.2%} above the optimum"
    found = {"policy": str(path), "mean_cost": last.validation_cost, "gap": last.validation_gap}
    answer(found, f"{path}: mean cost {last.validation_cost:.4f} on held-out traces{gap}")


def _logging(path: Path, kept: int) -> Callable[[int, Mapping[str, float]], None]:
    """Return what adds a row a round to a CSV file, whose rows up to the episodes that are kept stay."""
    rows: list[dict[str, Any]] = []
    if kept and path.exists():
        try:
            with path.open(newline="") as file:
                rows = [row for row in csv.DictReader(file) if int(row["episode"]) <= kept]
        except (KeyError, TypeError, ValueError, csv.Error):
            rule = "must be the log of the training that goes on"
            raise InputError("--log", rule, excerpt(str(path)), "name another file") from None

    def log(episode: int, metrics: Mapping[str, float]) -> None:
        rows.append({"episode": episode, **metrics})
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(rows[-1]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
        options.write_output(path, text.getvalue().encode())

    return log


def _spec(solver: str, episodes: int | None, device: str | None) -> str:
    """Return the solver with the parameters that options give."""
    given = {"episodes": episodes, "device": device}
    return str(specs.parse(solver).extended({name: one for name, one in given.items() if one is not None}))


def _learner(spec: str) -> learners.PolicyLearner:
    kind = registry.load(specs.parse(spec).target)
    if not issubclass(kind, learners.PolicyLearner):
        learns = issubclass(kind, contract.Learner)
        advice = "call its fit() from Python" if learns else "such as ddpg or set-policy"
        raise InputError("solver", "must be a PolicyLearner to be trained here", excerpt(spec), advice)
    learner = registry.make(spec)
    assert isinstance(learner, learners.PolicyLearner)  # as its class is
    if learner.policy is not None:
        rule = "must be left out in a training, which --output names the policy of"
        raise InputError(f"{learner.title}.policy", rule, excerpt(str(learner.policy)))
    return learner


def _course(
    learner: learners.PolicyLearner, suite: str, users: int | None, library: int | None, seed: int
) -> tuple[draws.TrainingSource, str]:
    """Return what to train on, and the part of a file name that tells it."""
    source = mincache.suite(suite).source
    if users is None and library is None and learner.every_problem:
        return draws.Draws(source.scenario, seed), source.name
    if users is None or library is None:
        raise InputError("--users and --library", "must be given both", "one alone or none")
    return views_episodes.Episodes.of_suite(suite, library, users, seed), f"{source.name}.l{library}.n{users}"


def _train_each(
    settings: Sequence[str], suite: str, users: int, library: int, seeds: Sequence[int], folder: Path
) -> None:
    """Train every setting with every seed, unless `folder` holds the policy, and show how good they get."""
    place = mincache.suite(suite).folder
    course = views_episodes.Episodes.of_suite(suite, library, users)
    for spec in settings:  # refused before the first is trained
        _learner(spec).check_course(course)
    trainings = [trained.Training(spec, place, library, users, seed) for spec in settings for seed in seeds]
    with resumable(lambda: f"what is done is kept in {folder}"), Bars() as bars:
        show = partial(bars.show, "trainings", total=len(trainings))
        found = trained.train_all(trainings, folder, limits.usable_cores(), show)
    rows: list[dict[str, Any]] = []
    for spec in settings:
        own = [one.record for one in found if one.training.spec == spec]
        gaps = [record.curve[-1].validation_gap or 0.0 for record in own]
        cpu_s = sum(record.cpu_s for record in own) / len(own)
        rows.append({"solver": spec, "seeds": len(own), "gap": sum(gaps) / len(gaps), "best": min(gaps),
                     "worst": max(gaps), "cpu_s": cpu_s})  # fmt: skip
    rows.sort(key=lambda row: row["gap"])
    titles = ("seeds", "above the\noptimum", "best seed", "worst seed", "processor\nseconds each")
    cells = [
        [row["solver"], str(row["seeds"]), *(f"{row[name]:.2%}" for name in ("gap", "best", "worst")),
         f"{row['cpu_s']:.1f}"]
        for row in rows
    ]  # fmt: skip
    caption = f"on held-out traces; policies in {folder}"
    answer(rows, TerminalTable({"solver": "l", **dict.fromkeys(titles, "r")}, cells, caption=caption))
