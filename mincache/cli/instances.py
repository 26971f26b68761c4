"""`mincache instances`: list, verify, show."""

from __future__ import annotations

import math
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mincache.cli.choosing import select
from mincache.cli.completion import INSTANCE, SOLVER, SUITE
from mincache.cli.options import (
    FILE,
    PICTURE,
    SECONDS,
    find_instance,
    folder_output,
    machine_output,
    prepare,
    suite_name,
)
from mincache.cli.terminal import TerminalTable, answer, printable, tracked
from mincache.cli.verbs import VerbGroup

if TYPE_CHECKING:
    from mincache.generation.suites import Suite


@click.group(cls=VerbGroup, bare="list", default="show")
def instances() -> None:
    """List the standard suites, show a suite or an instance (`mincache instances NAME`), or verify suites."""


instances.add_command(select)


@instances.command("list")
@machine_output("an array", csv=True)
def list_(form: str | None) -> None:
    """List the standard suites."""
    from mincache.generation import suites

    found = [suites.find(name) for name in suites.standard_names()]
    sizes = [tuple(_sizes(suite, field) for field in ("slots", "users", "models")) for suite in found]
    rows = [
        {
            "suite": suite.name, "instances": len(suite), "slots": _one_or_all(slots),
            "users": users, "models": _one_or_all(models), "purpose": suite.content.purpose,
        }
        for suite, (slots, users, models) in zip(found, sizes, strict=True)
    ]  # fmt: skip
    cells = [
        [suite.name, str(len(suite)), *map(_span, numbers), suite.content.purpose]
        for suite, numbers in zip(found, sizes, strict=True)
    ]
    titles = ("suite", "instances", "T", "N", "M", "purpose")
    answer(form, rows, TerminalTable(titles, "lrtttt", cells, more="--csv"))


def _sizes(suite: Suite, field: str) -> list[int]:
    """Return the values of a scenario's field over the instances of a suite, without drawing them."""
    return sorted({getattr(suite.place(name).scenario, field) for name in suite.entries})


def _one_or_all(values: list[int]) -> int | list[int]:
    return values[0] if len(values) == 1 else values


def _span(values: list[int]) -> str:
    return ", ".join(map(str, values)) if len(values) < 8 else f"{values[0]} to {values[-1]}"


@instances.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@folder_output("Folder for the suite.")
@click.option("--name", help="Name of the suite.  [default: the folder's]")
@click.option("--purpose", default="", metavar="TEXT", help="A line on what the suite is for.")
def collect(files: tuple[Path, ...], output: Path, name: str | None, purpose: str) -> None:
    """Make a suite of instance FILES from elsewhere, under the names that they say.

    The files are checked and copied. All that works on a suite works on it: verify, run, reference,
    features, leaderboard.
    """
    from mincache.generation.suite_writing import collect as collected

    title = suite_name(output, name)
    suite = collected(output, title, files, purpose)
    click.echo(f"{len(suite)} instances in {output}, listed in {output / 'suite.toml'}")


@instances.command()
@click.argument("suite", nargs=-1, type=SUITE)
@click.option("--certificates", "what", flag_value="certificates",
              help="Check the proofs of the best known costs instead.")  # fmt: skip
@click.option("--solutions", "what", flag_value="solutions", help="Score the best known solutions instead.")
@machine_output("an array, an object an instance", csv=True)
def verify(suite: tuple[str, ...], what: str | None, form: str | None) -> None:
    """Draw every file of each SUITE (default: all standard ones) again, and compare the bytes.

    With --certificates, each certificate must prove in exact arithmetic that the best known cost is
    optimal. With --solutions, each solution must be feasible and have the best known cost. Suites without
    such files are skipped unless you name them. Exit code 1 if anything differs, is missing or is refused.
    """
    from mincache.certificate.archive import CERTIFICATES
    from mincache.generation import suites
    from mincache.generation.suite_checks import SOLUTIONS
    from mincache.generation.suite_checks import verify as verify_files

    check, beside, told = {
        None: (verify_files, None, None),
        "certificates": (CERTIFICATES.check, CERTIFICATES, "certificates prove the best known cost"),
        "solutions": (SOLUTIONS.check, SOLUTIONS, "solutions have the best known cost"),
    }[what]
    rows, lines = [], []
    for name in suite or suites.standard_names():
        found = suites.find(name)
        if beside is not None and not suite and not beside.present(found):
            source = f"reference values by {found.content.references}"
            lines.append(f"{name}: no {what}; {source}; `mincache instances certify {name}` makes them")
            continue
        checked = list(tracked(check(found), f"verifying {found.name}", total=len(found.entries)))
        broken = [(instance, problem) for instance, problem in checked if problem]
        rows += [{"suite": found.name, "instance": one, "problem": problem} for one, problem in checked]
        for instance, problem in broken if form is None else ():
            click.echo(printable(f"{instance}: {problem}"), err=True)
        how = told or f"files are as {'their recipe draws them' if found.content.sources else 'listed'}"
        lines.append(f"{name}: {len(checked) - len(broken)} of {len(checked)} {how}")
    answer(form, rows, *lines)
    sys.exit(1 if any(row["problem"] for row in rows) else 0)


@instances.command()
@click.argument("suite", type=SUITE)
@click.argument("names", nargs=-1, type=INSTANCE)
@click.option("--check", "checking", is_flag=True, help="Check the certificates there are; write the status.")
def certify(suite: str, names: tuple[str, ...], checking: bool) -> None:
    """Write a certificate and the best solution of every instance (or of NAMES) into SUITE's folder.

    The check of a certificate decides the instance's status in suite.toml: proven or bounded.
    """
    from mincache.certificate.archive import write_archive, write_status
    from mincache.generation import suites

    found = suites.find(suite)
    for name in names:
        found.read(name)  # refuses a name that is not listed
    if checking:
        states = Counter(entry.status for entry in write_status(found).entries.values())
        click.echo(f"{suite}: " + ", ".join(f"{count} {status}" for status, count in states.items()))
        return
    done = list(tracked(write_archive(found, names), "proving", total=len(names or found.entries)))
    click.echo(f"{len(done)} certificates and solutions in {found.folder}")


@instances.command()
@click.argument("suites", nargs=-1, type=SUITE)
@machine_output("an array, an object an instance", csv=True)
def bounty(suites: tuple[str, ...], form: str | None) -> None:
    """List the instances whose best known cost is not proven, of each SUITE or of all standard ones.

    `mincache score INSTANCE FILE` shows a better cost. `mincache certify INSTANCE -o FILE` writes a proof;
    `mincache certify --check INSTANCE FILE` checks it. Hand in a better cost or bound as a pull request.
    """
    from mincache.generation.suites import find, standard_names

    names = ("name", "status", "best_known", "lower_bound", "bound_from")
    entries = [entry for suite in suites or standard_names() for entry in find(suite).entries.values()]
    unproven = [e for e in entries if e.status != "proven" and e.best_known is not None]
    found = [entry.model_dump(include=set(names)) for entry in unproven]
    rows = [
        [str(one["name"]), one["status"] or "open", *map(_number, (one["best_known"], one["lower_bound"])),
         _gap(one["best_known"], one["lower_bound"]), one["bound_from"] or ""]
        for one in found
    ]  # fmt: skip
    titles = ["instance", "status", "best known", "lower bound", "gap", "bound from"]
    title = f"{len(rows)} instances without a proof"
    answer(form, found, TerminalTable(titles, "llrrrt", rows, title=title, more="--csv or --json"))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.9f}"


def _gap(cost: float, bound: float | None) -> str:
    return "" if bound is None else f"{(cost - bound) / cost:.1e}"


@instances.command("show")
@click.argument("name", type=INSTANCE)
@machine_output("an array, an object an instance of a suite, or a field of an instance", csv=True)
def show_(name: str, form: str | None) -> None:
    """Show a suite or an instance, each a name or a path (the verb `show` may be left out)."""
    from mincache.cli.describe import instance_rows, instance_tables, suite_rows, suite_table
    from mincache.generation import suites

    if suites.is_suite(name):
        suite = suites.find(name)
        answer(form, suite_rows(suite), suite_table(suite))
    else:
        instance = find_instance(name)
        answer(form, instance_rows(instance), *instance_tables(instance))


@instances.command()
@click.argument("suite", type=SUITE)
@machine_output("an array, an object an instance", csv=True)
@click.option("-o", "--output", type=PICTURE, help="Draw a picture too.")
@click.option("--time-limit", type=SECONDS, default=60.0, show_default=True,
              help="Time for each of the two optima of an instance.")  # fmt: skip
def features(suite: str, form: str | None, output: Path | None, time_limit: float) -> None:
    """Show how scarce the resources of each instance of SUITE are, and how much each decision is worth.

    A worth is how much the cost rises above the optimum without a decision: when nothing is cached, when
    users share bandwidth equally, or when the server has no steps. The exact method gives the optimum. If it
    cannot prove one within the time limit, the row says so.
    """
    from dataclasses import asdict

    from mincache.analysis.features import features as features_of
    from mincache.cli.describe import feature_table, groups_of
    from mincache.generation import suites

    if output is not None:
        from mincache.site import drawing

        drawing.require_libraries()
        prepare(output)
    found = suites.find(suite)
    tracking = tracked(found, "solving", total=len(found.entries))
    rows = [features_of(instance, time_limit) for instance in tracking]
    answer(form, [asdict(row) for row in rows], feature_table(found, rows))
    if output is not None:
        from mincache.site.pictures import feature_chart

        drawing.write(feature_chart(rows, groups_of(found)), output)
        click.echo(f"picture in {output}", err=True)


@instances.command()
@click.argument("suite", type=SUITE)
@click.option("--solver", type=SOLVER, default="decomposition", show_default=True, help="An exact solver.")
@click.option("--time-limit", type=SECONDS, default=math.inf, help="Time an instance.  [default: none]")
def reference(suite: str, solver: str, time_limit: float) -> None:
    """Solve every instance of SUITE, and write its verified cost and lower bound into suite.toml.

    The leaderboard measures gaps from these values. A lower cost or a higher bound replaces an older one;
    no other does. Each value is written at once, so an interruption loses one instance. The best solution
    goes into the folder `solutions`.
    """
    from mincache import Run, __version__, evaluate
    from mincache.generation import suites
    from mincache.generation.suite_checks import write_best
    from mincache.generation.suite_writing import set_references
    from mincache.judging.judge import contradicts
    from mincache.problem.evaluation import EVALUATOR_VERSION
    from mincache.solving import registry
    from mincache.solving.contract import answer

    found, method = suites.find(suite), registry.make(solver)
    source = f"{solver}, mincache {__version__}, evaluator {EVALUATOR_VERSION}"
    if found.content.references and source not in found.content.references:
        source = f"{found.content.references}; {source}"
    for name, entry in tracked(found.entries.items(), "solving", total=len(found.entries)):
        instance, run = found.read(name), Run.seeded(0, time_limit)
        solution = answer(solver, method, instance, run)
        evaluation = evaluate(instance, solution)
        if not evaluation.feasible:
            raise click.ClickException(f"{solver} found no feasible solution of {name}")
        cost = min(evaluation.cost, math.inf if entry.best_known is None else entry.best_known)
        bound = max(run.bound, -math.inf if entry.lower_bound is None else entry.lower_bound)
        if contradicts(bound, cost):
            raise click.ClickException(
                f"{solver} puts {name} above {bound!r}, and a verified cost is {cost!r}"
            )
        if evaluation.cost == cost:
            write_best(found, name, solution)
        found = set_references(found, {name: (cost, bound if math.isfinite(bound) else None)}, source)
    click.echo(f"{len(found.entries)} reference values in {found.folder / suites.RECIPE_FILE}")
