"""`mincache doctor`."""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

import click

import mincache
from mincache.bench import executors, plan, processes, supervisor
from mincache.bench import limits as bench_limits
from mincache.cli.options import machine_output
from mincache.cli.terminal import Styled, TerminalTable, answer, waiting

ENABLES = {
    "pyomo": "the solvers relaxation, highs, scip and pyomo; mincache export",
    "genetic": "the solvers genetic and pymoo",
    "ddpg": "mincache train, which learns with torch, and the Gymnasium environment",
    "sb3": "training with the algorithms of Stable-Baselines3",
    "plots": "pictures of instances, answers and results",
    "board": "the charts and pages of a published leaderboard",
    "dask": "mincache run --executor dask",
    "compiled": "decomposition in compiled loops, for instances beyond the paper's",
    "certify": "mincache certify, which writes and checks proofs",
    "tune": "mincache tune",
    "data": "to_xarray in Python, and request logs in Parquet files",
}
"""What each extra is for; those for developers of mincache are left out."""

_REQUIREMENT = re.compile(r"""([\w.-]+)[^;]*;\s*extra\s*==\s*["'](\w+)["']""")
_REFUSABLE: dict[str, Any] = {"wall_s": 30.0, "cpu_s": 30.0, "memory_bytes": 1 << 32}
"""Limits of the trial run; a system may be unable to enforce some."""


@click.command()
@machine_output("an object")
def doctor() -> None:
    """Show what is installed, what each missing extra would add, and which limits can be enforced here.

    Exit code 1 if a run does not work on this machine.
    """
    with waiting("trying a run"):
        works = _trial()
    enforced = works.pop("enforced")
    found = {"versions": _versions(), "extras": _extras(), "limits": limits(enforced), "trial": works}
    answer(found, *_shown(found), failed=not works["works"])


def _versions() -> dict[str, str]:
    """Return the versions of mincache, Python, the libraries that it always needs, and the system."""
    needed = [re.split(r"[^\w.-]", line)[0] for line in requires("mincache") or () if "extra ==" not in line]
    return {
        "mincache": version("mincache"), "python": platform.python_version(),
        **{name: version(name) for name in needed}, "system": f"{platform.system()} {platform.release()}",
    }  # fmt: skip


def _extras() -> dict[str, dict[str, Any]]:
    """Return for each extra what it is for, and the version of each of its libraries; None if missing."""
    libraries: dict[str, dict[str, str | None]] = {extra: {} for extra in ENABLES}
    for match in filter(None, map(_REQUIREMENT.match, requires("mincache") or ())):
        if match[2] in libraries:
            libraries[match[2]][match[1]] = None
            with suppress(PackageNotFoundError):
                libraries[match[2]][match[1]] = version(match[1])
    return {
        extra: {"enables": about, "libraries": own, "installed": None not in own.values()}
        for (extra, about), own in zip(ENABLES.items(), libraries.values(), strict=True)
    }


def limits(enforced: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return for each limit whether this machine enforces it, and how (as a run's record says) or why not."""
    blind = "" if sees_descendants() else "the system does not tell what a process has started"
    found: dict[str, dict[str, Any]] = {}
    for name in ("wall_s", "cpu_s", "memory_bytes", "threads"):
        works, how = name in enforced, enforced.get(name) or _refusal(name) or "no run has worked"
        if works and blind and name in ("cpu_s", "memory_bytes"):
            works, how = False, blind
        found[name] = {"enforced": works, "how": how}
    how = enforced.get("isolation", "no run has worked")
    found["isolation"] = {"enforced": how.startswith(("namespaces", "landlock")), "how": how}
    return found


def _refusal(name: str) -> str:
    """Return why a limit cannot be enforced here; "" if it can."""
    try:
        bench_limits.Limits(**{name: _REFUSABLE[name]} if name in _REFUSABLE else {}).check_enforceable()
    except mincache.InputError as error:
        return str(error)
    return ""


def sees_descendants() -> bool:
    """Return whether the system tells which processes a process has started; tried with one."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        return process.pid in processes.descendants(os.getpid())
    finally:
        process.kill()
        process.wait()


def _trial() -> dict[str, Any]:
    """Return whether a run in a child process works here, and how its limits were enforced."""
    most = {name: value for name, value in _REFUSABLE.items() if not _refusal(name)}
    try:
        with supervisor.Supervisor() as keeper:
            entrants, limits = [supervisor.describe("cloud-only", keeper)], bench_limits.Limits(**most)
            task = plan.plan(mincache.suite("smoke-v1"), entrants, 1, limits)[0]
            record = executors.attempt(task, task.read(), keeper).record
    except (mincache.MincacheError, OSError) as error:
        return {"works": False, "told": str(error), "enforced": {}}
    told = f"{record.cell.solver} on {record.cell.instance}: {record.verdict} {record.reason}".strip()
    return {"works": record.passed, "told": told, "enforced": record.environment["enforced"]}


def _shown(found: dict[str, Any]) -> Iterator[TerminalTable | str]:
    yield ", ".join(f"{name} {number}" for name, number in found["versions"].items()) + "\n"
    extras = []
    for extra, about in found["extras"].items():
        libraries = ", ".join(f"{name} {number or '-'}" for name, number in about["libraries"].items())
        extras.append([extra, _mark(about["installed"], "installed", "missing"), about["enables"], libraries])
    columns = {"extra": "l", "state": "l", "what it adds": "t", "libraries": "t"}
    yield TerminalTable(columns, extras, "extras", more="--json")
    if absent := [extra for extra, about in found["extras"].items() if not about["installed"]]:
        yield f"to add what is missing: pip install 'mincache[{','.join(absent)}]'"
    limits = [
        [name, _mark(one["enforced"], "yes", "no"), one["how"]] for name, one in found["limits"].items()
    ]
    yield TerminalTable({"limit": "l", "works": "l", "how": "t"}, limits, "\nlimits of a run", more="--json")
    works = "a run works" if found["trial"]["works"] else "a run does not work"
    yield f"\n{works}: {found['trial']['told']}"


def _mark(good: bool, yes: str, no: str) -> Styled:
    return Styled(yes, "green") if good else Styled(no, "yellow")
