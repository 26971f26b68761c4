"""Ranks as ranges that hold together: paired differences, a t statistic, Holm over all pairs.

Source of the strict reading of a range: Mogstad and others 2024, doi:10.1093/restud/rdad006; of the letters:
Piepho 2004, doi:10.1198/1061860043515.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from string import ascii_lowercase
from typing import NamedTuple

import numpy as np

from mincache.problem.quantity import Array

EQUAL = 1e-9
"""Mean gaps closer than this are the same."""
GAP_DIGITS = 9
FEWEST_LIBRARIES = 6
"""With fewer, no test without a distribution could tell two rows apart at 5 %: 2^(1 - 5) = 0.0625."""
MOST_LETTERS = 26


class Sample(NamedTuple):
    """The values of one row, lower is better.

    Attributes:
        values: [I, K], a value a run; nan where an instance has fewer runs. Charged values, none missing.
        uncertain: whether another seed would have given other values.
        streams: names of the K random streams; rows with the same ones are paired run by run.
    """

    values: Array
    uncertain: bool = False
    streams: Sequence[tuple[int, int]] = ()


class Difference(NamedTuple):
    """Two rows compared, the first less the second: mean, standard error, degrees of freedom, two-sided p.

    One that is `known` is a fact rather than an estimate.
    """

    mean: float
    error: float = 0.0
    freedom: float = 0.0
    p: float = 1.0
    known: bool = False

    def interval(self, level: float) -> tuple[float, float]:
        """Return the mean, less and plus what is uncertain of it."""
        if not self.error:
            return self.mean, self.mean
        from scipy import special  # of scipy, this alone is quick to load

        reach = float(special.stdtrit(self.freedom, 0.5 + level / 2.0)) * self.error
        return self.mean - reach, self.mean + reach


PairTest = Callable[[Sample, Sample], Difference]


class RankRanges(NamedTuple):
    """What can be said of S rows at once, at 95 %.

    Attributes:
        adjusted: Holm's p of each pair, by row numbers (first < second).
        better: [S, S], whether the first is settled to be better than the second.
        ranges: lowest and highest rank of each row.
        groups: letters of each row; rows that share one cannot be told apart. "" where there are too many.
        units: what the statistics rest on: how many instances, strata or libraries.
    """

    adjusted: dict[tuple[int, int], float]
    better: Array
    ranges: list[tuple[int, int]]
    groups: list[str]
    units: int


def tests(libraries: Sequence[int], strata: Sequence[int]) -> dict[str, tuple[PairTest, int]]:
    """Return by question how two rows are compared, and how many libraries or strata that rests on."""
    found: dict[str, tuple[PairTest, int]] = {"here": (on_these_instances, 0)}
    count = len(set(libraries))
    if count >= FEWEST_LIBRARIES:
        found["libraries"] = partial(for_new_libraries, libraries=libraries), count
    elif strata and min(Counter(strata).values()) > 1:
        found["requests"] = partial(for_new_requests, strata=strata), len(set(strata))
    return found


def on_these_instances(one: Sample, other: Sample) -> Difference:
    """Compare two rows on the instances at hand: only seeds are uncertain."""
    mean = float(np.nanmean(one.values, axis=1).mean() - np.nanmean(other.values, axis=1).mean())
    parts = [sample.values for sample in (one, other) if sample.uncertain]
    if not parts:
        return Difference(mean, p=0.0 if abs(mean) > EQUAL else 1.0, known=True)
    paired = len(parts) == 2 and list(one.streams) == list(other.streams) != []
    if paired and one.values.shape == other.values.shape:
        parts = [one.values - other.values]
    least = 2.0 ** (1 - min(int((~np.isnan(part)).sum()) for part in parts))
    return _difference(mean, map(_of_seeds, parts), least)


def for_new_libraries(one: Sample, other: Sample, libraries: Sequence[int]) -> Difference:
    """Compare two rows for new draws: libraries are the units, and trained rows' seeds."""
    found = by_group(np.nanmean(one.values, axis=1) - np.nanmean(other.values, axis=1), libraries)
    trained = [np.nanmean(sample.values, axis=0) for sample in (one, other) if sample.uncertain]
    spreads = [_spread(part) for part in (found, *trained) if len(part) > 1]
    return _difference(float(found.mean()), spreads, 0.0)


def of_other_libraries(one: Array, other: Array) -> Difference:
    """Compare means on libraries [L] with means on other ones (Welch's t)."""
    mean = float(one.mean() - other.mean())
    several = min(len(one), len(other)) > 1
    return _difference(mean, map(_spread, (one, other)), 0.0) if several else Difference(mean)


def for_new_requests(one: Sample, other: Sample, strata: Sequence[int]) -> Difference:
    """Compare two rows for the same libraries with new requests: traces are the runs of a stratum."""
    values = np.nanmean(one.values, axis=1) - np.nanmean(other.values, axis=1)
    counts = Counter(strata)
    table = np.full((len(counts), max(counts.values())), np.nan)
    for n, stratum in enumerate(sorted(counts)):
        table[n, : counts[stratum]] = values[np.array(strata) == stratum]
    mean = float(np.nanmean(table, axis=1).mean())
    return _difference(mean, [_of_seeds(table)], 2.0 ** (1 - len(values)))


def by_group(values: Array, groups: Sequence[int]) -> Array:
    """Return the mean of values in each group."""
    _, numbered = np.unique(groups, return_inverse=True)
    return np.asarray(np.bincount(numbered, weights=values) / np.bincount(numbered))


def _spread(values: Array) -> tuple[float, float]:
    """Variance of the mean of values, and its degrees of freedom."""
    return float(values.var(ddof=1)) / len(values), len(values) - 1.0


def _of_seeds(values: Array) -> tuple[float, float]:
    """Variance of the mean over instances of [I, K] values, and its degrees of freedom (Satterthwaite)."""
    counts = (~np.isnan(values)).sum(axis=1)
    several = counts > 1
    if not several.any():
        return 0.0, 0.0
    each = np.nanvar(values[several], axis=1, ddof=1) / counts[several] / len(values) ** 2
    total = float(each.sum())
    spread = float((each**2 / (counts[several] - 1)).sum())
    return total, total**2 / spread if spread else float((counts - 1).sum())


def _difference(mean: float, parts: Iterable[tuple[float, float]], least: float) -> Difference:
    """A difference whose variance is the sum of parts, each with its degrees of freedom."""
    variances, freedoms = zip(*parts, strict=True)
    variance = sum(variances)
    spread = sum(part**2 / freedom for part, freedom in zip(variances, freedoms, strict=True) if freedom)
    freedom = variance**2 / spread if spread else max(freedoms)
    error, p = variance**0.5, 1.0
    if abs(mean) > EQUAL and error > 0.0:
        from scipy import special

        p = float(2.0 * special.stdtr(freedom, -abs(mean) / error))
    elif abs(mean) > EQUAL and freedom:
        p = 0.0
    return Difference(mean, error, freedom, max(least, p))


def interval(sample: Sample, level: float = 0.95) -> tuple[float, float]:
    """Return the mean of a row over its instances, less and plus what the seeds leave open."""
    mean = float(np.nanmean(sample.values, axis=1).mean())
    variance, freedom = _of_seeds(sample.values) if sample.uncertain else (0.0, 0.0)
    return Difference(mean, variance**0.5, freedom).interval(level)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number (Holm 1979), in the order given."""
    order = np.argsort(p_values, kind="stable")
    rising = np.maximum.accumulate(np.asarray(p_values)[order] * np.arange(len(p_values), 0, -1))
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1.0, rising)
    return [float(p) for p in adjusted]


def ranking(
    differences: dict[tuple[int, int], Difference], count: int, units: int, level: float = 0.95
) -> RankRanges:
    """Return what the differences of all pairs of `count` rows settle, by Holm's procedure."""
    tested = [pair for pair, one in differences.items() if not one.known]
    adjusted = {pair: one.p for pair, one in differences.items()}
    adjusted |= dict(zip(tested, holm([differences[pair].p for pair in tested]), strict=True))
    better = np.zeros((count, count), dtype=bool)
    for pair, one in differences.items():
        if adjusted[pair] <= 1.0 - level:
            better[pair if one.mean < 0 else pair[::-1]] = True
    ranges = [(1 + int(better[:, n].sum()), count - int(better[n].sum())) for n in range(count)]
    return RankRanges(adjusted, better, ranges, letters(~(better | better.T)), units)


def letters(alike: Array) -> list[str]:
    """Return the letters of rows, given which are `alike` [S, S]; "" for all with more than 26 groups."""
    near = [{int(m) for m in np.flatnonzero(row) if m != n} for n, row in enumerate(alike)]
    cliques = _cliques(set(), set(range(len(alike))), set(), near)
    groups = sorted(map(sorted, islice(cliques, MOST_LETTERS + 1)))
    marked = list(zip(ascii_lowercase, groups, strict=False)) if len(groups) <= MOST_LETTERS else []
    return ["".join(letter for letter, group in marked if n in group) for n in range(len(alike))]


def _cliques(
    inside: set[int], open_: set[int], closed: set[int], near: Sequence[set[int]]
) -> Iterator[set[int]]:
    """Yield the largest sets of rows that are all alike (Bron and Kerbosch 1973, with a pivot)."""
    if not open_ and not closed:
        if inside:
            yield inside
        return
    pivot = max(sorted(open_ | closed), key=lambda n: len(near[n] & open_))
    for n in sorted(open_ - near[pivot]):
        yield from _cliques(inside | {n}, open_ & near[n], closed & near[n], near)
        open_, closed = open_ - {n}, closed | {n}
