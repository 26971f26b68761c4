"""The runs of a suite as one flat table: a column an array, a value a run. Every number is a group-by of it.

A run that failed or declined is charged: its cost is that of caching nothing, its time ten limits. No value
of a run, and no mean, depends on any other row: references are the suite's own wherever it states them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from mincache.board.contenders import Contender
from mincache.board.entries import Entry
from mincache.board.protocol import Protocol
from mincache.board.references import Reference
from mincache.errors import InputError
from mincache.generation.suites import Suite
from mincache.problem.evaluation import evaluate
from mincache.problem.quantity import Array
from mincache.problem.solution import Solution

VERIFIED, DECLINED = "verified", "declined"
_NAN = float("nan")


@dataclass(frozen=True, eq=False)
class Runs:
    """The runs of one suite, sorted by contender, instance, seed and repetition.

    Attributes:
        name: of the suite.
        suite: the suite, if it is at hand.
        protocol: the suite's, or the defaults.
        protocol_sha256: of its file; "" without one.
        contenders: who ran, S of them, sorted.
        labels: what to call each.
        entries: the published entry of each, where there is one.
        instances: every instance of the suite, I of them, sorted; of a suite not at hand those seen.
        references: by instance.
        row: [R], which contender a run is of.
        instance: [R], which instance.
        data: the other columns, each [R], by name; see `gathering`.
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
    row: Array
    instance: Array
    data: Mapping[str, Array] = field(repr=False)

    def __getitem__(self, column: str) -> Array:
        return self.data[column]

    @property
    def shape(self) -> tuple[int, int]:
        """S contenders and I instances."""
        return len(self.contenders), len(self.instances)

    @cached_property
    def count(self) -> Array:
        """Runs of each contender on each instance [S, I]."""
        return self.sums(np.ones(len(self.row)))

    @cached_property
    def verified(self) -> Array:
        """Whether a run gave a verified answer [R]."""
        return np.asarray(self["outcome"] == VERIFIED)

    @cached_property
    def fallback(self) -> Array:
        """The cost of caching nothing on each instance [I], which every solver could answer at once."""
        if self.suite is None:
            return np.full(len(self.instances), _NAN)
        instances = map(self.suite.read, self.instances)
        return np.array([evaluate(one, Solution.nothing_cached(one)).cost for one in instances])

    @cached_property
    def reference(self) -> Array:
        """The cost that gaps are to, of each instance [I]; nan where there is none."""
        known = (self.references.get(name) for name in self.instances)
        return np.array([one.cost if one is not None and one.cost > 0 else _NAN for one in known])

    @cached_property
    def cost(self) -> Array:
        """The cost of each run [R], charged where it failed or declined."""
        if self.verified.all():
            return self["cost"]
        return np.where(self.verified, self["cost"], self.fallback[self.instance])

    @cached_property
    def gap(self) -> Array:
        """The gap of each run [R], as a fraction."""
        reference = self.reference[self.instance]
        return np.asarray((self.cost - reference) / reference)

    def charged_s(self, column: str) -> Array:
        """Return the times of a column [R] in s, a run that failed or declined counting ten limits."""
        limit = self.protocol.wall_s
        limits = self["limit_s"] if limit is None else np.full(len(self.row), limit)
        return np.where(self.verified, self[column], self.protocol.penalty * limits)

    def sums(self, values: Array) -> Array:
        """Return sums over the runs [S, I] of values [R]."""
        rows, columns = self.shape
        cell = self.row * columns + self.instance
        return np.bincount(cell, weights=values, minlength=rows * columns).reshape(rows, columns)

    def means(self, values: Array) -> Array:
        """Return means over the runs [S, I] of values [R]; nan where nothing was run."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.sums(values) / self.count)

    @cached_property
    def gaps(self) -> Array:
        """Mean gap of each contender on each instance [S, I]."""
        return self.means(self.gap)

    @cached_property
    def costs(self) -> Array:
        """Mean charged cost of each contender on each instance [S, I]."""
        return self.means(self.cost)

    def of(self, row: int, instance: int | None = None) -> Array:
        """Return where in the table the runs of a contender are, on one instance if it is given."""
        first, last = np.searchsorted(self.row, [row, row + 1])
        if instance is None:
            return np.arange(first, last)
        return np.asarray(first + np.flatnonzero(self.instance[first:last] == instance))

    def streams(self, row: int) -> list[tuple[int, int]]:
        """Return the seed and repetition of a contender's runs, each pair once."""
        where = self.of(row)
        pairs = zip(self["seed"][where].tolist(), self["repetition"][where].tolist(), strict=True)
        return sorted({(int(seed), int(repetition)) for seed, repetition in pairs})

    def matrix(self, row: int, values: Array) -> Array:
        """Return values [R] of a contender as [I, K]; nan where an instance has fewer than K runs."""
        where = self.of(row)
        instance = self.instance[where]
        first = np.searchsorted(instance, instance)
        found = np.full((len(self.instances), int(self.count[row].max(initial=0))), _NAN)
        found[instance, np.arange(len(where)) - first] = values[where]
        return found

    def facts(self, row: int) -> dict[str, Any]:
        """Return the environment of a contender's first run: versions, machine, `stochastic`, `kind`."""
        found: dict[str, Any] = self["environment"][self.of(row)[0]]
        return found

    def kind(self, row: int) -> str:
        """Return a contender's kind, such as `exact`; "" if nobody says."""
        entry = self.entries.get(self.contenders[row])
        return (entry.manifest.kind if entry else "") or str(self.facts(row).get("kind", ""))

    def stochastic(self, row: int) -> bool:
        """Return whether a contender's answer depends on the seed: it says so, or was run more than once."""
        return self.facts(row).get("stochastic") is True or len(self.streams(row)) > 1

    def libraries(self) -> list[int]:
        """Return which library each instance has, numbered from 0; [] if the suite is not at hand."""
        return self._numbered("library")

    def strata(self) -> list[int]:
        """Return a number for each instance's setting, library and number of users; [] if unknown."""
        return self._numbered("setting", "library", "users")

    def _numbered(self, *fields: str) -> list[int]:
        if self.suite is None:
            return []
        entries = [self.suite.entries[name] for name in self.instances]
        keys = [tuple(-1 if v is None else v for v in (getattr(e, f) for f in fields)) for e in entries]
        known = sorted(set(keys))
        return [known.index(key) for key in keys]

    def among(self, instances: Iterable[str]) -> Runs:
        """Return the runs on these instances alone, which then are all there are."""
        wanted = set(instances)
        kept = [n for n, name in enumerate(self.instances) if name in wanted]
        number = np.full(len(self.instances), -1)
        number[kept] = np.arange(len(kept))
        here = number[self.instance] >= 0
        names = tuple(self.instances[n] for n in kept)
        return self._chosen(here, names, number[self.instance[here]])

    def attempted_by_all(self) -> Runs:
        """Return the runs on the instances that every contender has attempted."""
        whole = np.flatnonzero((self.count > 0).all(axis=0))
        return self.among(self.instances[n] for n in whole)

    def only(self, wanted: Sequence[str]) -> Runs:
        """Return the contenders whose label, solver or solver name is among `wanted`; all if that is empty.

        Raises:
            InputError: if nothing goes by one of the names.
        """
        if not wanted:
            return self
        known = [{self.labels[who], who.solver, who.name} for who in self.contenders]
        for name in wanted:
            if not any(name in names for names in known):
                rule = f"must be among {', '.join(sorted(set(self.labels.values())))}"
                raise InputError("solvers", rule, repr(name))
        kept = np.array([bool(names & set(wanted)) for names in known])
        here = kept[self.row]
        return self._chosen(here, self.instances, self.instance[here])

    def _chosen(self, here: Array, instances: tuple[str, ...], instance: Array) -> Runs:
        """Return the runs at `here`, and the contenders that have one."""
        kept, row = np.unique(self.row[here], return_inverse=True)
        return replace(
            self,
            contenders=tuple(self.contenders[n] for n in kept),
            instances=instances,
            row=row,
            instance=instance,
            data={name: values[here] for name, values in self.data.items()},
        )
