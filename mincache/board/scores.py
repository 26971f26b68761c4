"""Whether a record is what the evaluator and the suite say it is: a sentence for each thing wrong."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from mincache.bench import raw_answers
from mincache.bench.judge import OPTIMALITY
from mincache.bench.records import RawScore, Record, Score
from mincache.board.entries import verified_cost
from mincache.errors import InputError
from mincache.files.documents import digest, parse_solution
from mincache.generation.recipes import RELATIVE_TOLERANCE
from mincache.generation.suites import Suite
from mincache.problem.evaluation import EVALUATOR_VERSION, Evaluation, evaluate
from mincache.problem.instance import Instance

SCORE_TOLERANCE = 1e-12
"""Relative; another machine's logarithm may differ in the last bits, a score by no more than this."""
_SLACK_S, _SLACK = 1.0, 0.05
"""Of time limits: runs are ended a little after them."""
_CLOCK_S = 0.05
"""Two clocks time a run."""
_DAY = timedelta(days=1)


def wrong_in_record(record: Record, suite: Suite) -> Iterator[str]:
    """Yield what is wrong with a record, its solution aside."""
    known = suite.entries.get(record.cell.instance)
    if known is None:
        yield "the suite has no such instance"
        return
    if record.cell.instance_sha256 != known.sha256:
        yield "the instance's hash is not the suite's"
    if record.cell.evaluator_version != EVALUATOR_VERSION:
        yield f"scored by evaluator {record.cell.evaluator_version}, this is {EVALUATOR_VERSION}"
    yield from _wrong_verdict(record)
    # What the tolerance forgives can cost less than any answer that keeps the limits.
    lower_bound = None if record.score is not None and record.score.forgiven else known.lower_bound
    yield from _wrong_trace(record, lower_bound)
    yield from _wrong_times(record)
    cost = verified_cost(record)
    if cost is not None and lower_bound is not None and below(cost, lower_bound):
        yield f"cost {cost} is below the proven bound {lower_bound}"


def _wrong_verdict(record: Record) -> Iterator[str]:
    score, verdict = record.score, record.verdict
    feasible = score is not None and score.feasible and score.cost is not None
    if verdict == "verified" and not feasible:
        yield "verified without a feasible score"
    if verdict == "infeasible" and (score is None or feasible):
        yield "infeasible without an infeasible score"
    if verdict in ("skipped", "no solution") and (score is not None or record.claim != "none"):
        yield f"{verdict}, and yet a score or a claim"
    if score is not None and record.solution_sha256 is None:
        yield "a score without a solution"
    if record.claim == "optimal" and feasible and not _proven(record.bound, score):
        yield f"claimed optimal at the bound {record.bound}"


def _proven(bound: float | None, score: Score | None) -> bool:
    if bound is None or score is None or score.cost is None:
        return False
    return bound >= score.cost - OPTIMALITY * abs(score.cost)


def _wrong_trace(record: Record, lower_bound: float | None) -> Iterator[str]:
    seconds = [point.seconds for point in record.trace]
    if seconds != sorted(seconds) or any(second < 0.0 for second in seconds):
        yield "the trace's times do not rise from 0"
    least = min((point.cost for point in record.trace if point.cost is not None), default=None)
    if least is not None and lower_bound is not None and below(least, lower_bound):
        yield f"the trace's cost {least} is below the proven bound {lower_bound}"
    cost = verified_cost(record)
    if cost is not None and least is not None:
        last = next(point.cost for point in reversed(record.trace) if point.cost is not None)
        if below(least, cost):
            yield f"the trace reaches {least}, below the cost {cost}"
        elif abs(last - cost) > RELATIVE_TOLERANCE * abs(cost):
            yield f"the trace ends at {last}, not at the cost {cost}"


def _wrong_times(record: Record) -> Iterator[str]:
    solve_s, limit_s = record.solve_s, record.cell.wall_s
    if solve_s is None and verified_cost(record) is not None:
        yield "verified without a solve time"
    if solve_s is not None:
        if solve_s > record.wall_s + _CLOCK_S:
            yield f"{solve_s} s in solve are more than the process's {record.wall_s} s"
        if limit_s is not None and solve_s > limit_s * (1.0 + _SLACK) + _SLACK_S:
            yield f"{solve_s} s in solve are more than the limit of {limit_s} s"
        if record.trace and record.trace[-1].seconds > solve_s * (1.0 + _SLACK) + _CLOCK_S:
            yield f"the trace goes on to {record.trace[-1].seconds} s, solve ended after {solve_s} s"
    try:
        started = datetime.fromisoformat(record.started)
    except ValueError:
        yield f"started at {record.started!r}, which is no date"
        return
    if started.tzinfo is None or started > datetime.now(UTC) + _DAY:
        yield f"started at {record.started}, which is to come or has no time zone"


def wrong_in_score(record: Record, document: bytes, instance_of: Callable[[str], Instance]) -> Iterator[str]:
    """Yield what is wrong with a record's score, given the document of its solution."""
    try:
        found = evaluate(instance_of(record.cell.instance), parse_solution(document))
    except (InputError, KeyError) as error:
        if record.score is not None:
            yield f"the solution cannot be scored: {error}"
        return
    if record.score is None:
        yield "a solution without a score"
    else:
        yield from differences(record.score, found)


def wrong_in_raw(
    name: str, recorded: RawScore, document: bytes, instance_of: Callable[[str], Instance]
) -> Iterator[str]:
    """Yield what is wrong with the score of an answer to instance `name` before its repair."""
    try:
        found = raw_answers.score(digest(document), evaluate(instance_of(name), parse_solution(document)))
    except (InputError, KeyError) as error:
        yield f"the raw decisions cannot be scored: {error}"
        return
    if not _same(recorded.cost, math.nan if found.cost is None else found.cost):
        yield f"raw cost {recorded.cost}; the evaluator finds {found.cost}"
    if recorded.violations.keys() != found.violations.keys() or not all(
        _same(claim.rate, found.violations[which].rate)
        and _same(claim.mean_excess, found.violations[which].mean_excess)
        for which, claim in recorded.violations.items()
    ):
        yield f"raw violations {_listed(recorded)}; the evaluator finds {_listed(found)}"


def _listed(score: RawScore) -> str:
    return ", ".join(f"{name} {b.rate} by {b.mean_excess}" for name, b in score.violations.items()) or "none"


def differences(score: Score, found: Evaluation) -> Iterator[str]:
    """Yield how a recorded score differs from what the evaluator finds."""
    broken = dict(Counter(violation.constraint for violation in found.violations))
    if score.feasible != found.feasible or score.violations != broken:
        yield f"feasible {score.feasible} {score.violations}; the evaluator finds {found.feasible} {broken}"
    if score.forgiven and not found.forgiven:  # records made before it was kept say nothing of it
        yield "forgiven; the evaluator finds that it keeps every limit"
    for name, recorded in score:
        if name not in ("feasible", "violations", "forgiven") and not _same(recorded, getattr(found, name)):
            yield f"{name} {recorded}; the evaluator finds {getattr(found, name)}"


def below(cost: float, limit: float) -> bool:
    """Return whether a cost is below a limit by more than rounding."""
    return cost < limit - RELATIVE_TOLERANCE * abs(limit)


def _same(recorded: float | None, found: float) -> bool:
    if recorded is None or not math.isfinite(found):
        return recorded is None and not math.isfinite(found)
    return math.isclose(recorded, found, rel_tol=SCORE_TOLERANCE, abs_tol=SCORE_TOLERANCE)
