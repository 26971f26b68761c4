"""Verifying a published board, entry by entry: nothing is believed until the evaluator has found it again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice, zip_longest
from pathlib import Path

from mincache.board import render, seals
from mincache.board.checks import below, wrong_in_entry
from mincache.board.contenders import Contender, contender
from mincache.board.entries import MANIFEST_FILE, SHARED_FILE, SUITE_FOLDER, Entry, read_entry
from mincache.board.fitting import unseen
from mincache.board.protocol import read_protocol
from mincache.board.runs import Gatherer, Runs, fields_of
from mincache.board.table import Table
from mincache.errors import InputError
from mincache.files.documents import read_bytes
from mincache.generation.suites import Suite
from mincache.judging.records import Record

TOGETHER = "entries together"
_MOST_SENTENCES = 1000
"""Of one entry."""
Tell = Callable[[str], object]
"""Told the name of each entry that is done."""


@dataclass
class Checked:
    """A board, read and checked: the runs of the entries that hold, and what is wrong with each entry."""

    runs: list[Runs] = field(default_factory=list)
    wrong: dict[str, list[str]] = field(default_factory=dict)

    @property
    def remarks(self) -> tuple[str, ...]:
        """A sentence for each entry that is left out."""
        wrong = {name: sentences[0] for name, sentences in self.wrong.items() if sentences}
        return tuple(
            f"{name} {'' if name.endswith(f'/{SUITE_FOLDER}') else 'is left out, it '}does not verify: {why}"
            for name, why in wrong.items()
        )

    def tables(self) -> list[Table]:
        """Return the ranking of each suite."""
        said, twins = self.remarks, unseen(self.runs)
        return [
            Table(one, tuple(r for r in said if r.startswith(f"{one.name}/")), unseen=twins.get(one.name))
            for one in self.runs
        ]


def read_board(
    board: str | os.PathLike[str], rescore: bool = True, tell: Tell = lambda name: None,
    gatherer: Gatherer | None = None,
) -> Checked:  # fmt: skip
    """Read the entries of a board, checking each, and leave out those that are wrong.

    Stored solutions are scored again if that is asked. A `gatherer` that is given is handed the runs, which
    may be some of many.

    Raises:
        InputError: if the folder holds no entry.
    """
    if any(Path(board).glob(f"*/{MANIFEST_FILE}")):
        advice = f"try: {Path(board).parent} --suite {Path(board).name}"
        raise InputError(f"{board}", "must be a whole board", "the folder of one suite", advice)
    checked, frozen, gathered = Checked(), dict[str, frozenset[str]](), gatherer or Gatherer()
    rows: dict[tuple[str, Contender], str] = {}
    for folder in sorted(_shown(board, f"*/{SUITE_FOLDER}")):
        name = folder.parent.name
        frozen[name], checked.wrong[f"{name}/{SUITE_FOLDER}"] = _check_suite(folder, rescore)
    count = len(checked.wrong)
    for folder in sorted(_shown(board, "*/*")):
        if not folder.is_dir() or folder.name == SUITE_FOLDER:
            continue
        entry, records, wrong = verify_entry(folder, rescore)
        if checked.wrong.get(f"{folder.parent.name}/{SUITE_FOLDER}"):
            wrong.append("its suite does not verify")
        name = f"{folder.parent.name}/{folder.name}"
        if entry is not None and records and not wrong:
            who = contender(vars(records[0].cell), entry.manifest.authors)
            if (twin := rows.setdefault((entry.manifest.suite, who), name)) != name:
                wrong.append(f"is the row of {twin} again: nothing that makes an entry differs")
        checked.wrong[name] = wrong
        known = frozen.get(folder.parent.name)
        if entry is not None and known:
            entry = replace(entry, frozen={seals.identity(record.cell) for record in records} <= known)
        for record in records if not wrong else ():
            gathered.add(fields_of(record), entry)
        tell(name)
    if len(checked.wrong) == count:
        received = "none" if Path(board).is_dir() else "no such folder"
        raise InputError(f"{board}", "must be a board with at least one entry", received)
    if gatherer is None:
        checked.runs = gathered.runs(boards=[board])
    return checked


def nothing_holds(board: str | os.PathLike[str]) -> InputError:
    """Return the refusal of a board with no entry that verifies."""
    advice = f"mincache leaderboard verify {os.fspath(board)} tells why"
    return InputError(os.fspath(board), "must have an entry that verifies", "none", advice)


def _check_suite(folder: Path, rescore: bool) -> tuple[frozenset[str], list[str]]:
    """Return who was frozen before a board's own suite was drawn, and what is wrong with the suite."""
    try:
        suite = Suite(folder)
        foreign = (path.name for path in folder.iterdir() if not _of_suite(path))
        wrong = [f"{name} does not belong to a suite" for name in foreign]
        wrong += [f"is named {suite.name}"] if suite.name != folder.parent.name else []
        seal = seals.opened(folder)
        read_protocol(suite)
        if rescore:
            for name in suite.entries:
                suite.read(name)
            wrong += seals.faults(folder, suite) if seal else []
    except InputError as error:
        return frozenset(), [str(error)]
    return frozenset() if wrong or seal is None else seal[1], wrong


def _of_suite(path: Path) -> bool:
    known = path.suffix == ".toml" or path.name.endswith((".json", ".json.gz", ".jsonl"))
    return known and path.is_file() and not path.is_symlink()


def verify_entry(folder: Path, rescore: bool = True) -> tuple[Entry | None, list[Record], list[str]]:
    """Return an entry, its records, and what is wrong with it, a sentence each."""
    try:
        entry = read_entry(folder)
        records = list(entry.records())
        return entry, records, list(islice(wrong_in_entry(entry, records, rescore), _MOST_SENTENCES))
    except (InputError, OSError) as error:  # an OSError: a folder that cannot be listed
        return None, [], [str(error)]


def verify(
    board: str | os.PathLike[str], draw: Callable[[Table], bytes | None] | None = None,
    tell: Tell = lambda name: None,
) -> dict[str, list[str]]:  # fmt: skip
    """Return what was checked and what is wrong with it: each entry, all together, page and pictures.

    Pictures are looked at if `draw` draws that of a suite again.

    Raises:
        InputError: if the folder holds no entry.
    """
    board = Path(board)
    checked = read_board(board, tell=tell)
    tables = checked.tables()
    built = {board / render.PAGE_FILE: render.page(tables, board).encode()}
    for table in tables:
        path = board / render.chart_file(table.runs.name)
        if draw is not None and path.exists():
            built[path] = draw(table) or b""
    refuted = (sentence for runs in checked.runs for sentence in _refuted(runs))
    files = {path.name: _wrong_file(path, content) for path, content in built.items()}
    return {**checked.wrong, TOGETHER: [*_foreign(board), *refuted], **files}


def _shown(board: str | os.PathLike[str], pattern: str) -> list[Path]:
    """Paths in a board; what is hidden at its top is another's, such as git's."""
    found = Path(board).glob(pattern)
    return [path for path in found if not path.relative_to(board).parts[0].startswith(".")]


def _foreign(board: Path) -> Iterator[str]:
    top = sorted(_shown(board, "*"))
    belonging = {render.PAGE_FILE, *(path.name for path in top if path.is_dir())}
    belonging |= {render.chart_file(name) for name in belonging}
    for path in top:
        if path.name not in belonging or path.is_symlink():
            yield f"{path.name} does not belong to a board"
    for path in sorted(_shown(board, "*/*")):
        if not path.is_dir() and path.name != SHARED_FILE:
            yield f"{path.parent.name}/{path.name} does not belong to a board"


def _refuted(runs: Runs) -> Iterator[str]:
    best = runs.frame[runs.frame["verified"]].groupby("instance")["cost"].min()
    bounded = runs.frame[runs.frame["bound"] > runs.frame["instance"].map(best)]
    for run in bounded.itertuples():
        who, cost = runs.contenders[run.row], best[run.instance]
        if not runs.entries[who].flagged and below(cost, run.bound):
            name = f"{runs.labels[who]}, {runs.instances[run.instance]}"
            yield f"{name}: bound {run.bound} is above the verified cost {cost}"


def _wrong_file(path: Path, rebuilt: bytes) -> list[str]:
    try:
        stored = read_bytes(path)
    except InputError as error:
        return [str(error)]
    pairs = enumerate(zip_longest(stored, rebuilt))
    place = next((n for n, (one, other) in pairs if one != other), None)
    return [] if place is None else [f"differs from what the entries give, from byte {place} on"]
