"""`mincache train`."""

from __future__ import annotations

import shlex
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.completion import SUITE, TRAINED_SOLVER
from mincache.cli.options import COUNT, FOLDER, SEED, FilePath, machine_output, prepare
from mincache.cli.sweep import train_each
from mincache.cli.terminal import Bars, answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mincache.learning.draws import TrainingSource
    from mincache.learning.policies import Policy
    from mincache.learning.training import CurvePoint, Session, Trainable

POLICY_FILE = FilePath("file", ".safetensors", dir_okay=False)


@click.command()
@click.argument("solver", type=TRAINED_SOLVER)
@click.option("--suite", type=SUITE, required=True, help="Suite whose scenario and libraries to train for.")
@click.option("--users", type=COUNT, help="Number of users N.  [default: any, if one policy serves all]")
@click.option("--library", type=click.IntRange(min=0),
              help="Library of the suite, from 0.  [default: any, if one policy serves all]")  # fmt: skip
@click.option("--seed", type=SEED, default=1, show_default=True, help="Seed of the training.")
@click.option("--episodes", type=COUNT, help="Episodes of training.  [default: the solver's]")
@click.option(
    "--device", metavar="NAME", help="Where to train, such as cpu or cuda.  [default: the solver's]"
)
@click.option("--float16", is_flag=True, help="Write weights as float16; the file is half as large.")
@click.option("-o", "--output", type=POLICY_FILE,
              help="Policy file.  [default: named after the training, in the current folder]")  # fmt: skip
@click.option("--sweep", type=FOLDER,
              help="Train a grid, such as 'ddpg[updates=[1,3]]', side by side into this folder.")  # fmt: skip
@click.option("--seeds", type=COUNT, default=1, show_default=True,
              help="With --sweep: trainings of each solver, their seeds counted up from --seed.")  # fmt: skip
@click.option("--log", type=FilePath("file", ".csv", dir_okay=False),
              help="CSV file for the rewards, losses, values and noise of each round.")  # fmt: skip
@machine_output("an object")
def train(
    solver: str, suite: str, users: int | None, library: int | None, seed: int, episodes: int | None,
    device: str | None, float16: bool, output: Path | None, log: Path | None,
    sweep: Path | None, seeds: int, form: str | None,
) -> None:  # fmt: skip
    """Train SOLVER, such as ddpg or 'ddpg[discount=0]', for one library and number of users of a suite.

    set-policy and 'ddpg[variant=sets]' also train for all problems at once: leave out --users and --library.
    Their libraries are drawn from the suite's scenario.

    Training uses fresh traces, never those of the suite. A record of the training goes beside the policy
    file, with the ending .json. If the training is interrupted, repeat the command: it continues from the
    last checkpoint, to the same policy.
    """
    from mincache.board.entries import folder_name
    from mincache.errors import InputError
    from mincache.learning.checkpoint import Checkpoint
    from mincache.learning.training import Session, check_libraries
    from mincache.solving.entrant import describe
    from mincache.solving.spec import expand

    if sweep is not None or seeds > 1:
        if sweep is None or users is None or library is None or output or log or float16:
            rule = "must come with --users and --library, and no --output, --log or --float16"
            raise InputError("--sweep", rule, "none" if sweep is None else "others")
        check_libraries()
        settings = [_spec(one, episodes, device) for one in expand(solver)]
        train_each(settings, suite, users, library, range(seed, seed + seeds), sweep, form)
        return
    spec = _spec(solver, episodes, device)
    learner = _learner(spec)
    check_libraries()
    course, where = _course(learner, suite, users, library, seed)
    path = _checked(output or Path(f"{folder_name(describe(spec).label)}.{where}.s{seed}.safetensors"))
    options = {
        "--suite": suite, "--users": users, "--library": library, "--seed": seed, "--episodes": episodes,
        "--device": device,
    }  # fmt: skip
    given = [str(word) for option in options.items() if option[1] is not None for word in option]
    command = shlex.join(["mincache", "train", solver, *given, *(["--float16"] if float16 else [])])
    checkpoint = Checkpoint(path.with_suffix(".checkpoint"), {"command": command} | _what(learner, course))
    with _bar(learner.episodes) as show:
        session = Session(learner, course, checkpoint, show)
        watch = None if log is None else _logging(log, checkpoint.episodes)
        try:
            policy = session.train(_title(suite, users, library), watch)
        except KeyboardInterrupt:
            kept = f"{checkpoint.episodes} of {learner.episodes} episodes are kept"
            click.echo(f"interrupted: {kept}; repeat the command to continue", err=True)
            sys.exit(1)
    last = _write(path, policy.in_float16() if float16 else policy, session, command)
    checkpoint.remove()
    gap = "" if last.validation_gap is None else f", {last.validation_gap:.2%} above the optimum"
    found = {"policy": str(path), "mean_cost": last.validation_cost, "gap": last.validation_gap}
    answer(form, found, f"{path}: mean cost {last.validation_cost:.4f} on held-out traces{gap}")


def _logging(path: Path, kept: int) -> Callable[[int, Mapping[str, float]], None]:
    """Return what adds a row a round to a CSV file, whose rows up to the episodes that are kept stay."""
    import csv

    rows: list[dict[str, Any]] = []
    if kept and path.exists():
        with path.open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if int(row["episode"]) <= kept]

    def log(episode: int, metrics: Mapping[str, float]) -> None:
        rows.append({"episode": episode, **metrics})
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[-1]))
            writer.writeheader()
            writer.writerows(rows)

    return log


def _spec(solver: str, episodes: int | None, device: str | None) -> str:
    """Return the solver with the parameters that options give."""
    from mincache.solving.spec import parse

    given = {"episodes": episodes, "device": device}
    return str(parse(solver).extended({name: value for name, value in given.items() if value is not None}))


def _learner(spec: str) -> Trainable:
    from mincache.errors import InputError, excerpt
    from mincache.learning.training import Trainable
    from mincache.solving import registry
    from mincache.solving.contract import Learner
    from mincache.solving.spec import parse

    kind = registry.load(parse(spec).target)
    known = {*dir(kind), *getattr(kind, "__dataclass_fields__", ())}
    missing = [name for name in ("train", "episodes", "device", "every_problem") if name not in known]
    if missing:
        advice = "call its fit() from Python" if issubclass(kind, Learner) else "ddpg and set-policy have"
        raise InputError(
            "solver", f"must have {' and '.join(missing)} to be trained here", excerpt(spec), advice
        )
    learner = registry.make(spec)
    assert isinstance(learner, Trainable)  # the same names
    return learner


def _checked(path: Path) -> Path:
    """Return the path once its folder is there and can be written to."""
    import os

    from mincache.errors import InputError, excerpt

    prepare(path)
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise InputError("--output", "must be in a folder that can be written to", excerpt(str(path.parent)))
    return path


def _course(
    learner: Trainable, suite: str, users: int | None, library: int | None, seed: int
) -> tuple[TrainingSource, str]:
    """Return what to train on, and the part of a file name that tells it."""
    from mincache.errors import InputError
    from mincache.generation import suites
    from mincache.learning.draws import Draws
    from mincache.views.episodes import Episodes

    source = suites.find(suite).source
    if users is None and library is None and learner.every_problem:
        return Draws(source.scenario, seed), source.name
    if users is None or library is None:
        raise InputError("--users and --library", "must be given both", "one alone or none")
    return Episodes.of_suite(suite, library, users, seed), f"{source.name}.l{library}.n{users}"


def _title(suite: str, users: int | None, library: int | None) -> str:
    one = f"{suite} library {library}, {users} users"
    return one if users else f"any library and number of users, as drawn from the scenario of {suite}"


def _what(learner: Trainable, course: TrainingSource) -> dict[str, Any]:
    """Return what decides a training beside its command: defaults, versions, and the problem."""
    from dataclasses import asdict
    from importlib.metadata import version

    from mincache.learning.policies import problem_digest

    versions = {library: version(library) for library in ("mincache", "torch", "numpy")}
    problem = problem_digest(course.problem)
    return {"parameters": asdict(learner), "problem": problem, "versions": versions}  # type: ignore[call-overload]  # every solver is a dataclass


@contextmanager
def _bar(episodes: int) -> Iterator[Callable[[int, CurvePoint | None], None]]:
    """Show a progress bar in a terminal, nothing elsewhere; yields what moves it."""
    with Bars() as bars:

        def show(episode: int, point: CurvePoint | None) -> None:
            note = None
            if point is not None:
                gap = "" if point.validation_gap is None else f", gap {point.validation_gap:.1%}"
                note = f"reward {point.mean_reward:.2f}{gap}"
            bars.show("episodes", episode, episodes, note)

        show(0, None)
        yield show


def _write(path: Path, policy: Policy, session: Session, command: str) -> CurvePoint:
    """Write a policy and the record of its training, and return the last point of its curve."""
    from mincache.files.documents import digest, read_bytes, write_bytes
    from mincache.judging.machine import machine
    from mincache.learning.policies import write_policy

    write_policy(path, policy)
    record = session.record(policy.card, digest(read_bytes(path)), command, machine())
    write_bytes(path.with_suffix(".json"), record.model_dump_json(indent=2).encode() + b"\n")
    return record.curve[-1]
