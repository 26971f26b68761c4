"""The sentences under a table: what its means are over, what its ranks mean, what is remarkable."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from mincache.board.formats import duration
from mincache.board.runs import Runs
from mincache.board.table import NOMINAL_S, Table
from mincache.generation.recipes import RELATIVE_TOLERANCE

_NAMED = 3


def notes(table: Table) -> tuple[str, ...]:
    """Return the notes of a table, a sentence each, and its remarks."""
    return (
        *_ranking(table),
        *_references(table.runs),
        *_causal(table),
        *_runs(table),
        *_news(table.runs),
        *table.remarks,
    )


def _ranking(table: Table) -> Iterator[str]:
    runs, whole = table.runs, len(table.runs.instances)
    yield f"Means are over all {whole} instances; {len(table.ranked)} of {len(table.rows)} rows are ranked."
    yield from (f"{row.solver} is not ranked: {row.unranked}." for row in table.rows if row.unranked)
    if table.filtered:
        yield "A part of the suite was chosen after looking: it has points, no ranges."
    if "here" not in table.questions:
        return
    yield f"With {runs.protocol.level:.0%} confidence all ranges of ranks in a column hold at once."
    if "libraries" not in table.questions:
        count = len(set(runs.libraries))
        known = f"{count} of them" if count else "the suite is not at hand"
        yield f"For new libraries: cannot tell ({known}; at least six are needed)."
    if table.told_apart is not None:
        question, found = table.told_apart
        new = f"{found.units} libraries" if question == "libraries" else "new requests for the same libraries"
        yield f"Rows that share a letter could not be told apart ({new}), which does not make them equal."


def _causal(table: Table) -> Iterator[str]:
    lost = float(table.runs.causal_gap.mean()) if "past" in table.levels else math.nan
    if math.isfinite(lost):
        yield f"The best policy that sees the past alone is {lost:.2%} above the costs that gaps are to."


def _references(runs: Runs) -> Iterator[str]:
    known = [runs.references[name] for name in runs.instances if name in runs.references]
    unpinned = sum(not one.pinned for one in known)
    if known and not unpinned:
        proven = sum(one.proven for one in known)
        told = "all proven optimal" if proven == len(known) else f"{proven} of {len(known)} proven optimal"
        yield f"Gaps are to the suite's best known costs ({told})."
    elif known:
        where = "" if unpinned == len(known) else f" on {unpinned} of {len(known)} instances"
        yield f"Gaps are to the best verified cost among these records{where}: the suite states none."


def _runs(table: Table) -> Iterator[str]:
    protocol, sha256 = table.runs.protocol, table.runs.protocol_sha256
    limit = "any time" if protocol.wall_s is None else f"{protocol.wall_s:g} s"
    name = f"Protocol {sha256[:12]}" if sha256 else "Default protocol"
    yield (
        f"{name}: {limit} a run, {protocol.seeds} seeds of a stochastic solver; times are geometric "
        f"means, shifted by {protocol.time_shift_s:g} s."
    )
    for row in table.rows:
        if failed := len(row.frame) - row.verified:
            part = f", {charged:.2%} of its gap" if (charged := row.mean("charged_gap")) else ""
            yield (
                f"{row.solver} failed or declined {failed} of {len(row.frame)} runs; each counts as caching "
                f"nothing and as {protocol.penalty:g} time limits{part}."
            )
    if unequal := table.unequal_machines:
        listed = ", ".join(f"{name} {factor:.1f} times" for name, factor in unequal.items())
        yield (
            f"Times are of unequal machines: a fixed computation took, against the usual time, {listed}. "
            f"Scaled times are those of a machine where it takes {duration(NOMINAL_S)}."
        )


def _news(runs: Runs) -> Iterator[str]:
    best = runs.frame[runs.frame["verified"]].groupby("instance")["cost"].min() * (1.0 + RELATIVE_TOLERANCE)
    costs = {runs.instances[n]: cost for n, cost in best.items()}
    known = {name: one for name in costs if (one := runs.references.get(name)) is not None and one.pinned}
    if better := [name for name, one in known.items() if costs[name] < one.cost]:
        yield f"A verified cost is below the best known on {_listed(better)}; the suite's value stands."
    if impossible := [name for name, one in known.items() if one.bound and costs[name] < one.bound]:
        yield f"A verified cost is below a proven bound on {_listed(impossible)}: one of the two is wrong."


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
