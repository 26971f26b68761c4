"""Records in order: the ones that count, by suite, contender and instance."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path

from mincache.bench import journal
from mincache.bench.judge import with_contradictions
from mincache.bench.records import Record
from mincache.board.contenders import Contender, Contenders, printable
from mincache.errors import InputError

Runs = Mapping[str, Sequence[Record]]
"""The records of one contender, by instance."""
SuiteRuns = Mapping[Contender, Runs]
"""The records of one suite, by contender and instance."""


def read_campaigns(
    folders: Iterable[str | os.PathLike[str]], warn: Callable[[str], object] = lambda sentence: None
) -> list[Record]:
    """Return every attempt recorded by campaigns, in the order given and written.

    Args:
        folders: of the campaigns.
        warn: told, in a sentence, of a campaign with damaged lines, which are passed over.

    Raises:
        InputError: if a folder holds no campaign, or all of them together no record.
    """
    records = [record for folder in folders for record in _attempts(Path(folder), warn)]
    if not records:
        raise InputError("campaign", "must hold at least one record", "none", "is it still starting?")
    return records


def _attempts(folder: Path, warn: Callable[[str], object]) -> Iterator[Record]:
    torn = count(0)
    yield from journal.attempts(folder, lambda: next(torn))
    if damaged := next(torn):
        lines = "1 damaged line" if damaged == 1 else f"{damaged} damaged lines"
        warn(f"{printable(str(folder))}: {lines} passed over.")


Repetition = tuple[int, int]
"""Root of the random streams, and which of the repetitions."""


def repetition(record: Record) -> Repetition:
    """Return which of its contender's runs of its instance a record is of."""
    return record.cell.seed, record.cell.repetition


def by_suite(records: Iterable[Record]) -> dict[str, SuiteRuns]:
    """Return what counts of `records` for each suite, by name: the last attempt at each cell.

    A record whose bound is above a verified cost of any of the others is marked so.
    """
    who, last = Contenders(), {}
    for record in records:
        cell = record.cell
        last[cell.suite, who.of(cell), cell.instance, repetition(record)] = record
    found: dict[str, dict[Contender, dict[str, dict[Repetition, Record]]]] = {}
    for (suite, one, instance, run), record in zip(
        last, with_contradictions(list(last.values())), strict=True
    ):
        found.setdefault(suite, {}).setdefault(one, {}).setdefault(instance, {})[run] = record
    return {suite: _ordered(found[suite]) for suite in sorted(found)}


def _ordered(results: Mapping[Contender, Mapping[str, Mapping[Repetition, Record]]]) -> SuiteRuns:
    """Sort contenders, instances and repetitions: the order of the input must not show in any output."""
    return {
        who: {name: _in_order(results[who][name]) for name in sorted(results[who])}
        for who in sorted(results, key=repr)
    }


def _in_order(runs: Mapping[Repetition, Record]) -> list[Record]:
    return [runs[run] for run in sorted(runs)]


def chosen(results: SuiteRuns, wanted: Sequence[str], labels: Mapping[Contender, str]) -> SuiteRuns:
    """Return the contenders whose label, solver or solver name is among `wanted`; all if that is empty.

    Raises:
        InputError: if nothing goes by one of the names.
    """
    if not wanted:
        return results
    known = {who: {labels[who], who.solver, who.name} for who in results}
    for name in wanted:
        if not any(name in names for names in known.values()):
            rule = f"must be among {', '.join(sorted(set(labels.values())))}"
            raise InputError("solvers", rule, repr(name))
    return {who: runs for who, runs in results.items() if known[who] & set(wanted)}
