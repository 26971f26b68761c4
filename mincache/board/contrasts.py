"""What a suite tells apart: how far its solvers spread, and which change places against another suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from mincache.board.ranks import GAP_DIGITS
from mincache.board.render import escaped, markdown_table
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
        solvers: how many rows are ranked on it.
        best: the solver with the least mean gap, and that gap.
        worst: the one with the largest, and that gap.
        swapped: pairs (better here, worse here) that stand the other way round on the other suite.
        pairs: how many pairs of solvers are ranked on both.
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


def contrasts(tables: Sequence[Table], base: str) -> list[Contrast]:
    """Return how each suite with a ranking contrasts with the suite named `base`, which comes first.

    Raises:
        InputError: if that suite is not among them.
    """
    gaps = {
        table.runs.name: {row.solver: round(row.gap or 0.0, GAP_DIGITS) for row in table.ranked}
        for table in tables
    }
    if base not in gaps:
        raise InputError("base", f"must be one of: {', '.join(gaps)}", excerpt(base))
    ordered = sorted(tables, key=lambda table: (table.runs.name != base, table.runs.name))
    return [_contrast(one, gaps[one.runs.name], gaps[base]) for one in ordered if gaps[one.runs.name]]


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


def _contrast(table: Table, gaps: dict[str, float], others: dict[str, float]) -> Contrast:
    ordered = list(gaps.items())
    shared = [(solver, gap) for solver, gap in ordered if solver in others]
    swapped = tuple(
        (better, worse)
        for (better, low), (worse, high) in combinations(shared, 2)
        if low < high and others[better] > others[worse]
    )
    known = [table.runs.references.get(name) for name in table.runs.instances]
    return Contrast(
        suite=table.runs.name,
        purpose="" if table.runs.suite is None else table.runs.suite.content.purpose,
        instances=len(known),
        proven=sum(reference is not None and reference.proven for reference in known),
        solvers=len(gaps),
        best=ordered[0],
        worst=ordered[-1],
        swapped=swapped,
        pairs=len(shared) * (len(shared) - 1) // 2,
    )


def _named(gap: tuple[str, float]) -> str:
    return f"{escaped(gap[0])}, {gap[1] + 0.0:.2%}"


def _swapped(one: Contrast) -> str:
    listed = "; ".join(f"{escaped(better)} before {escaped(worse)}" for better, worse in one.swapped)
    return f"{len(one.swapped)} of {one.pairs}" + (f": {listed}" if listed else "")
