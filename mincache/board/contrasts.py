"""What a suite tells apart: how far its solvers spread, and which change places against another suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from mincache.board.ranks import GAP_DIGITS
from mincache.board.render import escaped, markdown_table
from mincache.board.standing import Standing
from mincache.board.table import Table
from mincache.errors import InputError, excerpt


@dataclass(frozen=True)
class Contrast:
    """One suite beside the suite that it is compared with.

    Attributes:
        suite: its name.
        purpose: what it is for, as the suite says.
        instances: how many it has.
        proven: how many of them have a proven optimum.
        solvers: how many solvers have a mean gap on it.
        best: the solver with the least mean gap, and that gap.
        worst: the one with the largest, and that gap.
        swapped: pairs (better here, worse here) that stand the other way round on the other suite.
        pairs: how many pairs of solvers have a mean gap on both.
    """

    suite: str
    purpose: str
    instances: int
    proven: int
    solvers: int
    best: tuple[str, float]
    worst: tuple[str, float]
    swapped: tuple[tuple[str, str], ...]
    pairs: int


def contrasts(standings: Sequence[Standing], base: str) -> list[Contrast]:
    """Return how each suite with a ranking contrasts with the suite named `base`, which comes first.

    Raises:
        InputError: if that suite is not among them.
    """
    gaps = {standing.name: _gaps(standing) for standing in standings}
    if base not in gaps:
        raise InputError("base", f"must be one of: {', '.join(gaps)}", excerpt(base))
    ordered = sorted(standings, key=lambda standing: (standing.name != base, standing.name))
    return [_contrast(one, gaps[one.name], gaps[base]) for one in ordered if gaps[one.name]]


def contrasts_markdown(found: Sequence[Contrast], base: str) -> str:
    """Return the contrasts as a Markdown table."""
    titles = (
        "suite", "instances", "proven", "solvers", "least mean gap", "largest mean gap",
        f"pairs in another order than on {base}",
    )  # fmt: skip
    rows = [
        (
            escaped(one.suite), str(one.instances), str(one.proven), str(one.solvers),
            _named(one.best), _named(one.worst), _swapped(one),
        )
        for one in found
    ]  # fmt: skip
    return markdown_table(titles, rows, left=[True, False, False, False, True, True, True])


def _gaps(standing: Standing) -> dict[str, float]:
    rows = Table(standing).rows
    return {row.solver: round(row.gap, GAP_DIGITS) for row in rows if row.gap is not None}


def _contrast(standing: Standing, gaps: dict[str, float], others: dict[str, float]) -> Contrast:
    ranked = sorted(gaps.items(), key=lambda item: item[1])
    shared = [(solver, gap) for solver, gap in ranked if solver in others]
    swapped = tuple(
        (better, worse)
        for (better, low), (worse, high) in combinations(shared, 2)
        if low < high and others[better] > others[worse]
    )
    return Contrast(
        suite=standing.name,
        purpose="" if standing.suite is None else standing.suite.content.purpose,
        instances=len(standing.instances),
        proven=sum(
            standing.references[name].proven for name in standing.instances if name in standing.references
        ),
        solvers=len(gaps),
        best=ranked[0],
        worst=ranked[-1],
        swapped=swapped,
        pairs=len(shared) * (len(shared) - 1) // 2,
    )


def _named(gap: tuple[str, float]) -> str:
    return f"{escaped(gap[0])}, {gap[1] + 0.0:.2%}"


def _swapped(one: Contrast) -> str:
    listed = "; ".join(f"{escaped(better)} before {escaped(worse)}" for better, worse in one.swapped)
    return f"{len(one.swapped)} of {one.pairs}" + (f": {listed}" if listed else "")
