"""A seal: a commitment to a secret that instances are drawn from, frozen entries, and its reveal.

Each line holds the hash of the one before.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mincache.board.entries import Person
from mincache.errors import InputError, in_file
from mincache.files.documents import digest, parse_json, read_bytes, write_bytes
from mincache.files.paths import make_folder
from mincache.files.tables import StrictTable, TupleOf, read_toml, validated
from mincache.generation.sealing import Secret, documents
from mincache.generation.suites import Suite
from mincache.judging.records import Cell, Record

if TYPE_CHECKING:
    from mincache.solving.entrant import Entrant

CHAIN_FILE, SECRET_FILE, REVEALED_FILE = "chain.jsonl", "secret.toml", "revealed.toml"
_IDENTITY = ("solver_name", "solver_source", "solver_files", "solver_modules", "libraries",
             "solver_version", "parameters")  # fmt: skip


class SealLine(StrictTable):
    """A line of a seal.

    Attributes:
        date: when it was written, in UTC, by the clock of whoever wrote it.
        previous: SHA-256 of the line before; "" in the first.
        sha256: of the secret; of an entry, over all that makes the solver what it is.
        name: of the suite; or how tables call the solver, which is written as `spec`.
        instances: how many the suite will have; 0 in other lines.
    """

    kind: Literal["commitment", "entry", "reveal"]
    date: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
    previous: str = Field(pattern="^([0-9a-f]{64})?$")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    name: str
    spec: str = ""
    authors: TupleOf[Person] = ()
    instances: int = Field(default=0, ge=0)


def open_seal(folder: Path, secret: Secret) -> SealLine:
    """Write a commitment to a secret, and the secret beside it, into a new folder."""
    if (folder / CHAIN_FILE).exists():
        raise InputError(str(folder), "must not hold a seal yet", CHAIN_FILE, "choose another folder")
    make_folder(folder)
    document, count = secret.document(), len(secret.places())
    write_bytes(folder / SECRET_FILE, document)
    (folder / SECRET_FILE).chmod(0o600)
    commitment = {"kind": "commitment", "sha256": digest(document), "name": secret.name, "instances": count}
    return _append(folder, commitment)[0]


def read_seal(folder: Path) -> list[SealLine]:
    """Return the lines of a seal; refused if one does not follow from the one before."""
    links, previous = list[SealLine](), ""
    with in_file(folder / CHAIN_FILE):
        for number, line in enumerate(read_bytes(folder / CHAIN_FILE).splitlines(), 1):
            link = validated(SealLine, parse_json(line))
            if link.previous != previous:
                raise InputError(f"line {number}", "must hold the hash of the line before", "another hash")
            if (link.kind == "commitment") != (number == 1) or (links and links[-1].kind == "reveal"):
                rule = "must be an entry or the reveal, after one commitment"
                raise InputError(f"line {number}", rule, link.kind)
            links.append(link)
            previous = digest(line)
        if not links:
            raise InputError("chain", "must hold a commitment", "nothing")
    return links


def freeze(folder: Path, entrants: Sequence[Entrant], authors: Iterable[str]) -> list[SealLine]:
    """Add entries to a seal, or none; each is fixed by its source, files, parameters and libraries."""
    with _alone(folder):
        links = read_seal(folder)
        if links[-1].kind == "reveal":
            raise InputError(str(folder), "must not be revealed yet", "an open seal", "make a new seal")
        known = {link.name for link in links[1:]}
        for one in entrants:
            if one.label in known:
                raise InputError("entry", "must have a name of its own", repr(one.label))
            known.add(one.label)
        entries = [
            {"kind": "entry", "sha256": _identity_of(one), "name": one.label, "spec": one.spec,
             "authors": tuple(authors)}
            for one in entrants
        ]  # fmt: skip
        return _append(folder, *entries)


def reveal(folder: Path) -> Secret:
    """Publish the secret of a seal, which must be the one promised; a second call returns it again."""
    with _alone(folder):
        links = read_seal(folder)
        if links[-1].kind == "reveal":
            return _secret(folder / REVEALED_FILE, links)
        secret, document = _secret(folder / SECRET_FILE, links), read_bytes(folder / SECRET_FILE)
        write_bytes(folder / REVEALED_FILE, document)
        _append(folder, {"kind": "reveal", "sha256": digest(document), "name": secret.name})
        return secret


def _secret(path: Path, links: list[SealLine]) -> Secret:
    with in_file(path):
        if (found := digest(read_bytes(path))) != links[0].sha256:
            rule = f"must be {links[0].sha256[:12]}..., the secret that the seal commits to"
            raise InputError("sha256", rule, f"{found[:12]}...")
    return read_toml(path, Secret)


def opened(folder: Path) -> tuple[Secret, frozenset[str]] | None:
    """Return what a suite was drawn from, and the hashes of entries frozen before; None without a seal."""
    if not (folder / CHAIN_FILE).exists():
        return None
    links = read_seal(folder)
    return _secret(folder / REVEALED_FILE, links), frozenset(one.sha256 for one in links[1:-1])


def identity(cell: Cell) -> str:
    """Return a SHA-256 over all that makes a solver what it is, whatever it runs on."""
    return digest(json.dumps([getattr(cell, name) for name in _IDENTITY], sort_keys=True).encode())


def _identity_of(entrant: Entrant) -> str:
    from mincache.bench.limits import Limits
    from mincache.bench.plan import task  # with the bench, which no table needs

    return identity(task("sealed", Path(), "sealed", "", entrant, 0, Limits()).cell)


def changed_entries(links: Iterable[SealLine], entrants: Iterable[Entrant]) -> Iterator[str]:
    """Yield the names of entrants that are no longer what was frozen."""
    frozen = {link.name: link.sha256 for link in links if link.kind == "entry"}
    yield from (one.label for one in entrants if frozen.get(one.label) != _identity_of(one))


def faults(folder: Path, suite: Suite | None = None, records: Iterable[Record] = ()) -> Iterator[str]:
    """Yield what does not hold of a revealed seal, the suite drawn from it and runs of its frozen entries."""
    links = read_seal(folder)
    secret = _secret(folder / REVEALED_FILE, links)
    if len(secret.places()) != links[0].instances:
        yield f"the secret draws {len(secret.places())} instances, not {links[0].instances}"
    if suite is not None:
        drawn = {name: digest(document()) for name, document, _ in documents(secret)}
        listed = {name: digest(read_bytes(suite.path(name))) for name in suite.entries}
        for name in sorted({*drawn, *listed}):
            if drawn.get(name) != listed.get(name):
                yield f"{name} is not what the secret draws"
    frozen = {link.sha256 for link in links if link.kind == "entry"}
    seen: set[str] = set()
    for record in records:
        found = identity(record.cell)
        seen.add(found)
        if found not in frozen:
            yield f"{record.cell.solver} on {record.cell.instance} is not a frozen entry"
        elif suite is not None and record.cell.instance not in suite.entries:
            yield f"{record.cell.instance} is not of the suite"
    if seen:
        yield from (f"{one.name} was frozen and has no run" for one in links[1:-1] if one.sha256 not in seen)


def _append(folder: Path, *added: Mapping[str, object]) -> list[SealLine]:
    path, links = folder / CHAIN_FILE, list[SealLine]()
    lines = read_bytes(path).splitlines() if path.exists() else []
    date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for fields in added:
        previous = digest(lines[-1]) if lines else ""
        links.append(validated(SealLine, {"date": date, "previous": previous, **fields}))
        lines.append(json.dumps(links[-1].model_dump(mode="json", exclude_defaults=True)).encode())
    write_bytes(path, b"".join(line + b"\n" for line in lines))
    return links


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from this seal meanwhile, where the system and its files know locks."""
    with ExitStack() as stack:
        with suppress(ImportError, OSError):
            import fcntl

            descriptor = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
