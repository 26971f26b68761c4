"""`mincache solvers`: list, check, new."""

from __future__ import annotations

import dataclasses
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.completing import solver_names

if TYPE_CHECKING:
    from rich.console import Console

    from mincache.solving.conformance import Check
    from mincache.solving.contract import Solver

_PIPED_WIDTH = 200
_COLOURS = {"passed": "green", "failed": "red", "not applicable": "dim"}


@click.group(invoke_without_command=True)
@click.pass_context
def solvers(ctx: click.Context) -> None:
    """List the installed solvers, check one against the contract, or begin one of your own.

    \b
    mincache solvers
    mincache solvers new my-solver
    mincache solvers check 'genetic[population=20,generations=10]'
    """  # noqa: D301  # \b is click's mark for a block to be left as it is
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@solvers.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def list_(as_json: bool = False) -> None:
    """List the installed solvers with their parameters.

    \b
    mincache solvers list
    mincache solvers list --json
    """  # noqa: D301  # \b is click's mark for a block to be left as it is
    from rich.markup import escape
    from rich.table import Table

    from mincache.solving import registry

    with _console(stderr=True).status("loading solvers"):
        rows = [_about(name) for name in registry.names()]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table()
    table.add_column("solver", no_wrap=True)
    for column in ("kind", "seeded", "what it does, and its parameters"):
        table.add_column(column)
    for row in rows:
        if row["missing"]:
            table.add_row(row["solver"], "", "", escape(f"not available: {row['missing']}"))
            continue
        given = ", ".join(f"{p['name']}={p['default']}" for p in row["parameters"])
        text = escape(row["about"]) + (f"\n[dim]{escape(given)}[/]" if given else "")
        table.add_row(row["solver"], row["kind"], "yes" if row["stochastic"] else "no", text)
    _console().print(table)


def _about(name: str) -> dict[str, Any]:
    """Return what is known of an installed solver; why, if it cannot be loaded."""
    from mincache.errors import MincacheError
    from mincache.solving import registry

    row: dict[str, Any] = {"solver": name, "missing": ""}
    try:
        kind = registry.load(name)
    except MincacheError as error:
        return row | {"missing": str(error)}
    about = (kind.__doc__ or "").splitlines()[0]
    return row | {
        "kind": kind.kind, "stochastic": kind.stochastic, "about": about, "parameters": _parameters(kind),
    }  # fmt: skip


def _parameters(kind: type[Solver]) -> list[dict[str, Any]]:
    """Return name, type and default of each parameter; the default `...` of one that must be given."""
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]  # the registry has checked that it is one
    return [
        {
            "name": field.name,
            "type": str(getattr(field.type, "__name__", field.type)),
            "default": "..." if field.default is dataclasses.MISSING else _plain(field.default),
        }
        for field in fields
        if field.init
    ]


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str | None) else str(value)


@solvers.command()
@click.argument("solver", shell_complete=solver_names)
@click.option("--patience", type=click.FloatRange(min=0, min_open=True), default=600.0, show_default=True,
              help="Seconds that one check may take.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def check(solver: str, patience: float, as_json: bool) -> None:
    """Check SOLVER (a name or FILE.py:CLASS, parameters allowed) against the solver contract.

    The solver runs in a process of its own, on tiny, odd and large instances. Exit code 1 if a check fails.

    \b
    mincache solvers check cloud-only
    mincache solvers check 'genetic[population=20,generations=10]'
    mincache solvers check my_solver.py:MySolver --json
    """  # noqa: D301  # \b is click's mark for a block to be left as it is
    from mincache.cli.check_child import checks_of

    found = []
    with _console(stderr=True).status("checking") as status:
        for one in checks_of(solver, patience):
            found.append(one)
            status.update(f"checking; passed: {one.name}" if one.outcome == "passed" else "checking")
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
    else:
        _show(found)
    sys.exit(1 if any(one.outcome == "failed" for one in found) else 0)


def _show(checks: list[Check]) -> None:
    from rich.table import Table
    from rich.text import Text

    failed = any(one.outcome == "failed" for one in checks)
    table = Table("check", "result", "what was seen", *(["what to do"] if failed else []))
    for one in checks:
        outcome = Text(one.outcome, style=_COLOURS[one.outcome])
        table.add_row(Text(one.name), outcome, Text(one.detail), *([Text(one.advice)] if failed else []))
    _console().print(table)
    counts = {outcome: sum(one.outcome == outcome for one in checks) for outcome in _COLOURS}
    click.echo(", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count))


@solvers.command()
@click.argument("name")
@click.option("--file", "as_file", is_flag=True, help="Write a single file instead of a package.")
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
              help="Where it goes; default: a folder called NAME, with --file the current one.")  # fmt: skip
def new(name: str, as_file: bool, output: Path | None) -> None:
    """Write a working solver called NAME to begin with: a package to install, or a single file.

    \b
    mincache solvers new my-solver
    mincache solvers new my-solver --file
    """  # noqa: D301  # \b is click's mark for a block to be left as it is
    from mincache.solving import scaffold

    if as_file:
        path = scaffold.write_file(name, output or Path())
        click.echo(f"{path}\n\nnext:")
        called = f"{path}:{scaffold.class_name(name)}"
    else:
        for path in scaffold.write_package(name, output or Path(name)):
            click.echo(path)
        click.echo(f"\nnext:\n  pip install -e {output or name}")
        called = name
    click.echo(f"  mincache solvers check {called}")
    click.echo(f"  mincache run smoke-v1 --solver {called} --solver popular-first -o results/{name}")
    click.echo(f"  mincache leaderboard results/{name}")


def _console(stderr: bool = False) -> Console:
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    return console
