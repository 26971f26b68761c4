"""What an answer was before its repair: priced by the evaluator like any other, and never counted.

A solver hands its raw decisions to `Run.report_raw`. Decisions that are none are left out of the record,
with a line why; they have no say in the verdict.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from statistics import fmean

from mincache.errors import InputError
from mincache.files.documents import digest, solution_bytes
from mincache.judging import messages
from mincache.judging.outcome import Outcome
from mincache.judging.records import Broken, RawScore
from mincache.problem.constraints import Violation
from mincache.problem.evaluation import Evaluation, evaluate
from mincache.problem.instance import Instance


def judge(outcome: Outcome, instance: Instance) -> tuple[RawScore | None, bytes | None, str]:
    """Return the score of a run's raw decisions, their document, and why what came is none.

    Only a run that gave an answer of its own has raw decisions of it.
    """
    if outcome.raw is None or outcome.closing != messages.ANSWER:
        return None, None, ""
    try:
        solution = messages.unpack(outcome.raw, instance)
        document = solution_bytes(solution)
        return score(digest(document), evaluate(instance, solution)), document, ""
    except InputError as error:
        return None, None, f"its raw decisions do not count: {error}"


def score(solution_sha256: str, found: Evaluation) -> RawScore:
    """Return what the record says of raw decisions that the evaluator found to be so."""
    cost = found.cost if math.isfinite(found.cost) else None
    violations = broken(found.violations, len(found.slot_cost))
    return RawScore(solution_sha256=solution_sha256, cost=cost, violations=violations)


def broken(violations: Iterable[Violation], slots: int) -> dict[str, Broken]:
    """Return how far each constraint is broken: the share of the slots, and by how much in those."""
    excess: dict[str, list[float]] = {}
    for violation in violations:
        excess.setdefault(violation.constraint, []).append(violation.excess)
    return {
        name: Broken(rate=len(values) / slots, mean_excess=fmean(values)) for name, values in excess.items()
    }
