"""The runs of a suite as one flat table, a row a run: every number of a leaderboard is a group-by of it.

A run that failed or declined is charged: its cost is that of caching nothing, its time ten limits. No value
of a run, and no mean, depends on any other row: references are the suite's own wherever it states them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas

from mincache.board.contenders import Contender, chosen
from mincache.board.entries import Entry
from mincache.board.protocol import Protocol
from mincache.generation.recipes import Reference
from mincache.generation.suites import Suite
from mincache.problem.evaluation import evaluate
from mincache.problem.quantity import Array
from mincache.problem.solution import Solution

VERIFIED, DECLINED = "verified", "declined"
_MEANS = ["charged_cost", "gap", "charged_gap", "hit_ratio", "low_hits", "charged_solve_s",
          "charged_answer_s"]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Runs:
    """The runs of one suite, which need not be at hand.

    Attributes:
        protocol: the suite's, or the defaults; `protocol_sha256` is of its file, "" without one.
        contenders: who ran, S of them, sorted; `labels` is what to call each.
        entries: the published entry of each, where there is one.
        instances: every instance of the suite, I of them, sorted; of a suite not at hand those seen.
        references: what is known of each instance's optimum, by name.
        frame: a row a run, sorted by contender (`row`), `instance`, `seed` and `repetition`, the first two
            numbered. What is charged is in columns of its own.
    """

    name: str
    suite: Suite | None
    protocol: Protocol
    protocol_sha256: str
    contenders: tuple[Contender, ...]
    labels: Mapping[Contender, str]
    entries: Mapping[Contender, Entry]
    instances: tuple[str, ...]
    references: Mapping[str, Reference]
    frame: pandas.DataFrame = field(repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """S contenders and I instances."""
        return len(self.contenders), len(self.instances)

    @cached_property
    def count(self) -> Array:
        """Runs of each contender on each instance [S, I]."""
        cell = self.frame["row"] * self.shape[1] + self.frame["instance"]
        return np.bincount(cell, minlength=self.shape[0] * self.shape[1]).reshape(self.shape)

    @cached_property
    def cells(self) -> pandas.DataFrame:
        """Means over the runs of each contender (`row`) on each `instance`; nan without runs."""
        every = pandas.MultiIndex.from_product(map(range, self.shape), names=["row", "instance"])
        return self.frame.groupby(["row", "instance"])[_MEANS].mean(skipna=False).reindex(every)

    def means(self, column: str) -> Array:
        """Return the means of a column for each contender and instance [S, I]; nan without runs."""
        return np.ascontiguousarray(self.cells[column]).reshape(self.shape)

    def of(self, row: int) -> pandas.DataFrame:
        """Return the runs of a contender."""
        first, last = np.searchsorted(self.frame["row"], [row, row + 1])
        return self.frame.iloc[first:last]

    @cached_property
    def fallback(self) -> Array:
        """The cost of caching nothing on each instance [I], which every solver could answer at once."""
        return nothing_cached(self.suite, self.instances)

    @cached_property
    def reference(self) -> Array:
        """The cost that gaps are to, of each instance [I]; nan where there is none."""
        return reference_costs(self.references, self.instances)

    def numbered(self, *fields: str) -> list[int]:
        """Return a number for each instance, the same where these fields are; [] if unknown."""
        if self.suite is None:
            return []
        entries = [self.suite.entries[name] for name in self.instances]
        keys = [tuple(-1 if v is None else v for v in (getattr(e, f) for f in fields)) for e in entries]
        known = {key: n for n, key in enumerate(sorted(set(keys)))}
        return [known[key] for key in keys]

    @cached_property
    def libraries(self) -> list[int]:
        """Which library each instance has, numbered from 0; [] if the suite is not at hand."""
        return self.numbered("source", "library")

    @cached_property
    def strata(self) -> list[int]:
        """A number for each instance's setting, library and number of users; [] if unknown."""
        return self.numbered("source", "setting", "library", "users")

    @cached_property
    def by_users(self) -> dict[int, Runs]:
        """The runs with each number of users; empty if the suite is not at hand."""
        users = (
            {} if self.suite is None else {name: self.suite.entries[name].users for name in self.instances}
        )
        return {
            n: self.among(name for name in users if users[name] == n) for n in sorted(set(users.values()))
        }

    def among(self, instances: Iterable[str]) -> Runs:
        """Return the runs on these instances alone, which then are all there are."""
        wanted = set(instances)
        kept = [n for n, name in enumerate(self.instances) if name in wanted]
        frame = self.frame[self.frame["instance"].isin(kept)]
        frame = frame.assign(instance=np.searchsorted(kept, frame["instance"]))
        return self._with(frame, tuple(self.instances[n] for n in kept))

    def attempted_by_all(self) -> Runs:
        """Return the runs on the instances that every contender has attempted."""
        return self.among(self.instances[n] for n in np.flatnonzero((self.count > 0).all(axis=0)))

    def has(self, solver: str) -> bool:
        """Return whether a contender goes by this label, solver or solver name."""
        return any(solver in (self.labels[who], who.solver, who.name) for who in self.contenders)

    def only(self, wanted: Sequence[str]) -> Runs:
        """Return the contenders whose label, solver or solver name is among `wanted`; all if that is empty.

        Raises:
            InputError: if nothing goes by one of the names.
        """
        here = {who: self.labels[who] for who in self.contenders}
        kept = [self.contenders.index(who) for who in chosen(here, wanted)]
        return self._with(self.frame[self.frame["row"].isin(kept)], self.instances) if wanted else self

    def _with(self, frame: pandas.DataFrame, instances: tuple[str, ...]) -> Runs:
        """Return these runs, and the contenders that have one."""
        kept, row = np.unique(frame["row"], return_inverse=True)
        contenders = tuple(self.contenders[n] for n in kept)
        return replace(self, contenders=contenders, instances=instances, frame=frame.assign(row=row))


def nothing_cached(suite: Suite | None, instances: Iterable[str]) -> Array:
    """Return the cost of caching nothing on each instance; nan if the suite is not at hand."""
    nothing = (
        np.nan if suite is None else evaluate(one := suite.read(name), Solution.nothing_cached(one)).cost
        for name in instances
    )
    return np.array(list(nothing), dtype=float)


def reference_costs(references: Mapping[str, Reference], instances: Iterable[str]) -> Array:
    """Return the cost that gaps are to, of each instance; nan where there is none."""
    known = (references.get(name) for name in instances)
    return np.array([one.cost if one is not None and one.cost > 0 else np.nan for one in known])
