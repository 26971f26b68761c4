"""The sentences under a table: what its means are over, what its ranks mean, what is remarkable."""

from __future__ import annotations

from collections.abc import Iterator

from mincache.board.formats import duration
from mincache.board.runs import Runs
from mincache.board.table import NOMINAL_S, Table
from mincache.generation.recipes import RELATIVE_TOLERANCE

_NAMED = 3


def notes(table: Table) -> tuple[str, ...]:
    """Return the notes of a table, a sentence each, and its remarks."""
    return (
        *_scope(table),
        *_ranks(table),
        *_gap(table.runs),
        *_protocol(table.runs),
        *_charged(table),
        *_machines(table),
        *_news(table.runs),
        *table.remarks,
    )


def _scope(table: Table) -> Iterator[str]:
    whole = len(table.runs.instances)
    yield f"Means are over all {whole} instances; {len(table.ranked)} of {len(table.rows)} rows are ranked."
    for row in table.rows:
        if row.unranked:
            yield f"{row.solver} is not ranked: {row.unranked}."


def _ranks(table: Table) -> Iterator[str]:
    if table.filtered:
        yield "A part of the suite was chosen after looking: it has points, no ranges."
        return
    if "here" not in table.questions:
        return
    libraries = len(set(table.runs.libraries))
    level = f"{table.runs.protocol.level:.0%}"
    yield f"With {level} confidence all ranges of ranks in a column hold at once."
    if "libraries" not in table.questions:
        counted = f"{libraries} of them" if libraries else "the suite is not at hand"
        yield f"For new libraries: cannot tell ({counted}; at least six are needed)."
    found = table.told_apart
    if found is not None:
        what = (
            f"{found[1].units} libraries"
            if found[0] == "libraries"
            else "new requests for the same libraries"
        )
        yield (f"Rows that share a letter could not be told apart ({what}), which does not make them equal.")


def _gap(runs: Runs) -> Iterator[str]:
    known = [runs.references[name] for name in runs.instances if name in runs.references]
    if not known:
        return
    pinned = sum(reference.pinned for reference in known)
    if pinned == len(known):
        proven = sum(ref.proven for ref in known)
        told = "all proven optimal" if proven == len(known) else f"{proven} of {len(known)} proven optimal"
        yield f"Gaps are to the suite's best known costs ({told})."
    else:
        where = "" if pinned == 0 else f" on {len(known) - pinned} of {len(known)} instances"
        yield f"Gaps are to the best verified cost among these records{where}: the suite states none."


def _protocol(runs: Runs) -> Iterator[str]:
    protocol = runs.protocol
    limit = "any time" if protocol.wall_s is None else f"{protocol.wall_s:g} s"
    name = f"Protocol {runs.protocol_sha256[:12]}" if runs.protocol_sha256 else "Default protocol"
    yield (
        f"{name}: {limit} a run, {protocol.seeds} seeds of a stochastic solver; times are geometric means, "
        f"shifted by {protocol.time_shift_s:g} s."
    )


def _charged(table: Table) -> Iterator[str]:
    for row in table.rows:
        if failed := len(row.frame) - row.verified:
            part = f", {charged:.2%} of its gap" if (charged := row.mean("charged_gap")) else ""
            yield (
                f"{row.solver} failed or declined {failed} of {len(row.frame)} runs; each counts as caching "
                f"nothing and as {table.runs.protocol.penalty:g} time limits{part}."
            )


def _machines(table: Table) -> Iterator[str]:
    if unequal := table.unequal_machines:
        listed = ", ".join(f"{name} {factor:.1f} times" for name, factor in unequal.items())
        yield (
            f"Times are of unequal machines: a fixed computation took, against the usual time, {listed}. "
            f"Scaled times are those of a machine where it takes {duration(NOMINAL_S)}."
        )


def _news(runs: Runs) -> Iterator[str]:
    best = runs.frame[runs.frame["verified"]].groupby("instance")["cost"].min()
    better, impossible = [], []
    for n, cost in best.items():
        name = runs.instances[n]
        reference = runs.references.get(name)
        if reference is None or not reference.pinned:
            continue
        if cost < reference.cost * (1.0 - RELATIVE_TOLERANCE):
            better.append(name)
        if reference.bound is not None and cost < reference.bound * (1.0 - RELATIVE_TOLERANCE):
            impossible.append(name)
    if better:
        yield f"A verified cost is below the best known on {_listed(better)}; the suite's value stands."
    if impossible:
        yield f"A verified cost is below a proven bound on {_listed(impossible)}: one of the two is wrong."


def _listed(names: list[str]) -> str:
    first = ", ".join(names[:_NAMED])
    return first if len(names) <= _NAMED else f"{first} and {len(names) - _NAMED} more"
