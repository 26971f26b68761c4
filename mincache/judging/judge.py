"""From what a keeper saw to a record: only here is a run judged, and only by the evaluator."""

import math
import signal
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from mincache.errors import InputError, line_of
from mincache.files.documents import digest, parse_solution, solution_bytes
from mincache.judging import messages, trace
from mincache.judging.outcome import Outcome
from mincache.judging.records import Broken, Cell, ClaimedStatus, RawScore, Record, Score, StopReason, Verdict
from mincache.problem.constraints import Violation
from mincache.problem.evaluation import Evaluation, evaluate
from mincache.problem.instance import Instance
from mincache.problem.solution import Solution

CONTRADICTION = 1e-9
"""A bound contradicts a cost that it exceeds by more than this, relative to the cost."""
OPTIMALITY = 1e-6
"""An answer is claimed optimal when its bound is nearer to its cost than this, relative to the cost."""

_STOPS: dict[str, StopReason] = {
    "wall": "wall", "startup": "wall", "answer": "wall", "cpu": "cpu", "memory": "memory",
    "interrupted": "interrupted", "machine": "interrupted",
    "disk": "crash", "processes": "crash", "protocol": "crash",
}  # fmt: skip
_CLOSINGS: dict[bytes, StopReason] = {
    messages.RAISED: "exception", messages.OUT_OF_MEMORY: "memory",
    messages.SKIPPED: "not started", messages.REFUSED: "not started",
}  # fmt: skip
_SEEN = (
    "import_s", "warm_s", "build_s", "solve_s", "wall_s", "cpu_s", "peak_memory_bytes", "evaluations",
    "moved_generators", "late_modules", "pickled_modules", "isolation",
)  # fmt: skip
"""What a record repeats of an outcome."""
_OUTPUT_CHARACTERS = 2000
_REFUTABLE = ("verified", "no solution")


@dataclass(frozen=True)
class Judged:
    """A record, and the canonical documents of the solution and of the answer before its repair.

    Attributes:
        document: the solution's canonical document, whose hash the record names; None without one.
        raw_document: the same of the answer before its repair.
        of_the_machine: whether the run could not be made, for no fault of its solver.
    """

    record: Record
    evaluation: Evaluation | None = None
    document: bytes | None = None
    raw_document: bytes | None = None
    of_the_machine: bool = False

    @property
    def documents(self) -> dict[str, bytes]:
        """The documents by the hashes that the record names."""
        return {digest(one): one for one in (self.document, self.raw_document) if one is not None}


def judge(
    cell: Cell, instance: Instance, outcome: Outcome, started: str, environment: dict[str, Any],
    best_known: float | None = None,
) -> Judged:  # fmt: skip
    """Return the record of what happened, given the instance as the supervisor read it.

    Bounds are held against `best_known`, the lowest cost verified before; the primal integral refers to it or
    to the run's own cost, whichever is lower.
    """
    stop_reason, reason = _stop(cell, outcome)
    malformed, reported, bounds = "", [], []
    try:
        reported, bounds = trace.incumbents(outcome, instance), trace.bounds(outcome)
    except InputError as error:
        malformed = str(error)
    final, final_evaluation, refused = _answer(outcome, instance)
    solution, evaluation, passed_over = _counted(final, final_evaluation, stop_reason, reported, instance)
    raw_score, raw_document, raw_refused = judge_raw(outcome, instance) if solution is final else _NO_RAW
    ended = None
    if final_evaluation is not None and final_evaluation.feasible:
        ended = (outcome.solve_s or 0.0, final_evaluation.cost)
    points = trace.points(reported, bounds, ended)
    evaluations = max([outcome.evaluations, *(one.evaluations for one in reported)])
    last = None if ended is None or not evaluations else (evaluations, ended[1])
    score = None if evaluation is None else score_of(evaluation)
    cost = score.cost if score is not None and score.feasible else None
    bound = max((bound for _, bound in bounds), default=None)
    reference = min((c for c in (best_known, cost) if c is not None), default=None)
    refuting = best_known if score is not None and score.forgiven else reference
    verdict, why = _verdict(outcome, score, refused or malformed, bound, refuting)
    horizon_s = cell.wall_s or outcome.solve_s or 0.0
    document = solution_bytes(solution) if solution is not None else None
    left_behind = f"{outcome.left_behind} processes could not be ended" if outcome.left_behind else ""
    output = outcome.output.decode(errors="replace")[-_OUTPUT_CHARACTERS:]
    seen = {name: getattr(outcome, name) for name in _SEEN} | {"evaluations": evaluations}
    if outcome.build_s is not None:
        seen["start_s"] = (outcome.import_s or 0.0) + outcome.build_s
    record = Record(
        cell=cell, stop_reason=stop_reason, claim=_claim(cost, bound, outcome, solution), verdict=verdict,
        reason="; ".join(filter(None, (reason, why, passed_over, raw_refused, left_behind))),
        score=score, raw=raw_score, bound=bound,
        solution_sha256=None if document is None else digest(document),
        trace=points, counted_trace=trace.counted(reported, last), logged=trace.logged(outcome),
        primal_integral_s=trace.primal_integral(points, reference, horizon_s),
        primal_dual_integral_s=trace.primal_dual_integral(points, horizon_s),
        reference_cost=reference, output="" if verdict in ("verified", "skipped") else output,
        started=started, environment=environment, **seen,
    )  # fmt: skip
    return Judged(record, evaluation, document, raw_document)


def unjudged(
    cell: Cell, outcome: Outcome, error: Exception, started: str, environment: dict[str, Any]
) -> Judged:
    """Return the record of a run that could not be judged, with the error that judging it came to."""
    reason = f"it could not be judged: {line_of(error)}"[:_OUTPUT_CHARACTERS]
    record = Record(
        cell=cell, stop_reason=_stop(cell, outcome)[0], verdict="malformed",
        reason=reason.encode(errors="backslashreplace").decode(), wall_s=max(0.0, outcome.wall_s),
        started=started, environment=environment,
    )  # fmt: skip
    return Judged(record)


def _stop(cell: Cell, outcome: Outcome) -> tuple[StopReason, str]:
    if outcome.stopped_by:
        return _STOPS[outcome.stopped_by], outcome.note
    if outcome.closing in _CLOSINGS:
        return _CLOSINGS[outcome.closing], _told(outcome)
    if outcome.closing:
        late = cell.wall_s is not None and (outcome.solve_s or 0.0) >= cell.wall_s
        spent = cell.evaluations is not None and outcome.evaluations > cell.evaluations - 1
        return ("soft limit" if late or spent else "finished"), ""
    return "crash", _ending(outcome.exit_status)


def _told(outcome: Outcome) -> str:
    """Return the text that closed a run, as a line."""
    return " ".join(outcome.payload.decode(errors="replace").split())[:_OUTPUT_CHARACTERS]


def _ending(status: int | None) -> str:
    if status is None:
        return "ended in an unknown way"
    if status < 0:
        try:
            return f"ended by {signal.Signals(-status).name}"
        except ValueError:
            return f"ended by signal {-status}"
    return f"left with exit status {status} and without an answer"


def _answer(outcome: Outcome, instance: Instance) -> tuple[Solution | None, Evaluation | None, str]:
    """Return the solution that a run returned, its evaluation, and why what came is none."""
    if outcome.closing == messages.MALFORMED:
        return None, None, _told(outcome)
    if outcome.closing != messages.ANSWER:
        return None, None, ""
    try:
        solution = parse_solution(outcome.payload)
        found = evaluate(instance, solution)
        _check_placed(solution, outcome.placed)
        return solution, found, ""
    except InputError as error:
        return None, None, str(error)


def _check_placed(solution: Solution, placed: str | None) -> None:
    """Check that an online run's answer caches in each slot what it had committed before."""
    if placed is None:
        return
    committed = np.frombuffer(bytes.fromhex(placed), np.uint8).reshape(-1, solution.cache.shape[1])
    # At the level `slot` the last cache is committed by the answer itself.
    differs = (solution.cache[: len(committed)] != committed).any(axis=1)
    if differs.any() or len(committed) < len(solution.cache) - 1:
        slot = int(differs.argmax()) if differs.any() else len(committed)
        raise InputError("cache", "must be what was placed before each slot", f"another in slot {slot}")


def _counted(
    final: Solution | None, found: Evaluation | None, stop: StopReason,
    reported: Sequence[trace.Incumbent], instance: Instance,
) -> tuple[Solution | None, Evaluation | None, str]:  # fmt: skip
    """Return the best solution handed in, if the run answered or hit a limit; a line if a later was worse."""
    if not reported or (final is None and stop not in ("wall", "cpu", "memory")):
        return final, found, ""
    best = min(reported, key=lambda one: one.cost)
    last_cost = reported[-1].cost if found is None else found.cost if found.feasible else math.inf
    worse = last_cost > best.cost + CONTRADICTION * abs(best.cost)
    if found is not None and not worse:
        return final, found, ""
    chosen = best if math.isfinite(best.cost) else reported[-1]
    last = f"cost {last_cost:.9g}" if math.isfinite(last_cost) else "infeasible"
    line = f"its last answer was worse ({last}) than the one that counts, of {best.seconds:.3g} s"
    return chosen.solution, evaluate(instance, chosen.solution), line if worse else ""


def _verdict(
    outcome: Outcome, score: Score | None, malformed: str, bound: float | None, reference: float | None
) -> tuple[Verdict, str]:
    if outcome.closing == messages.SKIPPED and not outcome.stopped_by:
        return "skipped", ""
    if malformed or outcome.stopped_by == "protocol":
        return "malformed", malformed
    if score is not None and not score.feasible:
        told = (f"{name} broken in {count} slots" for name, count in score.violations.items())
        return "infeasible", ", ".join(told) or "infinite cost"
    if contradicts(bound, reference):
        return "contradicts a bound", f"its bound {bound!r} is above the verified cost {reference!r}"
    return ("verified" if score is not None else "no solution"), ""


def contradicts(bound: float | None, cost: float | None) -> bool:
    """Return whether a lower bound is above a cost that was verified; not where either is missing.

    The cost must be of an answer that keeps the limits: one that the tolerance forgives may cost less than
    what a right proof bounds.
    """
    return bound is not None and cost is not None and bound > cost + CONTRADICTION * abs(cost)


def _claim(
    cost: float | None, bound: float | None, outcome: Outcome, solution: Solution | None
) -> ClaimedStatus:
    if solution is None:
        return "none"
    proven = cost is not None and bound is not None and bound >= cost - OPTIMALITY * abs(cost)
    return "optimal" if proven and outcome.closing == messages.ANSWER else "feasible"


def score_of(evaluation: Evaluation) -> Score:
    """Return what the record says of a solution that the evaluator found to be so."""
    values = {name: getattr(evaluation, name) for name in Score.model_fields if name != "violations"}
    finite: dict[str, Any] = {name: one if math.isfinite(one) else None for name, one in values.items()}
    return Score(**finite, violations=Counter(one.constraint for one in evaluation.violations))


_NO_RAW = None, None, ""


def judge_raw(outcome: Outcome, instance: Instance) -> tuple[RawScore | None, bytes | None, str]:
    """Return the score of the raw decisions of a run that gave an answer, their document, and why not."""
    if outcome.raw is None or outcome.closing != messages.ANSWER:
        return _NO_RAW
    try:
        solution = messages.unpack(outcome.raw, instance)
        document = solution_bytes(solution)
        return raw_score(digest(document), evaluate(instance, solution)), document, ""
    except InputError as error:
        return None, None, f"its raw decisions do not count: {error}"


def raw_score(solution_sha256: str, found: Evaluation) -> RawScore:
    """Return what the record says of raw decisions that the evaluator found to be so."""
    cost = found.cost if math.isfinite(found.cost) else None
    violations = broken(found.violations, len(found.slot_cost))
    return RawScore(solution_sha256=solution_sha256, cost=cost, violations=violations)


def broken(violations: Iterable[Violation], slots: int) -> dict[str, Broken]:
    """Return how far each constraint is broken: the share of the slots, and by how much in those."""
    excess: dict[str, list[float]] = {}
    for violation in violations:
        excess.setdefault(violation.constraint, []).append(violation.excess)
    return {name: Broken(rate=len(by) / slots, mean_excess=fmean(by)) for name, by in excess.items()}


def with_contradictions(records: Sequence[Record]) -> list[Record]:
    """Return the records, those whose bound is above any verified cost of their instance marked so.

    A record may be verified when it is written and contradicted by a better answer later.
    """
    best: dict[str, tuple[float, str]] = {}
    for record in records:
        score = record.score
        if score is not None and score.feasible and score.cost is not None and not score.forgiven:
            known = (score.cost, record.cell.solver)
            best[record.cell.instance_sha256] = min(best.get(record.cell.instance_sha256, known), known)
    return [
        record if record.bound is None else _contradicted(record, best.get(record.cell.instance_sha256))
        for record in records
    ]


def _contradicted(record: Record, best: tuple[float, str] | None) -> Record:
    if best is None or record.verdict not in _REFUTABLE or not contradicts(record.bound, best[0]):
        return record
    reason = f"its bound {record.bound!r} is above the verified cost {best[0]!r} of {best[1]}"
    return record.model_copy(update={"verdict": "contradicts a bound", "reason": reason})
