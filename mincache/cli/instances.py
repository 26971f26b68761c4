"""`mincache instances`: list, verify, show."""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console


@click.group(invoke_without_command=True)
@click.pass_context
def instances(ctx: click.Context) -> None:
    """List the standard suites, or verify or show what is in one."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@instances.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def list_(as_json: bool) -> None:
    """List the standard suites."""
    from rich.console import Console
    from rich.table import Table

    from mincache import suites

    found = [suites.find(name).content for name in suites.standard_names()]
    if as_json:
        rows = [
            {
                "suite": content.name,
                "instances": len(content.instance),
                "slots": content.scenario.slots,
                "users": content.recipe.users,
                "models": content.scenario.models,
                "purpose": content.purpose,
            }
            for content in found
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table("suite", "instances", "T", "N", "M", "purpose")
    for content in found:
        users = ", ".join(map(str, content.recipe.users))
        sizes = (str(content.scenario.slots), users, str(content.scenario.models))
        table.add_row(content.name, str(len(content.instance)), *sizes, content.purpose)
    Console().print(table)


@instances.command()
@click.argument("suite", nargs=-1)
@click.option("--certificates", is_flag=True, help="Check the proofs of the reference values instead.")
def verify(suite: tuple[str, ...], certificates: bool) -> None:
    """Draw every file of SUITEs (default: all standard ones) again from its recipe, and compare bytes.

    With --certificates, check in exact arithmetic that the certificate of each instance proves its best
    known cost to be optimal. Exit code 1 if anything differs, is missing or is refused.
    """
    from mincache import suites
    from mincache.certificate.archive import check_archive

    told = (
        "certificates prove the best known cost" if certificates else "files are as their recipe draws them"
    )
    different = 0
    for name in suite or suites.standard_names():
        found = suites.find(name)
        checked = list(check_archive(found) if certificates else found.verify())
        broken = [(instance, problem) for instance, problem in checked if problem]
        for instance, problem in broken:
            click.echo(f"{instance}: {problem}", err=True)
        click.echo(f"{name}: {len(checked) - len(broken)} of {len(checked)} {told}")
        different += len(broken)
    sys.exit(1 if different else 0)


@instances.command()
@click.argument("suite")
def certify(suite: str) -> None:
    """Write a certificate and the best solution of every instance into SUITE's folder."""
    from rich.progress import track

    from mincache import suites
    from mincache.certificate.archive import write_archive

    found = suites.find(suite)
    names = write_archive(found)
    done = list(track(names, "proving", total=len(found.entries), console=_progress_console()))
    click.echo(f"{len(done)} certificates and solutions in {found.folder}")


@instances.command()
@click.argument("name")
def show(name: str) -> None:
    """Show what is in an instance (a name or a file) or a suite."""
    from rich.console import Console

    from mincache import suites
    from mincache.cli.describe import instance_tables, suite_table

    console = Console()
    if suites.is_suite(name):
        console.print(suite_table(suites.find(name)))
    else:
        console.print(*instance_tables(suites.find_instance(name)), sep="\n")


@instances.command()
@click.argument("suite")
@click.option("--solver", default="decomposition", show_default=True, help="An exact solver.")
def reference(suite: str, solver: str) -> None:
    """Solve every instance of SUITE, and write verified cost and lower bound into its suite.toml.

    The leaderboard measures gaps from these values. A value that is there already is replaced only by a
    lower cost or a higher bound.
    """
    from rich.progress import track

    from mincache import Run, evaluate, registry, suites

    found, method = suites.find(suite), registry.make(solver)
    values = {}
    for name, entry in track(found.entries.items(), "solving", console=_progress_console()):
        instance, run = found.read(name), Run.seeded(0)
        evaluation = evaluate(instance, method.solve(instance, run))
        if not evaluation.feasible:
            raise click.ClickException(f"{solver} gave an infeasible answer to {name}")
        known = math.inf if entry.best_known is None else entry.best_known
        bound = -math.inf if entry.lower_bound is None else entry.lower_bound
        values[name] = (min(evaluation.cost, known), max(run.bound, bound))
    suites.set_references(found, values)
    click.echo(f"{len(values)} reference values in {found.folder / suites.RECIPE_FILE}")


def _progress_console() -> Console:
    """Return a console on standard error, so that progress never mixes with what is asked for."""
    from rich.console import Console

    return Console(stderr=True)
