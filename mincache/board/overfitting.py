"""Whether an entry does better on the public instances than on those that nobody had seen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mincache.board.contenders import Contender
from mincache.board.ranks import FEWEST_LIBRARIES, by_group, holm, other_draws, quantile
from mincache.board.runs import Runs
from mincache.problem.quantity import Array


class PublicAndSealed(NamedTuple):
    """An entry on both suites; gaps are means, failed runs charged.

    Attributes:
        solver: its label.
        public_rank, sealed_rank: by the mean gap, among the entries of both suites.
        public_gap, sealed_gap: as fractions of the optimum.
        low, high: 95 % interval of the difference, sealed less public, over new libraries (Welch's t).
        p: of that difference, adjusted for the number of entries (Holm).
        fitted: whether it is worse on sealed instances by more than chance; None where that cannot be told.
    """

    solver: str
    public_rank: int
    sealed_rank: int
    public_gap: float
    sealed_gap: float
    low: float
    high: float
    p: float
    fitted: bool | None


def public_and_sealed(public: Runs, sealed: Runs, level: float = 0.95) -> list[PublicAndSealed]:
    """Compare each entry that ran on both suites, in the order of sealed ranks.

    Both suites must be drawn from the same scenarios: else a difference says that one suite is harder.
    """
    seen, unseen = _by_library(public), _by_library(sealed)
    both = [who for who in unseen if who in seen]
    differences = [other_draws(unseen[who][1], seen[who][1]) for who in both]
    adjusted = holm([one.p for one in differences])
    enough = min(len(set(runs.libraries)) for runs in (public, sealed)) >= FEWEST_LIBRARIES
    gaps = np.array([[part[who][1].mean() for who in both] for part in (seen, unseen)]).reshape(2, -1)
    ranks = 1 + (gaps[:, :, None] > gaps[:, None, :] + 1e-9).sum(axis=2)
    rows = []
    for n, (who, one) in enumerate(zip(both, differences, strict=True)):
        reach = quantile(one.freedom, level) * one.error
        fitted = (adjusted[n] <= 1.0 - level and one.mean > 0) if enough else None
        rows.append(PublicAndSealed(
            unseen[who][0], int(ranks[0, n]), int(ranks[1, n]), float(gaps[0, n]), float(gaps[1, n]),
            one.mean - reach, one.mean + reach, adjusted[n], fitted,
        ))  # fmt: skip
    return sorted(rows, key=lambda row: (row.sealed_rank, row.solver))


def _by_library(runs: Runs) -> dict[tuple[str, ...], tuple[str, Array]]:
    """Return, by what makes an entry the same on any suite, its label and mean gap on each library."""
    gaps = runs.means("gap")
    return {
        _identity(who): (runs.labels[who], by_group(gaps[row], runs.libraries))
        for row, who in enumerate(runs.contenders)
        if not np.isnan(gaps[row]).any()
    }


def _identity(who: Contender) -> tuple[str, ...]:
    return who.name, who.source, who.files, who.modules, who.version, who.parameters
