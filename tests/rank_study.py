"""How often ranges of ranks hold, by simulation: `make rank-study` prints the whole, tests run a small form.

A board is drawn of libraries with three instances each: a row's value is an effect of the library plus one
of the instance, with an intra-class correlation of 0.4. A range is right if it holds every rank that is true
of the row; of truly equal rows each has all their ranks. Boards, not ranges, are counted: all must be right
at once.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np

from mincache.board import ranks

WITHIN, BETWEEN = 0.6, 0.4
"""Variances of instance and library effects."""
INSTANCES = 3


def error(libraries):
    """Return the standard error of a difference of two rows."""
    return float(np.sqrt(2 * (BETWEEN + WITHIN / INSTANCES) / libraries))


def equal_rows(rows, libraries, shape="normal") -> Callable:
    """Return what draws values [rows, instances] of rows that are truly equal."""

    def draw(rng):
        library = rng.normal(size=(rows, libraries, 1)) * np.sqrt(BETWEEN)
        values = library + rng.normal(size=(rows, libraries, INSTANCES)) * np.sqrt(WITHIN)
        if shape == "lognormal":
            values = np.exp(values) - np.exp(0.5)
        return values.reshape(rows, -1)

    draw.truth = np.zeros(rows)
    draw.libraries = np.repeat(np.arange(libraries), INSTANCES).tolist()
    return draw


def stairs(rows, libraries, step) -> Callable:
    """Return what draws rows each `step` standard errors above the one before."""
    equal = equal_rows(rows, libraries)
    truth = np.arange(rows) * step * error(libraries)

    def draw(rng):
        return equal(rng) + truth[:, None]

    draw.truth, draw.libraries = truth, equal.libraries
    return draw


def ranked(values, libraries):
    """Return the ranking of rows of values for new libraries."""
    samples = [ranks.Sample(row[:, None]) for row in values]
    pairs = combinations(range(len(samples)), 2)
    found = {(a, b): ranks.for_new_libraries(samples[a], samples[b], libraries) for a, b in pairs}
    return ranks.ranking(found, len(samples), len(set(libraries)))


def is_right(found, truth):
    """Return whether every range holds every rank that is true of its row."""
    low = 1 + (truth[None, :] < truth[:, None]).sum(axis=1)
    high = len(truth) - (truth[None, :] > truth[:, None]).sum(axis=1)
    return all(a <= x and y <= b for (a, b), x, y in zip(found.ranges, low, high, strict=True))


def joint_coverage(draw, boards, seed=1):
    """Return the share of boards on which all ranges are right at once."""
    rng = np.random.default_rng(seed)
    return float(np.mean([is_right(ranked(draw(rng), draw.libraries), draw.truth) for _ in range(boards)]))


def staircase(rows, libraries, step, boards, seed=1):
    """Return the share of boards that are right, and the share of pairs settled."""
    rng, draw = np.random.default_rng(seed), stairs(rows, libraries, step)
    found = [ranked(draw(rng), draw.libraries) for _ in range(boards)]
    settled = [np.mean([p <= 0.05 for p in one.adjusted.values()]) for one in found]
    return float(np.mean([is_right(one, draw.truth) for one in found])), float(np.mean(settled))


def instances_alone(draw, boards, seed=1):
    """Return the joint coverage when instances are (wrongly) taken as independent."""
    rng = np.random.default_rng(seed)
    each = list(range(len(draw.libraries)))
    return float(np.mean([is_right(ranked(draw(rng), each), draw.truth) for _ in range(boards)]))


def percentiles(draw, boards, seed=1, resamples=400):
    """Return the joint coverage of the middle 95 % of ranks in a bootstrap over libraries."""
    rng, right = np.random.default_rng(seed), []
    count = max(draw.libraries) + 1
    for _ in range(boards):
        means = draw(rng).reshape(len(draw.truth), count, INSTANCES).mean(axis=2)
        resampled = means[:, rng.integers(count, size=(resamples, count))].mean(axis=2)
        drawn = 1 + (resampled[None] < resampled[:, None]).sum(axis=1)
        ends = np.quantile(drawn, [0.025, 0.975], axis=1, method="nearest")
        found = ranks.RankRanges({}, {}, [(int(a), int(b)) for a, b in ends.T], [], count)
        right.append(is_right(found, draw.truth))
    return float(np.mean(right))


def main(boards=400):
    """Print the tables of docs/leaderboard.md; some minutes."""
    print("Equal rows: share of boards on which all ranges hold, %\n")
    print("| method | rows | 3 libraries | 12 | 20 |\n|---|---|---|---|---|")
    methods = {"Holm, t over libraries": joint_coverage, "instances as independent": instances_alone,
               "bootstrap percentiles of ranks": percentiles}  # fmt: skip
    for name, method in methods.items():
        for rows in (2, 5, 16):
            shown = [f"{method(equal_rows(rows, n), boards):.0%}" for n in (3, 12, 20)]
            print(f"| {name} | {rows} | {' | '.join(shown)} |", flush=True)
    print(
        "\nLognormal, 16 rows:",
        *(f"{joint_coverage(equal_rows(16, n, 'lognormal'), boards):.0%}" for n in (12, 20)),
    )
    print("\nStaircase of 16 rows: boards right, pairs settled\n")
    print("| libraries | 0.5 SE | 1 | 2 | 3 |\n|---|---|---|---|---|")
    for libraries in (6, 12, 20):
        cells = [staircase(16, libraries, step, boards // 4) for step in (0.5, 1.0, 2.0, 3.0)]
        print(f"| {libraries} | {' | '.join(f'{a:.0%}, {b:.0%}' for a, b in cells)} |", flush=True)


if __name__ == "__main__":
    main()
