"""A solver's history: runs of one label at several commits of its own repository, as a series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from mincache.board import ranks
from mincache.board.comparison import Told, compare
from mincache.board.contenders import Contender, labels
from mincache.board.entries import Entry
from mincache.board.runs import Gatherer
from mincache.board.table import QUESTIONS, Row, Table, known
from mincache.errors import InputError
from mincache.files.repository import Commit

_CHANGES = "+"
"""Between a commit and the source of a tree that differs from it."""


class HistoryGatherer(Gatherer):
    """Takes in runs at commits of a history, and tells who ran by commit; `passed_over`: how many others."""

    def __init__(self, commits: Sequence[Commit], solvers: Sequence[str] = ()) -> None:
        super().__init__()
        self._commits, self._solvers = {one.name for one in commits}, set(solvers)
        self._labels: set[str] = set()
        self.passed_over: Counter[str] = Counter()

    def add(self, run: Mapping[str, Any], entry: Entry | None = None) -> None:
        """Take in a run if it is of one of the solvers, at one of the commits."""
        cell, commit = run["cell"], run["environment"].get("solver_commit")
        self._labels.add(cell["solver"])
        if self._solvers and not self._solvers & {cell["solver"], cell["solver_name"]}:
            return
        if not isinstance(commit, str) or commit not in self._commits:
            self.passed_over["at other commits" if commit else "without a commit of the solver"] += 1
            return
        code = "".join(cell[f"solver_{part}"] for part in ("source", "files", "modules"))
        step = commit + (_CHANGES + code if run["environment"].get("solver_dirty") else "")
        same = dict.fromkeys(("solver_files", "solver_modules", "solver_version"), "")
        own = {**cell, **same, "parameters": {}, "solver_source": step}
        super().add({**run, "cell": own}, entry)

    def suites(self) -> list[str]:
        """Return the names of the suites so far, sorted; refused if there is none."""
        if found := super().suites():
            return found
        if self._solvers and not self.passed_over:
            rule = f"must be among {', '.join(sorted(self._labels))}"
            raise InputError("--solver", rule, repr(min(self._solvers)))
        told = ", ".join(f"{count} {what}" for what, count in self.passed_over.items())
        advice = "run a solver whose file is in this repository"
        raise InputError("--since", "must leave runs at commits from there on", told, advice)


def series(table: Table, commits: Sequence[Commit]) -> list[Told]:
    """Return the series of each solver and limits, made of what a `HistoryGatherer` took in.

    `change` is that of the costs since the step before, on geometric average, `adjusted` the p-values by
    question, by Holm over the steps.
    """
    places = {commit.name: place for place, commit in enumerate(commits)}

    def place(row: Row) -> tuple[int, bool, str]:
        return places[_commit(row)], _CHANGES in row.who.source, str(min(row.frame["started"]))

    groups: dict[Contender, list[Contender]] = {}
    for who in table.runs.contenders:
        groups.setdefault(who._replace(source=""), []).append(who)
    named, found = labels(groups), []
    for shared, members in groups.items():
        rows = sorted(Table(table.runs.of_contenders(members)).rows, key=place)
        steps = [_step(row, commits[places[_commit(row)]].subject) for row in rows]
        for step, change in zip(steps[1:], _changes(rows), strict=True):
            step |= change
        found.append({"suite": table.runs.name, "solver": named[shared], "steps": steps})
    return found


def _commit(row: Row) -> str:
    return row.who.source.partition(_CHANGES)[0]


def _step(row: Row, subject: str) -> Told:
    means = {name: row.by_instance(column) for name, column in (("cost", "charged_cost"), ("gap", "gap"))}
    return {
        "commit": _commit(row), "dirty": _CHANGES in row.who.source, "subject": subject,
        "instances": row.covered, "runs": len(row.frame), "failed": len(row.frame) - row.verified,
        **{f"mean_{name}": known(float(values[row.runs.count[row.number] > 0].mean()))
           for name, values in means.items()},
        "change": None, "adjusted": {}, "told": "",
    }  # fmt: skip


def _changes(rows: Sequence[Row]) -> Iterator[Told]:
    pairs = list(pairwise(rows))
    found = [compare(*pair) for pair in pairs]
    adjusted: list[dict[str, float]] = [dict(one["p_values"]) for one in found]
    for question in QUESTIONS:
        # What no seed could change is a fact, and no test among others.
        tested = [
            n for n, pair in enumerate(pairs)
            if question in adjusted[n]
            and (question != "here" or any(row.sample(question).uncertain for row in pair))
        ]  # fmt: skip
        for n, p in zip(tested, ranks.holm([adjusted[n][question] for n in tested]), strict=True):
            adjusted[n][question] = p
    for (_, after), one, values in zip(pairs, found, adjusted, strict=True):
        told = _told(one, values, 1.0 - after.runs.protocol.level)
        yield {"change": one["mean_change"], "adjusted": values, "told": told}


def _told(one: Mapping[str, Any], adjusted: Mapping[str, float], error: float) -> str:
    """Return the widest thing that can be said of a change, as a sentence."""
    if not one["pairs"]:
        return "no instance in common with the step before: nothing can be told"
    if one["wins"] == one["losses"] == 0:
        return "the same cost on every instance"
    settled = [name for name in list(QUESTIONS)[::-1] if adjusted.get(name, np.inf) <= error]
    if not settled:
        return "no change can be told from chance"
    sense, p = "better" if one["mean_change"] < 0 else "worse", adjusted[settled[0]]
    return f"{sense} on {QUESTIONS[settled[0]]}" + (f" (p {p:.2g})" if p else "")
