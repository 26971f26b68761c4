"""`mincache solvers`: list, check, new."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.completion import solver_names
from mincache.cli.options import FOLDER, SECONDS, json_option
from mincache.cli.terminal import Styled, TerminalTable, print_json, show, waiting

if TYPE_CHECKING:
    from mincache.solving.conformance import Check
    from mincache.solving.contract import Solver

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
@json_option("a JSON array")
def list_(as_json: bool = False) -> None:
    """List the installed solvers with their parameters.

    \b
    mincache solvers list
    mincache solvers list --json
    """  # noqa: D301  # \b is click's mark for a block to be left as it is
    from mincache.solving import registry

    with waiting("loading solvers"):
        rows = [_about(name) for name in registry.names()]
    if as_json:
        print_json(rows)
        return
    table: list[list[str | Styled]] = []
    for row in rows:
        if row["missing"]:
            table.append([row["solver"], "", "", f"not available: {row['missing']}"])
            continue
        table.append([row["solver"], row["kind"], "yes" if row["stochastic"] else "no", row["about"]])
        if given := ", ".join(f"{p['name']}={p['default']}" for p in row["parameters"]):
            table.append(["", "", "", Styled(given, "dim")])
    show(TerminalTable(("solver", "kind", "seeded", "what it does, and its parameters"), "llll", table))


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
@click.option("--patience", type=SECONDS, default=600.0, show_default=True,
              help="Seconds that one check may take.")  # fmt: skip
@json_option("a JSON array")
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
    with waiting("checking") as tell:
        for one in checks_of(solver, patience):
            found.append(one)
            tell(f"checking; passed: {one.name}" if one.outcome == "passed" else "checking")
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        _show(found)
    sys.exit(1 if any(one.outcome == "failed" for one in found) else 0)


def _show(checks: list[Check]) -> None:
    failed = any(one.outcome == "failed" for one in checks)
    titles = ("check", "result", "what was seen", *(["what to do"] if failed else []))
    rows: list[list[str | Styled]] = [
        [one.name, Styled(one.outcome, _COLOURS[one.outcome]), one.detail, *([one.advice] if failed else [])]
        for one in checks
    ]
    show(TerminalTable(titles, "l" * len(titles), rows))
    counts = {outcome: sum(one.outcome == outcome for one in checks) for outcome in _COLOURS}
    click.echo(", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count))


@solvers.command()
@click.argument("name")
@click.option("--file", "as_file", is_flag=True, help="Write a single file instead of a package.")
@click.option("-o", "--output", type=FOLDER, metavar="FOLDER",
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
