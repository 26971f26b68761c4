"""Who competes: one row of a table is one contender, and records of two are never mixed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from mincache.errors import InputError
from mincache.files.documents import digest

_SHOWN_CHARACTERS = 100


class Contender(NamedTuple):
    """A solver as it ran: all that makes two runs of one instance comparable as repetitions; see `Cell`.

    Attributes:
        source: SHA-256 of its source file; `files` and `modules` that of what else it depends on, or "".
        parameters: every parameter, as canonical JSON.
        authors: who published it, one name a line; "" if it is not published.
    """

    solver: str
    name: str
    source: str
    files: str
    modules: str
    version: str
    parameters: str
    wall_s: float | None
    cpu_s: float | None
    memory_bytes: int | None
    threads: int
    evaluator_version: str
    evaluations: int | None = None
    authors: str = ""

    @property
    def sha256(self) -> str:
        """SHA-256 of all that makes the contender what it is, and of no spelling."""
        # Without a limit on evaluations it is what it was before there was one.
        silent = {"solver", *(("evaluations",) if self.evaluations is None else ())}
        said = [value for name, value in self._asdict().items() if name not in silent]
        return digest(json.dumps(said).encode())


CELL_FIELDS = ("solver", "solver_name", "solver_source", "solver_files", "solver_modules", "solver_version",
               "parameters", "wall_s", "cpu_s", "memory_bytes", "threads", "evaluator_version",
               "evaluations")  # fmt: skip
"""What of a cell tells who ran in it, in the order of a `Contender`."""


def contender(cell: Mapping[str, Any], authors: Iterable[str] = ()) -> Contender:
    """Return who ran in a cell with these fields, published by `authors`."""
    said = {name: cell[name] for name in CELL_FIELDS}
    said["parameters"] = json.dumps(said["parameters"], sort_keys=True)
    return Contender._make([*said.values(), "\n".join(sorted(authors))])


def _limit(value: float | None, unit: str) -> str:
    return "no limit" if value is None else f"{value:.12g} {unit}"


_TRAITS: Sequence[Callable[[Contender], str]] = (
    lambda one: _limit(one.wall_s, "s"),
    lambda one: _limit(one.cpu_s, "s of processor time"),
    lambda one: _limit(one.memory_bytes, "bytes"),
    lambda one: _limit(one.evaluations, "evaluations"),
    lambda one: f"{one.threads} thread{'' if one.threads == 1 else 's'}",
    lambda one: f"version {one.version}",
    lambda one: f"source {one.source[:8]}",
    lambda one: f"files {one.files[:8] or 'unknown'}",
    lambda one: f"modules {one.modules[:8] or 'unknown'}",
    lambda one: f"parameters {digest(one.parameters.encode())[:8]}",
    lambda one: f"evaluator {one.evaluator_version}",
    lambda one: f"by {', '.join(one.authors.splitlines())}" if one.authors else "not published",
)


def labels(contenders: Iterable[Contender]) -> dict[Contender, str]:
    """Return a printable label for each contender: the solver as written, and what sets twins apart."""
    found, listed = {}, list(contenders)
    for one in listed:
        twins = [other for other in listed if other.solver == one.solver]
        differing = [trait(one) for trait in _TRAITS if len({trait(twin) for twin in twins}) > 1]
        found[one] = printable(one.solver) + (f" ({', '.join(differing)})" if differing else "")
    return found


def differences(one: Contender, other: Contender) -> tuple[str, ...]:
    """Return what has changed from one contender to the other beside the solver, such as `60 s -> 10 s`."""
    pairs = ((trait(one), trait(other)) for trait in _TRAITS)
    return tuple(f"{before} -> {after}" for before, after in pairs if before != after)


def chosen(named: Mapping[Contender, str], wanted: Sequence[str]) -> list[Contender]:
    """Return the contenders whose label, solver or solver name is among `wanted`; all if that is empty.

    Raises:
        InputError: if nothing goes by one of the names.
    """
    known = {who: {label, who.solver, who.name} for who, label in named.items()}
    if unknown := set(wanted) - set().union(*known.values()):
        rule = f"must be among {', '.join(sorted(set(named.values())))}"
        raise InputError("solvers", rule, repr(min(unknown)))
    return [who for who, names in known.items() if not wanted or names & set(wanted)]


def printable(text: str) -> str:
    """Return `text` on one line without control characters, shortened where it is very long."""
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return shown if len(shown) <= _SHOWN_CHARACTERS else shown[: _SHOWN_CHARACTERS - 3] + "..."


def look_alike(label: str) -> str:
    """Return the characters of a solver's name that could be taken for others, or cannot be seen at all."""
    return "".join(c for c in label if not (c.isascii() and c.isprintable()))
