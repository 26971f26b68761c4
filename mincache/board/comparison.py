"""Contenders side by side, told as JSON has it: two, every pair of a table, and suite against suite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from mincache.board import ranks
from mincache.board.contenders import differences
from mincache.board.runs import Runs
from mincache.board.table import Row, Table
from mincache.errors import InputError, excerpt
from mincache.generation.recipes import RELATIVE_TOLERANCE
from mincache.problem.quantity import Array

Told = dict[str, Any]


def compare(first: Row, second: Row) -> Told:
    """Return the comparison of two rows, of one table or of two on the same suite.

    `pairs` has the charged costs on each instance that both have attempted, `mean_change` the geometric mean
    of second / first, less 1, `p_values` what can be told by question, `changed` what else differs.
    """
    mine, theirs = (
        dict(zip(row.runs.instances, row.by_instance("charged_cost").tolist(), strict=True))
        for row in (first, second)
    )
    attempted = [{name for name, cost in costs.items() if cost > 0} for costs in (mine, theirs)]
    common = sorted(attempted[0] & attempted[1])
    one, other = (np.array([costs[name] for name in common]) for costs in (mine, theirs))
    runs = first.runs.among(common)
    tests = ranks.tests(runs.libraries, runs.strata) if common else {}
    return {
        "suite": first.runs.name, "first": first.solver, "second": second.solver,
        "pairs": [{"instance": name, "first": mine[name], "second": theirs[name]} for name in common],
        **_tally(one, other),
        "mean_change": float(np.exp(np.log(other / one).mean()) - 1.0) if common else None,
        "p_values": {
            question: test(*(_logs(row, common, question) for row in (first, second))).p
            for question, (test, _) in tests.items()
        },
        "libraries": len(set(runs.libraries)),
        "only_first": len(attempted[0] - attempted[1]), "only_second": len(attempted[1] - attempted[0]),
        "changed": differences(first.who, second.who) if first.who.name == second.who.name else (),
    }  # fmt: skip


def _tally(one: Array, other: Array) -> Told:
    """On how many instances the first costs less by more than rounding, more, or as much."""
    tied = np.abs(one - other) <= RELATIVE_TOLERANCE * np.maximum(one, other)
    wins, losses = int(((one < other) & ~tied).sum()), int(((one > other) & ~tied).sum())
    return {"wins": wins, "losses": losses, "ties": int(tied.sum())}


def _logs(row: Row, instances: Sequence[str], question: str) -> ranks.Sample:
    sample, kept = row.sample(question, log_costs=True), set(instances)
    return sample._replace(values=sample.values[[name in kept for name in row.runs.instances]])


def compare_all(first: Iterable[Runs], second: Iterable[Runs], same_solver: bool) -> list[Told]:
    """Return the comparisons of all contenders, or all of one label, on the same suite."""
    others = [row for runs in second for row in Table(runs).rows]
    return [
        compare(mine, other)
        for runs in first
        for mine in Table(runs).rows
        for other in others
        if other.runs.name == runs.name and (not same_solver or other.solver == mine.solver)
    ]


def pairs(table: Table) -> list[Told]:
    """Return each pair of rows with a mean over all instances, the one that stands higher first.

    `difference` is the mean gap of the second less that of the first, `adjusted` Holm's p by question.
    """
    ranked, found = {row.number: n for n, row in enumerate(table.ranked)}, []
    for first, second in combinations(table.compared, 2):
        pair = ranked.get(first.number, -1), ranked.get(second.number, -1)
        found.append({
            "first": first.solver, "second": second.solver,
            **_tally(first.by_instance("charged_cost"), second.by_instance("charged_cost")),
            "difference": (second.gap or 0.0) - (first.gap or 0.0),
            "adjusted": {q: r.adjusted[pair] for q, r in table.questions.items() if pair in r.adjusted},
        })  # fmt: skip
    return found


def shares(table: Table) -> list[Told]:
    """Return where each row beats every other, and what the virtual best costs more without it."""
    costs, found = table.means("charged_cost"), []
    for n, row in enumerate(table.compared if len(costs) > 1 else ()):
        best, others = costs.min(axis=0), np.delete(costs, n, axis=0).min(axis=0)
        alone = int((best < others * (1.0 - RELATIVE_TOLERANCE)).sum())
        contribution = float((others - best).mean())
        found.append({"solver": row.solver, "best_alone": alone, "contribution": contribution})
    return found


def bests(table: Table) -> Told:
    """Return mean cost and gap of the single best solver, and of the best on each instance."""
    if not table.compared:
        return {}
    costs, gaps = table.means("charged_cost"), table.means("gap")
    best = int(costs.mean(axis=1).argmin())
    return {
        "single_best": table.compared[best].solver,
        "single_best_cost": float(costs[best].mean()),
        "single_best_gap": float(gaps[best].mean()),
        "virtual_best_cost": float(costs.min(axis=0).mean()),
        "virtual_best_gap": float(gaps.min(axis=0).mean()),
    }


def contrasts(tables: Sequence[Table], base: str) -> list[Told]:
    """Return how each suite with a ranking contrasts with the suite named `base`, which comes first.

    `best` and `worst` are solvers and their mean gaps, `swapped` the pairs (better here, worse here) that
    stand the other way round on `base`, of the `pairs` of solvers that are ranked on both.

    Raises:
        InputError: if that suite is not among them.
    """
    gaps = {table.runs.name: {row.solver: row.rounded_gap for row in table.ranked} for table in tables}
    if base not in gaps:
        raise InputError("base", f"must be one of: {', '.join(gaps)}", excerpt(base))
    found, others = [], gaps[base]
    for table in sorted(tables, key=lambda table: (table.runs.name != base, table.runs.name)):
        runs, own = table.runs, list(gaps[table.runs.name].items())
        if not own:
            continue
        both = list(combinations([one for one in own if one[0] in others], 2))
        swapped = tuple((a, b) for (a, low), (b, high) in both if low < high and others[a] > others[b])
        proven = sum(name in runs.references and runs.references[name].proven for name in runs.instances)
        purpose = "" if runs.suite is None else runs.suite.content.purpose
        found.append({
            "suite": runs.name, "purpose": purpose, "instances": len(runs.instances), "proven": proven,
            "solvers": len(own), "best": own[0], "worst": own[-1], "swapped": swapped, "pairs": len(both),
        })  # fmt: skip
    return found
