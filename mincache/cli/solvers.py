"""`mincache solvers`: list, check, new."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.completion import SOLVER
from mincache.cli.options import FOLDER, SECONDS, machine_output
from mincache.cli.terminal import Styled, TerminalTable, answer, waiting
from mincache.cli.verbs import VerbGroup

if TYPE_CHECKING:
    from mincache.solving.conformance import Check
    from mincache.solving.contract import Solver

_COLOURS = {"passed": "green", "failed": "red", "not applicable": "dim"}


@click.group(cls=VerbGroup, bare="list")
def solvers() -> None:
    """List the installed solvers, check one against the contract, or start one of your own.

    \b
    mincache solvers
    mincache solvers new my-solver
    mincache solvers check 'genetic[population=20,generations=10]'
    """  # noqa: D301  # \b is click's mark for a block to be left as it is


@solvers.command("list")
@machine_output("an array", csv=True)
def list_(form: str | None) -> None:
    """List the installed solvers with their parameters.

    \b
    mincache solvers list
    mincache solvers list --json
    """  # noqa: D301  # \b is click's mark for a block to be left as it is
    from mincache.solving import registry

    with waiting("loading solvers"):
        rows = [_about(name) for name in registry.names()]
    cells: list[list[str | Styled]] = []
    for row in rows:
        if row["missing"]:
            cells.append([row["solver"], "", "", f"not available: {row['missing']}"])
            continue
        cells.append([row["solver"], row["kind"], "yes" if row["stochastic"] else "no", row["about"]])
        if given := ", ".join(_assignments(row)):
            cells.append(["", "", "", Styled(given, "dim")])
    titles = ("solver", "kind", "seeded", "what it does, and its parameters")
    flat = [row | {"parameters": _assignments(row)} for row in rows]
    answer(form, rows, TerminalTable(titles, "lllt", cells, more="--csv"), rows=flat)


def _assignments(row: dict[str, Any]) -> list[str]:
    return [f"{one['name']}={one['default']}" for one in row.get("parameters", ())]


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
@click.option("--patience", type=SECONDS, default=600.0, show_default=True,
              help="A check that takes longer has failed.")  # fmt: skip
@machine_output("an array, an object a check", csv=True)
def check(solver: str, patience: float, form: str | None) -> None:
    """Check SOLVER (a name or FILE.py:CLASS, with or without parameters) against the solver contract.

    The solver runs in its own process, on tiny, odd and large instances. Exit code 1 if a check fails.

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
    counts = {outcome: sum(one.outcome == outcome for one in found) for outcome in _COLOURS}
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    answer(form, [asdict(one) for one in found], _check_table(found), told)
    sys.exit(1 if counts["failed"] else 0)


def _check_table(checks: list[Check]) -> TerminalTable:
    failed = any(one.outcome == "failed" for one in checks)
    titles = ("check", "result", "what was seen", *(["what to do"] if failed else []))
    rows: list[list[str | Styled]] = [
        [one.name, Styled(one.outcome, _COLOURS[one.outcome]), one.detail, *([one.advice] if failed else [])]
        for one in checks
    ]
    return TerminalTable(titles, "tltt"[: len(titles)], rows, more="--csv")


@solvers.command()
@click.argument("name")
@click.option("--file", "as_file", is_flag=True, help="Write a single file instead of a package.")
@click.option("-o", "--output", type=FOLDER,
              help="Folder to write to.  [default: NAME; with --file the current folder]")  # fmt: skip
@machine_output("an object")
def new(name: str, as_file: bool, output: Path | None, form: str | None) -> None:
    """Write a working solver called NAME to start from: a package to install, or a single file.

    \b
    mincache solvers new my-solver
    mincache solvers new my-solver --file
    """  # noqa: D301  # \b is click's mark for a block to be left as it is
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
        form, {"files": files, "solver": called}, *files, "\nnext:", *install,
        f"  mincache solvers check {called}",
        f"  mincache run smoke-v1 --solver {called} --solver popular-first -o results/{name}",
        f"  mincache leaderboard results/{name}",
    )  # fmt: skip
