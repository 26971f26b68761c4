"""From what a keeper saw to a record: only here is a run judged, and only by the evaluator."""

from __future__ import annotations

import math
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mincache.bench import trace, worker
from mincache.bench.outcome import Outcome
from mincache.bench.records import Cell, Claim, Record, Score, StopReason, Verdict
from mincache.documents import digest, parse_solution, solution_bytes
from mincache.errors import InputError
from mincache.evaluation import Evaluation, evaluate
from mincache.instance import Instance
from mincache.solution import Solution

CONTRADICTION = 1e-9
"""A bound contradicts a cost that it exceeds by more than this, relative to the cost."""
OPTIMALITY = 1e-6
"""An answer is claimed optimal when its bound is nearer to its cost than this, relative to the cost."""

_STOPS: dict[str, StopReason] = {
    "wall": "wall", "startup": "wall", "answer": "wall", "cpu": "cpu", "memory": "memory",
    "interrupted": "interrupted", "not started": "not started",
    "disk": "crash", "processes": "crash", "protocol": "crash",
}  # fmt: skip
_CLOSINGS: dict[bytes, StopReason] = {
    worker.RAISED: "exception", worker.OUT_OF_MEMORY: "memory",
    worker.SKIPPED: "not started", worker.REFUSED: "not started",
}  # fmt: skip
_OUTPUT_CHARACTERS = 2000
_REFUTABLE = ("verified", "no solution")


@dataclass(frozen=True)
class Judged:
    """A record and what belongs to it.

    Attributes:
        record: the record.
        evaluation: the evaluator's, where there was a solution.
        document: the solution's canonical document, whose hash the record names; None without one.
    """

    record: Record
    evaluation: Evaluation | None = None
    document: bytes | None = None


def judge(
    cell: Cell,
    instance: Instance,
    outcome: Outcome,
    started: str,
    environment: dict[str, Any],
    best_known: float | None = None,
) -> Judged:
    """Return the record of what happened.

    Args:
        cell: what was run.
        instance: as the supervisor read it, whatever the child made of its own.
        outcome: what the keeper saw.
        started: when, ISO 8601 in UTC.
        environment: for the record.
        best_known: lowest cost verified before; bounds are held against it, and the primal integral
            refers to it or to the run's own cost, whichever is lower.
    """
    stop_reason, reason = _stop(cell, outcome)
    solution, malformed = _solution(outcome, instance, stop_reason)
    evaluation = None
    if solution is not None:
        try:
            evaluation = evaluate(instance, solution)
        except InputError as error:
            solution, malformed = None, str(error)
    points, malformed_report = trace.points(outcome, instance, evaluation)
    bound = max((point.bound for point in points if point.bound is not None), default=None)
    cost = evaluation.cost if evaluation is not None and evaluation.feasible else None
    reference = min((c for c in (best_known, cost) if c is not None), default=None)
    verdict, why = _verdict(outcome, evaluation, malformed or malformed_report)
    if verdict in _REFUTABLE and contradicts(bound, reference):
        verdict, why = "contradicts a bound", f"its bound {bound!r} is above the verified cost {reference!r}"
    document = solution_bytes(solution) if solution is not None else None
    horizon = cell.wall_s or outcome.solve_s or 0.0
    if outcome.left_behind:
        why = "; ".join(filter(None, (why, f"{outcome.left_behind} processes could not be ended")))
    failed = verdict not in ("verified", "skipped")
    record = Record(
        cell=cell,
        stop_reason=stop_reason,
        claim=_claim(cost, bound, outcome, solution),
        verdict=verdict,
        reason="; ".join(filter(None, (reason, why))),
        score=_score(evaluation),
        bound=bound,
        solution_sha256=digest(document) if document is not None else None,
        import_s=outcome.import_s,
        build_s=outcome.build_s,
        solve_s=outcome.solve_s,
        wall_s=outcome.wall_s,
        cpu_s=outcome.cpu_s,
        peak_memory_bytes=outcome.peak_memory_bytes or None,
        trace=points,
        primal_integral_s=trace.primal_integral(points, reference, horizon),
        primal_dual_integral_s=trace.primal_dual_integral(points, horizon),
        reference_cost=reference,
        output=outcome.output.decode(errors="replace")[-_OUTPUT_CHARACTERS:] if failed else "",
        started=started,
        environment=environment,
    )
    return Judged(record, evaluation, document)


def _stop(cell: Cell, outcome: Outcome) -> tuple[StopReason, str]:
    """Return why the run stopped, and one line to it."""
    if outcome.stopped_by:
        return _STOPS[outcome.stopped_by], outcome.note
    text = outcome.payload.decode(errors="replace")
    if outcome.closing in _CLOSINGS:
        return _CLOSINGS[outcome.closing], text
    if outcome.closing:
        late = cell.wall_s is not None and (outcome.solve_s or 0.0) >= cell.wall_s
        return ("soft limit" if late else "finished"), ""
    return "crash", _ending(outcome.exit_status)


def _ending(status: int | None) -> str:
    if status is None:
        return "ended in an unknown way"
    if status < 0:
        try:
            return f"ended by {signal.Signals(-status).name}"
        except ValueError:
            return f"ended by signal {-status}"
    return f"left with exit status {status} and without an answer"


def _solution(outcome: Outcome, instance: Instance, stop: StopReason) -> tuple[Solution | None, str]:
    """Return the solution that counts, if any, and why what came is none.

    A run that a limit ended is judged by the last incumbent that it had reported in time.
    """
    try:
        if outcome.answered:
            return parse_solution(outcome.payload), ""
        if stop in ("wall", "cpu", "memory") and outcome.incumbents:
            return worker.unpack(outcome.incumbents[-1][1], instance), ""
    except InputError as error:
        return None, str(error)
    if outcome.closing == worker.MALFORMED:
        return None, outcome.payload.decode(errors="replace")
    return None, ""


def _verdict(outcome: Outcome, evaluation: Evaluation | None, malformed: str) -> tuple[Verdict, str]:
    if outcome.closing == worker.SKIPPED and not outcome.stopped_by:
        return "skipped", ""
    if malformed:
        return "malformed", malformed
    if outcome.stopped_by == "protocol":
        return "malformed", ""
    if evaluation is None:
        return "no solution", ""
    if not evaluation.feasible:
        return "infeasible", _broken(evaluation)
    return "verified", ""


def contradicts(bound: float | None, cost: float | None) -> bool:
    """Return whether a lower bound is above a cost that was verified; not where either is missing."""
    return bound is not None and cost is not None and bound > cost + CONTRADICTION * abs(cost)


def _broken(evaluation: Evaluation) -> str:
    slots = Counter(violation.constraint for violation in evaluation.violations)
    return ", ".join(f"{name} broken in {count} slots" for name, count in slots.items()) or "infinite cost"


def _claim(cost: float | None, bound: float | None, outcome: Outcome, solution: Solution | None) -> Claim:
    if solution is None:
        return "none"
    proven = cost is not None and bound is not None and bound >= cost - OPTIMALITY * abs(cost)
    return "optimal" if proven and outcome.answered else "feasible"


def _score(evaluation: Evaluation | None) -> Score | None:
    if evaluation is None:
        return None
    values = {name: getattr(evaluation, name) for name in Score.model_fields if name != "violations"}
    finite: dict[str, Any] = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }
    violations = Counter(violation.constraint for violation in evaluation.violations)
    return Score(**finite, violations=dict(violations))


def with_contradictions(records: Sequence[Record]) -> list[Record]:
    """Return the records, those whose bound is above any verified cost of their instance marked so.

    A record may be verified when it is written and contradicted by a better answer later.
    """
    best: dict[str, tuple[float, str]] = {}
    for record in records:
        if record.score is not None and record.score.feasible and record.score.cost is not None:
            known = (record.score.cost, record.cell.solver)
            best[record.cell.instance_sha256] = min(best.get(record.cell.instance_sha256, known), known)
    return [_contradicted(record, best.get(record.cell.instance_sha256)) for record in records]


def _contradicted(record: Record, best: tuple[float, str] | None) -> Record:
    if best is None or record.verdict not in _REFUTABLE or not contradicts(record.bound, best[0]):
        return record
    reason = f"its bound {record.bound!r} is above the verified cost {best[0]!r} of {best[1]}"
    return record.model_copy(update={"verdict": "contradicts a bound", "reason": reason})
