"""Public against sealed: who fits the instances that could be seen is worse on those that could not.

A sealed suite is one whose folder holds its seal. Its public twin is drawn from the same scenarios.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mincache.board import ranks, seals
from mincache.board.comparison import Told
from mincache.board.contenders import Contender
from mincache.board.runs import Runs
from mincache.board.table import Row, Table, Unseen
from mincache.errors import InputError
from mincache.generation.recipes import Recipe, Source
from mincache.problem.quantity import Array


def unseen(found: Sequence[Runs]) -> dict[str, Unseen]:
    """Return by suite what its entries did on its twin, that with the most entries in common."""
    pairs, told = [], dict[str, Unseen]()
    for sealed, setting in ((runs, _sealed_setting(runs)) for runs in found):
        twins = [one for one in found if setting and one is not sealed and _public_setting(one) == setting]
        pairs += [_told(public, sealed) for public in twins]
        if setting and not twins:
            told[sealed.name] = Unseen("", sealed.name, why_not="no public suite of its scenarios is here")
    for one in sorted(pairs, key=lambda one: (len(one.rows), one.public, one.sealed)):
        told |= {one.public: one, one.sealed: one}
    return told


def _told(public: Runs, sealed: Runs) -> Unseen:
    for runs in (public, sealed):
        if not all(name in runs.references and runs.references[name].pinned for name in runs.instances):
            why = f"{runs.name} does not state the best known cost of every instance"
            return Unseen(public.name, sealed.name, why_not=why)
    found = public_and_sealed(Table(public), Table(sealed))
    rows = {who: one for contenders, one in found.items() for who in contenders}
    return Unseen(public.name, sealed.name, rows, "" if rows else "no frozen entry ran on both")


def _sealed_setting(runs: Runs) -> list[str]:
    """What the instances of an opened seal were drawn from; [] if the suite is none."""
    try:
        seal = None if runs.suite is None else seals.opened(runs.suite.folder)
    except InputError:
        return []  # verifying tells
    return [] if seal is None else sorted(map(_setting, seal[0].sources))


def _public_setting(runs: Runs) -> list[str]:
    content = None if runs.suite is None else runs.suite.content
    return sorted(map(_setting, content.sources)) if content and isinstance(content.recipe, Recipe) else []


def _setting(source: Source) -> str:
    """All that instances of a source are draws from: it without seeds, paths, names and counts."""
    scenario = source.scenario.with_files(lambda file: "")
    sweep = source.recipe.sweep and source.recipe.sweep.model_dump_json()
    return f"{sorted(source.recipe.users)} {sweep} {scenario.model_dump_json(exclude={'name', 'users'})}"


def public_and_sealed(public: Table, sealed: Table, level: float = 0.95) -> dict[tuple[Contender, ...], Told]:
    """Compare who ran on both suites under the same limits, by contender there and here, in sealed order.

    `low` and `high` are the interval of the difference of the mean gaps, sealed less public, over new
    libraries, by Welch's t; `p` is adjusted for the number of entries. An entry that is worse on sealed
    instances by more than chance is `fitted`; None where that cannot be told.
    """
    both = _on_both(public, sealed)
    parts = [(_by_library(before), _by_library(after)) for before, after in both]
    gaps = np.array([[part.mean() for part in pair] for pair in parts]).reshape(-1, 2)
    places = 1 + (gaps[:, None] > gaps[None] + ranks.EQUAL).sum(axis=1)
    tests = [ranks.of_other_libraries(after, before) for before, after in parts]
    adjusted = ranks.holm([test.p for test in tests])
    enough = min(len(set(one.runs.libraries)) for one in (public, sealed)) >= ranks.FEWEST_LIBRARIES
    found = {}
    for n, (seen, row) in enumerate(both):
        before, after = gaps[n].tolist()
        low, high = tests[n].interval(level)
        fitted = adjusted[n] <= 1.0 - level and after > before if enough else None
        found[seen.who, row.who] = {
            "solver": row.solver, "public_rank": int(places[n, 0]), "sealed_rank": int(places[n, 1]),
            "public_gap": before, "sealed_gap": after, "low": low, "high": high, "p": adjusted[n],
            "fitted": fitted,
        }  # fmt: skip
    return dict(sorted(found.items(), key=lambda one: (one[1]["sealed_rank"], one[1]["solver"])))


def _on_both(public: Table, sealed: Table) -> list[tuple[Row, Row]]:
    """Pair the rows that are one solver under the same limits, of the same authors if there are."""
    pairs = []
    for row in sealed.compared:
        if row.entry is not None and not row.entry.frozen:
            continue
        same = [seen for seen in public.compared if seen.who[1:-2] == row.who[1:-2] and _counts(seen)]
        if same and _counts(row):
            pairs.append((min(same, key=lambda seen: seen.who.authors != row.who.authors), row))
    return pairs


def _counts(row: Row) -> bool:
    return row.tier not in ("self-reported", "flagged")


def _by_library(row: Row) -> Array:
    return ranks.by_group(row.by_instance("gap"), row.runs.libraries)
