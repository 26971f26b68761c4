"""`mincache instances`: list, verify, show."""

from __future__ import annotations

import json
import sys

import click


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
def verify(suite: tuple[str, ...]) -> None:
    """Draw every file of SUITEs (default: all standard ones) again from its recipe, and compare bytes.

    Exit code 1 if a file differs, is missing, or is not one that the recipe draws.
    """
    from mincache import suites

    different = 0
    for name in suite or suites.standard_names():
        checked = list(suites.find(name).verify())
        broken = [(instance, problem) for instance, problem in checked if problem]
        for instance, problem in broken:
            click.echo(f"{instance}: {problem}", err=True)
        click.echo(
            f"{name}: {len(checked) - len(broken)} of {len(checked)} files are as their recipe draws them"
        )
        different += len(broken)
    sys.exit(1 if different else 0)


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
