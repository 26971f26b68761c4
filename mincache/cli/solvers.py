"""`mincache solvers`: list, check, new.

Checks run in a child process, so that a solver that crashes or hangs is told as well.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import click

import mincache
from mincache.bench import processes
from mincache.cli import options
from mincache.cli.completion import SOLVER
from mincache.cli.terminal import Styled, TerminalTable, answer, waiting
from mincache.cli.verbs import VerbGroup
from mincache.solving import conformance, registry, scaffold

_LONGEST_WAIT_S = 1e6
_GONE = "all checks run to their end"
_COLOURS = {"passed": "green", "failed": "red", "not applicable": "dim"}


@click.group(cls=VerbGroup, bare="list")
def solvers() -> None:
    """List the installed solvers, check one against the contract, or start one of your own."""


@solvers.command("list")
@options.machine_output("an array", csv=True)
def list_() -> None:
    """List the installed solvers with their parameters."""
    with waiting("loading solvers"):
        rows = [_about(name) for name in registry.names()]
    cells: list[list[str | Styled]] = []
    flat = []
    for row in rows:
        given = [f"{one['name']}={one['default']}" for one in row.get("parameters", ())]
        flat.append(row | {"parameters": given})
        if row["missing"]:
            cells.append([row["solver"], "", "", f"not available: {row['missing']}"])
        else:
            cells.append([row["solver"], row["kind"], "yes" if row["stochastic"] else "no", row["about"]])
        if given:
            cells.append(["", "", "", Styled(", ".join(given), "dim")])
    columns = {"solver": "l", "kind": "l", "seeded": "l", "what it does, and its parameters": "t"}
    answer(rows, TerminalTable(columns, cells, more="--csv"), rows=flat)


def _about(name: str) -> dict[str, Any]:
    """Return what is known of an installed solver; why, if it cannot be loaded."""
    try:
        kind = registry.load(name)
    except mincache.MincacheError as error:
        return {"solver": name, "missing": str(error)}
    about = (kind.__doc__ or "").splitlines()[0]
    return {
        "solver": name, "missing": "", "kind": kind.kind, "stochastic": kind.stochastic, "about": about,
        "parameters": _parameters(kind),
    }  # fmt: skip


def _parameters(kind: type[mincache.Solver]) -> list[dict[str, Any]]:
    """Return name, type and default of each parameter; the default `...` of one that must be given."""
    found = []
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]  # the registry has checked that it is one
        default = "..." if field.default is dataclasses.MISSING else field.default
        plain = default if isinstance(default, bool | int | float | str | None) else str(default)
        kind_of = str(getattr(field.type, "__name__", field.type))
        found += [{"name": field.name, "type": kind_of, "default": plain}] if field.init else []
    return found


@solvers.command()
@click.argument("solver", type=SOLVER)
@click.option("--patience", type=options.SECONDS, default=600.0, help="A check that takes longer has failed.")
@options.machine_output("an array, an object a check", csv=True)
def check(solver: str, patience: float) -> None:
    """Check SOLVER (a name or FILE.py:CLASS, with or without parameters) against the solver contract.

    The solver runs in its own process, on tiny, odd and large instances. Exit code 1 if a check fails.
    """
    found = []
    with waiting("checking") as tell:
        for one in checks_of(solver, patience):
            found.append(one)
            tell(f"checking; passed: {one.name}" if one.outcome == "passed" else "checking")
    counts = {outcome: sum(one.outcome == outcome for one in found) for outcome in _COLOURS}
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    columns = {"check": "t", "result": "l", "what was seen": "t"}
    columns |= {"what to do": "t"} if counts["failed"] else {}
    cells = [(one.name, Styled(one.outcome, _COLOURS[one.outcome]), one.detail, one.advice) for one in found]
    table = TerminalTable(columns, cells, more="--csv")
    answer([dataclasses.asdict(one) for one in found], table, told, failed=bool(counts["failed"]))


def checks_of(spec: str, patience_s: float) -> Iterator[conformance.Check]:
    """Yield the result of each check of a solver; a failure where it ends or hangs the process.

    Raises:
        MincacheError: if there is no such solver, or its parameters cannot be read.
    """
    context = multiprocessing.get_context("spawn")
    reading, writing = context.Pipe(duplex=False)
    process = context.Process(target=_check, args=(spec, writing, os.getpid()))
    process.start()
    assert process.pid is not None  # it has started
    writing.close()
    last = "the start"
    try:
        while reading.poll(min(patience_s, _LONGEST_WAIT_S)):
            message = json.loads(reading.recv_bytes())
            if "refused" in message:
                raise mincache.MincacheError(message["refused"])
            if "end" in message:
                return
            yield conformance.Check(**message)
            last = message["name"]
        seen = f"nothing for {patience_s:g} s after {last!r}"
        advice = "look at run.should_stop() in every loop; --patience waits longer"
        yield conformance.Check(_GONE, "failed", seen, advice)
    except EOFError:
        process.join()
        status = process.exitcode or 0
        ended = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        advice = "run it under `python -X faulthandler` to see where"
        yield conformance.Check(_GONE, "failed", f"the process ended with {ended} after {last!r}", advice)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.join()
        reading.close()


def _check(spec: str, pipe: Connection, parent: int) -> None:
    """Check a solver, and send each result as JSON."""
    processes.die_with_parent(parent)
    os.setsid()  # so that all that the solver starts can be ended
    os.dup2(2, 1)  # what it prints must not mix with the results
    try:
        for check in conformance.iter_checks(spec):
            pipe.send_bytes(json.dumps(dataclasses.asdict(check)).encode())
        pipe.send_bytes(b'{"end": true}')
    except mincache.MincacheError as error:
        pipe.send_bytes(json.dumps({"refused": str(error)}).encode())
    sys.stdout.flush()
    os._exit(0)  # whatever threads the solver has left


@solvers.command()
@click.argument("name")
@click.option("--file", "as_file", is_flag=True, help="Write a single file instead of a package.")
@click.option("-o", "--output", type=options.FOLDER,
              help="Folder to write to.  [default: NAME; with --file the current folder]")  # fmt: skip
@options.machine_output("an object")
def new(name: str, as_file: bool, output: Path | None) -> None:
    """Write a working solver called NAME to start from: a package to install, or a single file."""
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
