"""`mincache solvers`: list, check."""

from __future__ import annotations

import sys

import click


@click.group(invoke_without_command=True)
@click.pass_context
def solvers(ctx: click.Context) -> None:
    """List the installed solvers, or check one against the contract."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@solvers.command("list")
def list_() -> None:
    """List the installed solvers with their parameters."""
    from dataclasses import fields

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from mincache import registry
    from mincache.errors import MincacheError

    table = Table()
    table.add_column("solver", no_wrap=True)
    for column in ("kind", "seeded", "what it does, and its parameters"):
        table.add_column(column)
    for name in registry.names():
        try:
            kind = registry.load(name)
        except MincacheError as error:
            table.add_row(name, "", "", escape(f"not available: {error}"))
            continue
        about = (kind.__doc__ or "").splitlines()[0]
        given = ", ".join(f"{f.name}={f.default}" for f in fields(kind) if f.init)  # type: ignore[arg-type]
        text = escape(about) + (f"\n[dim]{escape(given)}[/]" if given else "")
        table.add_row(name, kind.kind, "yes" if kind.stochastic else "no", text)
    Console().print(table)


@solvers.command()
@click.argument("solver")
def check(solver: str) -> None:
    """Check SOLVER (a name or FILE.py:CLASS, parameters allowed) against the solver contract.

    Exit code 1 if a check fails.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    from mincache.conformance import check_solver

    colours = {"passed": "green", "failed": "red"}
    table = Table("check", "result", "detail")
    checks = list(check_solver(solver))
    for result in checks:
        outcome = Text(result.outcome, style=colours.get(result.outcome, ""))
        table.add_row(escape(result.name), outcome, escape(result.detail))
    Console().print(table)
    sys.exit(1 if any(result.outcome == "failed" for result in checks) else 0)
