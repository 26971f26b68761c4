"""The sentences under a table: what its means are over, what its gaps are to, what is remarkable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mincache.board.protocol import Protocol
from mincache.board.references import RELATIVE_TOLERANCE, Reference
from mincache.board.standing import Standing
from mincache.board.table import Row, Table

_NAMED = 3


def notes(table: Table) -> tuple[str, ...]:
    """Return the notes of a table, a sentence each, and its remarks."""
    standing = table.standing
    return (
        *_scope(table.ranked, standing),
        *_apart(table.rows),
        *_gap(standing.common, standing.references),
        *_protocol(standing),
        *_departures(standing),
        *_seeds(table.rows, standing.protocol),
        *_news(standing),
        *table.remarks,
    )


def _scope(ranked: Sequence[Row], standing: Standing) -> Iterator[str]:
    if not ranked:
        yield "No solver has a verified solution, so there are no means."
        return
    who = "the one solver ranked" if len(ranked) == 1 else f"all {len(ranked)} solvers ranked"
    scope = f"{len(standing.common)} of {len(standing.instances)} instances"
    yield f"Means are over the {scope} with a verified solution of {who}."
    fewest = min(row.covered for row in ranked)
    if any(row.covered > fewest for row in ranked):
        limiting = ", ".join(row.solver for row in ranked if row.covered == fewest)
        yield f"{limiting} covers {fewest} and limits them; --solver chooses other rows."


def _apart(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        if row.apart:
            yield f"{row.solver} is set apart: {row.apart}."
        if declined := len(row.every) - len(row.attempted):
            yield f"{row.solver} declined {declined} of {len(row.every)} runs."


def _gap(common: Sequence[str], references: Mapping[str, Reference]) -> Iterator[str]:
    known = [references[name] for name in common if name in references]
    if not known:
        return
    pinned = sum(reference.pinned for reference in known)
    if pinned == len(known):
        proven = "the proven optimum" if all(ref.proven for ref in known) else "not all proven optimal"
        yield f"Gaps are to the suite's best known costs ({proven})."
    else:
        where = "" if pinned == 0 else f" on {len(known) - pinned} of {len(known)} instances"
        yield f"Gaps are to the best verified cost among these records{where}: the suite states none."


def _protocol(standing: Standing) -> Iterator[str]:
    protocol = standing.protocol
    limit = "any time" if protocol.wall_s is None else f"{protocol.wall_s:g} s"
    failed = {
        "penalised": f"{protocol.penalty:g} time limits", "common": "nothing, its instance being left out",
        "worst": "the longest time on its instance",
    }[protocol.failure_policy]  # fmt: skip
    name = f"Protocol {standing.protocol_sha256[:12]}" if standing.protocol_sha256 else "Default protocol"
    yield (
        f"{name}: {limit} a run, {protocol.seeds} seeds of a stochastic solver; mean solve times are "
        f"geometric, shifted by {protocol.time_shift_s:g} s, a failed run counting as {failed}."
    )


def _departures(standing: Standing) -> Iterator[str]:
    for who, runs in standing.results.items():
        cell = next(iter(runs.values()))[0].cell
        if departures := standing.protocol.departures(cell):
            yield f"{standing.labels[who]} departs from the protocol: {', '.join(departures)}."


def _seeds(rows: Sequence[Row], protocol: Protocol) -> Iterator[str]:
    few = [row.solver for row in rows if row.unranked]
    if few:
        yield f"{', '.join(few)}: too few seeds to rank, the protocol asks for {protocol.seeds}."


def _news(standing: Standing) -> Iterator[str]:
    better, impossible = set(), set()
    for costs in standing.run_costs.values():
        for name, found in costs.items():
            reference = standing.references.get(name)
            if reference is None or not reference.pinned:
                continue
            if min(found) < reference.cost * (1.0 - RELATIVE_TOLERANCE):
                better.add(name)
            if reference.bound is not None and min(found) < reference.bound * (1.0 - RELATIVE_TOLERANCE):
                impossible.add(name)
    if better:
        yield f"A verified cost is below the best known on {_listed(better)}; the suite's value stands."
    if impossible:
        yield f"A verified cost is below a proven bound on {_listed(impossible)}: one of the two is wrong."


def _listed(names: set[str]) -> str:
    first = ", ".join(sorted(names)[:_NAMED])
    return first if len(names) <= _NAMED else f"{first} and {len(names) - _NAMED} more"
