"""`mincache solvers`: list, check, new."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli import options
from mincache.cli.completion import SOLVER
from mincache.cli.terminal import Styled, TerminalTable, answer, waiting
from mincache.cli.verbs import VerbGroup

if TYPE_CHECKING:
    from mincache.solving.contract import Solver

_COLOURS = {"passed": "green", "failed": "red", "not applicable": "dim"}


@click.group(cls=VerbGroup, bare="list")
def solvers() -> None:
    """List the installed solvers, check one against the contract, or start one of your own."""


@solvers.command("list")
@options.machine_output("an array", csv=True)
def list_() -> None:
    """List the installed solvers with their parameters."""
    from mincache.solving import registry

    with waiting("loading solvers"):
        rows = [_about(name) for name in registry.names()]
    cells: list[list[str | Styled]] = []
    flat = []
    for row in rows:
        given = [f"{one['name']}={one['default']}" for one in row.get("parameters", ())]
        flat.append(row | {"parameters": given})
        if row["missing"]:
            cells.append([row["solver"], "", "", f"not available: {row['missing']}"])
            continue
        cells.append([row["solver"], row["kind"], "yes" if row["stochastic"] else "no", row["about"]])
        if given:
            cells.append(["", "", "", Styled(", ".join(given), "dim")])
    columns = {"solver": "l", "kind": "l", "seeded": "l", "what it does, and its parameters": "t"}
    answer(rows, TerminalTable(columns, cells, more="--csv"), rows=flat)


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
@click.argument("solver", type=SOLVER)
@click.option("--patience", type=options.SECONDS, default=600.0, help="A check that takes longer has failed.")
@options.machine_output("an array, an object a check", csv=True)
def check(solver: str, patience: float) -> None:
    """Check SOLVER (a name or FILE.py:CLASS, with or without parameters) against the solver contract.

    The solver runs in its own process, on tiny, odd and large instances. Exit code 1 if a check fails.
    """
    from mincache.cli.check_child import checks_of

    found = []
    with waiting("checking") as tell:
        for one in checks_of(solver, patience):
            found.append(one)
            tell(f"checking; passed: {one.name}" if one.outcome == "passed" else "checking")
    counts = {outcome: sum(one.outcome == outcome for one in found) for outcome in _COLOURS}
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    columns = {"check": "t", "result": "l", "what was seen": "t", "what to do": "t"}
    rows: list[list[str | Styled]] = [
        [one.name, Styled(one.outcome, _COLOURS[one.outcome]), one.detail, one.advice] for one in found
    ]
    if not counts["failed"]:
        columns.pop("what to do")
        rows = [row[:3] for row in rows]
    table = TerminalTable(columns, rows, more="--csv")
    answer([dataclasses.asdict(one) for one in found], table, told, failed=bool(counts["failed"]))


@solvers.command()
@click.argument("name")
@click.option("--file", "as_file", is_flag=True, help="Write a single file instead of a package.")
@click.option("-o", "--output", type=options.FOLDER,
              help="Folder to write to.  [default: NAME; with --file the current folder]")  # fmt: skip
@options.machine_output("an object")
def new(name: str, as_file: bool, output: Path | None) -> None:
    """Write a working solver called NAME to start from: a package to install, or a single file."""
    from mincache.solving import scaffold

    install = []
    if as_file:
        paths = [scaffold.write_file(name, output or Path())]
        called = f"{paths[0]}:{scaffold.class_name(name)}"
    else:
        paths = scaffold.write_package(name, output or Path(name))
        called, install = name, [f"  pip install -e {output or name}"]
    files = list(map(str, paths))
    answer(
        {"files": files, "solver": called}, *files, "\nnext:", *install,
        f"  mincache solvers check {called}",
        f"  mincache run smoke-v1 --solver {called} --solver popular-first -o results/{name}",
        f"  mincache leaderboard results/{name}",
    )  # fmt: skip
