"""One suite's results with what they are held against: what tables, charts and pages are computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean

import numpy as np

from mincache.bench.records import Record
from mincache.board.contenders import Contender, labels
from mincache.board.protocol import Protocol, read_protocol
from mincache.board.references import Reference, find_suite, references, verified_cost
from mincache.board.results import SuiteRuns, by_suite, chosen
from mincache.generation.suites import Suite
from mincache.problem.quantity import Array

NOTHING_VERIFIED = "no verified solution"
NOTHING_SHARED = "no instance in common with the solvers above"


@dataclass(frozen=True, eq=False)
class Standing:
    """The results on one suite.

    Attributes:
        name: of the suite.
        suite: the suite, if it is at hand.
        results: the records that count, by contender and instance.
        labels: what to call each contender.
        references: by instance; they do not depend on which contenders were chosen.
        instances: every instance of the suite, or seen in the records, sorted.
        protocol: the suite's, or the defaults.
        protocol_sha256: of its file; "" without one.
    """

    name: str
    suite: Suite | None
    results: SuiteRuns
    labels: Mapping[Contender, str]
    references: Mapping[str, Reference]
    instances: tuple[str, ...]
    protocol: Protocol
    protocol_sha256: str

    @cached_property
    def verified(self) -> dict[Contender, dict[str, list[Record]]]:
        """The verified runs of each contender on each instance that it covers."""
        found = {}
        for who, runs in self.results.items():
            good = {
                name: [r for r in records if verified_cost(r) is not None] for name, records in runs.items()
            }
            found[who] = {name: records for name, records in good.items() if records}
        return found

    @cached_property
    def run_costs(self) -> dict[Contender, dict[str, list[float]]]:
        """The costs of those runs."""
        return {
            who: {
                name: [cost for r in records if (cost := verified_cost(r)) is not None]
                for name, records in good.items()
            }
            for who, good in self.verified.items()
        }

    @cached_property
    def costs(self) -> dict[Contender, dict[str, float]]:
        """Cost of each instance that a contender covers: the mean over its verified runs."""
        return {
            who: {name: fmean(costs) for name, costs in good.items()} for who, good in self.run_costs.items()
        }

    @cached_property
    def _shared(self) -> tuple[tuple[str, ...], dict[Contender, str]]:
        return common_instances({who: frozenset(self.costs[who]) for who in self.results}, self.labels)

    @property
    def common(self) -> tuple[str, ...]:
        """The instances that means are over, sorted; see `common_instances`."""
        return self._shared[0]

    @property
    def apart(self) -> Mapping[Contender, str]:
        """Why a contender has no means."""
        return self._shared[1]

    def among(self, instances: Iterable[str]) -> Standing:
        """Return the standing on these instances alone, without the contenders that were not run on any."""
        kept = frozenset(instances)
        results = {
            who: {name: records for name, records in runs.items() if name in kept}
            for who, runs in self.results.items()
        }
        results = {who: runs for who, runs in results.items() if runs}
        return replace(
            self, results=results, instances=tuple(name for name in self.instances if name in kept)
        )

    def gaps(self, who: Contender, instances: Iterable[str]) -> list[float] | None:
        """Return the gap of a contender on each of these instances; None if one has none.

        There is no gap without a verified cost, without a reference, or to a reference of zero.
        """
        costs, known, found = self.costs[who], self.references, []
        for name in instances:
            if name not in costs or name not in known or not known[name].cost > 0:
                return None
            found.append(known[name].gap(costs[name]))
        return found

    def run_gaps(self, who: Contender, instance: str) -> Array:
        """Return the gap of each verified run of a contender on an instance."""
        reference = self.references[instance]
        return np.array([reference.gap(cost) for cost in self.run_costs[who][instance]])


def standings(records: Iterable[Record], solvers: Sequence[str] = (), suite: str = "") -> list[Standing]:
    """Return the standing on each suite in `records`, sorted by name.

    Args:
        records: of any number of campaigns; the last attempt at a cell counts.
        solvers: labels, solvers or solver names to keep; all if empty.
        suite: folder of the suite, if it is not a standard one.

    Raises:
        InputError: if a solver is unknown, or records are of different editions of an instance.
    """
    return [_standing(name, results, solvers, suite) for name, results in by_suite(records).items()]


def _standing(name: str, results: SuiteRuns, solvers: Sequence[str], folder: str) -> Standing:
    suite, named = find_suite(name, folder), labels(results)
    every = [r for runs in results.values() for records in runs.values() for r in records]
    seen = {name for runs in results.values() for name in runs} | set(() if suite is None else suite.entries)
    known = references(suite, every)
    kept = chosen(results, solvers, named)
    return Standing(name, suite, kept, named, known, tuple(sorted(seen)), *read_protocol(suite))


def common_instances(
    covered: Mapping[Contender, frozenset[str]], labels: Mapping[Contender, str]
) -> tuple[tuple[str, ...], dict[Contender, str]]:
    """Return the instances that contenders share, sorted, and why some contenders are set apart.

    A contender without a verified solution does not take part. The others join in order of coverage,
    and one that would leave no common instance is set apart.
    """
    common: frozenset[str] = frozenset()
    apart: dict[Contender, str] = {}
    for who in sorted(covered, key=lambda who: (-len(covered[who]), labels[who])):
        shared = common & covered[who] if common else covered[who]
        if shared:
            common = shared
        else:
            apart[who] = NOTHING_SHARED if covered[who] else NOTHING_VERIFIED
    return tuple(sorted(common)), apart
