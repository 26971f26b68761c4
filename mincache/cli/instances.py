"""`mincache instances`: list, verify, show."""

from __future__ import annotations

import math
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mincache.cli.completion import instance_names, solver_names, suite_names
from mincache.cli.options import FILE, SECONDS, json_option
from mincache.cli.terminal import TerminalTable, print_json, printable, show, tracked
from mincache.errors import InputError

if TYPE_CHECKING:
    from mincache.generation.suites import SuiteFile


@click.group(invoke_without_command=True)
@click.pass_context
def instances(ctx: click.Context) -> None:
    """List the standard suites, or verify or show what is in one."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@instances.command("list")
@json_option("a JSON array")
def list_(as_json: bool) -> None:
    """List the standard suites."""
    from mincache.generation import suites

    found = [suites.find(name).content for name in suites.standard_names()]
    if as_json:
        rows = [
            {
                "suite": content.name,
                "instances": len(content.instance),
                "slots": _one_or_all(_sizes(content, "slots")),
                "users": content.recipe.users,
                "models": _one_or_all(_sizes(content, "models")),
                "purpose": content.purpose,
            }
            for content in found
        ]
        print_json(rows)
        return
    table = []
    for content in found:
        numbers = (_sizes(content, "slots"), content.recipe.users, _sizes(content, "models"))
        sizes = (", ".join(map(str, one)) for one in numbers)
        table.append([content.name, str(len(content.instance)), *sizes, content.purpose])
    show(TerminalTable(("suite", "instances", "T", "N", "M", "purpose"), "lrllll", table))


def _sizes(content: SuiteFile, field: str) -> list[int]:
    """Return the values of a scenario's field over the instances of a suite, without drawing them."""
    from mincache.generation.recipes import places

    found = places(content.name, content.recipe, content.scenario)
    return sorted({getattr(place.scenario, field) for place in found})


def _one_or_all(values: list[int]) -> int | list[int]:
    return values[0] if len(values) == 1 else values


@instances.command()
@click.argument("suite", nargs=-1, shell_complete=suite_names)
@click.option("--certificates", "what", flag_value="certificates",
              help="Check the proofs of the reference values instead.")  # fmt: skip
@click.option("--solutions", "what", flag_value="solutions",
              help="Score the best solutions that come with the suites instead.")  # fmt: skip
@json_option("a JSON array, an object an instance")
def verify(suite: tuple[str, ...], what: str | None, as_json: bool) -> None:
    """Draw every file of SUITEs (default: all standard ones) again from its recipe, and compare bytes.

    With --certificates, check in exact arithmetic that the certificate of each instance proves its best
    known cost to be optimal. With --solutions, score the solution of each instance, which must keep every
    limit and cost what the suite lists as best known. Suites that come without are passed over unless named.
    Exit code 1 if anything differs, is missing or is refused.
    """
    from mincache.certificate.archive import CERTIFICATES
    from mincache.generation import suites
    from mincache.generation.best_solutions import SOLUTIONS

    check, beside, told = {
        None: (suites.Suite.verify, None, "files are as their recipe draws them"),
        "certificates": (CERTIFICATES.check, CERTIFICATES, "certificates prove the best known cost"),
        "solutions": (SOLUTIONS.check, SOLUTIONS, "solutions have the best known cost"),
    }[what]
    rows = []
    for name in suite or suites.standard_names():
        found = suites.find(name)
        if beside is not None and not suite and not beside.present(found):
            if not as_json:
                click.echo(printable(f"{name}: no {what}; reference values by {found.content.references}"))
            continue
        checked = list(tracked(check(found), f"verifying {found.name}", total=len(found.entries)))
        broken = [(instance, problem) for instance, problem in checked if problem]
        rows += [{"suite": found.name, "instance": one, "problem": problem} for one, problem in checked]
        if not as_json:
            for instance, problem in broken:
                click.echo(printable(f"{instance}: {problem}"), err=True)
            click.echo(f"{name}: {len(checked) - len(broken)} of {len(checked)} {told}")
    if as_json:
        print_json(rows)
    sys.exit(1 if any(row["problem"] for row in rows) else 0)


@instances.command()
@click.argument("suite", shell_complete=suite_names)
@click.argument("names", nargs=-1, shell_complete=instance_names)
@click.option("--check", "checking", is_flag=True, help="Check the certificates there are; write the status.")
def certify(suite: str, names: tuple[str, ...], checking: bool) -> None:
    """Write a certificate and the best solution of every instance (or of NAMES) into SUITE's folder.

    What the check of a certificate finds becomes the instance's status in suite.toml: proven or bounded.
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
@click.argument("suite", nargs=-1, shell_complete=suite_names)
def bounty(suite: tuple[str, ...]) -> None:
    """List the instances of each SUITE (by default all standard ones) whose best known cost is not proven.

    A better cost: mincache score INSTANCE ANSWER shows it. A better bound: mincache certify INSTANCE -o PROOF
    makes one, and mincache certify --check INSTANCE PROOF checks it. Hand both in with a pull request.
    """
    from mincache.generation import suites

    rows = []
    for name in suite or suites.standard_names():
        for entry in suites.find(name).entries.values():
            if entry.status != "proven" and entry.best_known is not None:
                bound = entry.lower_bound
                gap = "" if bound is None else f"{(entry.best_known - bound) / entry.best_known:.1e}"
                cells = (f"{value:.9f}" if value is not None else "" for value in (entry.best_known, bound))
                rows.append([entry.name, entry.status or "open", *cells, gap, entry.bound_from or ""])
    titles = ["instance", "status", "best known", "lower bound", "gap", "bound from"]
    show(TerminalTable(titles, "llrrrl", rows, title=f"{len(rows)} instances without a proof"))


@instances.command("show")
@click.argument("name", shell_complete=instance_names)
def show_(name: str) -> None:
    """Show what is in an instance (a name or a file) or a suite."""
    from mincache.cli.describe import instance_tables, suite_table
    from mincache.generation import suites

    if suites.is_suite(name):
        show(suite_table(suites.find(name)))
    else:
        show(*instance_tables(suites.find_instance(name)))


@instances.command()
@click.argument("suite", shell_complete=suite_names)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@json_option("a JSON array, an object an instance")
@click.option("-o", "--output", type=FILE, help="Picture: .svg or .png.")
@click.option("--time-limit", type=SECONDS, default=60.0, show_default=True,
              help="Seconds for each of the two optima of an instance.")  # fmt: skip
def features(suite: str, as_csv: bool, as_json: bool, output: Path | None, time_limit: float) -> None:
    """Tell what characterises each instance of SUITE: how scarce resources are, and what each is worth.

    Worths are what the cost rises by, relative to the optimum, when nothing is cached, when bandwidth is
    shared equally, and when the server has no steps. The exact method gives the optimum; where it cannot
    prove it in the time given, the row says so.
    """
    from dataclasses import asdict

    from mincache.analysis.features import features as features_of
    from mincache.cli.describe import feature_csv, feature_table, groups_of
    from mincache.generation import suites

    if output is not None and output.suffix not in (".svg", ".png"):
        raise InputError("--output", "must end in .svg or .png", repr(output.name))
    found = suites.find(suite)
    tracking = tracked(found, "solving", total=len(found.entries))
    rows = [features_of(instance, time_limit) for instance in tracking]
    if as_json:
        print_json([asdict(row) for row in rows])
    elif as_csv:
        click.echo(feature_csv(rows), nl=False)
    else:
        show(feature_table(found, rows))
    if output is not None:
        from mincache.site.charts import write
        from mincache.site.feature_chart import feature_chart

        write(feature_chart(rows, groups_of(found)), output)
        click.echo(f"picture in {output}", err=True)


@instances.command()
@click.argument("suite", shell_complete=suite_names)
@click.option("--solver", default="decomposition", show_default=True, help="An exact solver.",
              shell_complete=solver_names)  # fmt: skip
@click.option("--time-limit", type=SECONDS, default=math.inf,
              help="Seconds an instance.  [default: none]")  # fmt: skip
def reference(suite: str, solver: str, time_limit: float) -> None:
    """Solve every instance of SUITE, and write verified cost and lower bound into its suite.toml.

    The leaderboard measures gaps from these values. A value that is there already is replaced only by a
    lower cost or a higher bound. They are written as they come: an interruption loses one instance. The
    solution of the best known cost is written too, into the folder solutions.
    """
    from mincache import Run, __version__, evaluate
    from mincache.bench.judge import contradicts
    from mincache.generation import suites
    from mincache.generation.best_solutions import write_best
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
            raise click.ClickException(f"{solver} gave an infeasible answer to {name}")
        cost = min(evaluation.cost, math.inf if entry.best_known is None else entry.best_known)
        bound = max(run.bound, -math.inf if entry.lower_bound is None else entry.lower_bound)
        if contradicts(bound, cost):
            raise click.ClickException(
                f"{solver} puts {name} above {bound!r}, and a verified cost is {cost!r}"
            )
        if evaluation.cost == cost:
            write_best(found, name, solution)
        found = suites.set_references(found, {name: (cost, bound if math.isfinite(bound) else None)}, source)
    click.echo(f"{len(found.entries)} reference values in {found.folder / suites.RECIPE_FILE}")
