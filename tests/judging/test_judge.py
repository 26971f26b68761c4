"""Judging: what a keeper saw becomes a record by the evaluator's word alone."""

from __future__ import annotations

import json
import struct

import pytest
from journal_fixture import ANSWER, ANSWERED, CELL, INSTANCE, PACKED

from mincache import Solution
from mincache.files.documents import digest, parse_solution, solution_bytes
from mincache.judging import messages
from mincache.judging.judge import judge, with_contradictions
from mincache.judging.outcome import Outcome


def judged(bound=None, **fields):
    """Return what is made of an outcome."""
    bounds = [] if bound is None else [(0.5, struct.pack("<d", bound))]
    return judge(CELL, INSTANCE, Outcome(bounds=bounds, **fields), "now", {"a": 1})


COST = judged(**ANSWERED).record.score.cost


def test_answer_is_verified_and_kept():
    """A feasible answer is verified, and its document kept under its hash."""
    found = judged(**ANSWERED)
    assert (found.record.stop_reason, found.record.claim, found.record.verdict) == (
        "finished", "feasible", "verified",
    )  # fmt: skip
    assert found.record.solution_sha256 == digest(found.document)
    assert parse_solution(found.document) == Solution.nothing_cached(INSTANCE)
    assert found.record.environment == {"a": 1}


def test_spelling_does_not_change_the_document():
    """Two documents of the same solution are kept as one."""
    spaced = json.dumps(json.loads(ANSWER), indent=1).encode()
    assert judged(**ANSWERED | {"payload": spaced}).document == judged(**ANSWERED).document


def test_late_answer_is_a_soft_limit():
    """An answer within the grace stopped at the soft limit."""
    assert judged(**ANSWERED | {"solve_s": 10.05}).record.stop_reason == "soft limit"


@pytest.mark.parametrize(
    ("by", "stop_reason", "verdict"),
    [("wall", "wall", "verified"), ("cpu", "cpu", "verified"), ("memory", "memory", "verified"),
     ("disk", "crash", "no solution"), ("interrupted", "interrupted", "no solution")],
)  # fmt: skip
def test_limits_leave_the_last_incumbent(by, stop_reason, verdict):
    """A run that a limit of the contract ended is judged by its last incumbent; others have none."""
    record = judged(stopped_by=by, note="why", solve_s=10.1, incumbents=[(1.0, PACKED)]).record
    assert (record.stop_reason, record.verdict, record.reason) == (stop_reason, verdict, "why")
    assert record.claim == ("feasible" if verdict == "verified" else "none")


@pytest.mark.parametrize(
    ("ratio", "claim", "verdict"),
    [(0.9, "feasible", "verified"), (1.0 - 1e-8, "optimal", "verified"), (1.0 + 1e-10, "optimal", "verified"),
     (1.0 + 1e-8, "optimal", "contradicts a bound"), (2.0, "optimal", "contradicts a bound")],
)  # fmt: skip
def test_bound_against_own_cost(ratio, claim, verdict):
    """A bound at the cost claims optimality; one above it by more than 1e-9 contradicts itself."""
    record = judged(bound=ratio * COST, **ANSWERED).record
    assert (record.claim, record.verdict) == (claim, verdict)
    assert record.bound == ratio * COST
    assert record.passed == (verdict == "verified")


def test_bound_against_the_best_known_cost():
    """A bound above the suite's best known cost is contradicted, whatever the run itself found."""
    bounds = [(0.5, struct.pack("<d", 0.9 * COST))]
    outcome = Outcome(bounds=bounds, **ANSWERED)
    assert judge(CELL, INSTANCE, outcome, "now", {}, best_known=0.95 * COST).record.verdict == "verified"
    record = judge(CELL, INSTANCE, outcome, "now", {}, best_known=0.8 * COST).record
    assert record.verdict == "contradicts a bound"
    assert record.reference_cost == 0.8 * COST


def test_bound_against_others_costs():
    """A bound above what another run verified fails its record, in whatever order they stand."""
    good = judged(**ANSWERED).record
    other = CELL.model_copy(update={"solver": "liar"})
    liar = judged(bound=2 * COST, stopped_by="wall", solve_s=10.0).record.model_copy(update={"cell": other})
    honest = judged(bound=0.5 * COST, stopped_by="wall", solve_s=10.0).record
    for records in ([good, liar, honest], [liar, honest, good]):
        found = {record.bound: record for record in with_contradictions(records)}
        assert found[2 * COST].verdict == "contradicts a bound"
        assert repr(COST) in found[2 * COST].reason
        assert (found[None], found[0.5 * COST]) == (good, honest)


def test_contradictions_stay_within_an_instance():
    """A cost of one instance says nothing of another's bounds."""
    good = judged(**ANSWERED).record
    elsewhere = CELL.model_copy(update={"instance_sha256": "0" * 64})
    far = judged(bound=2 * COST, stopped_by="wall").record.model_copy(update={"cell": elsewhere})
    assert with_contradictions([good, far]) == [good, far]


@pytest.mark.parametrize(
    ("status", "reason"),
    [(-11, "ended by SIGSEGV"), (-200, "ended by signal 200"), (3, "exit status 3"), (None, "unknown")],
)
def test_endings_without_an_answer(status, reason):
    """A run that ended without a word is a crash, told by how it ended."""
    record = judged(exit_status=status, output=b"last words").record
    assert (record.stop_reason, record.verdict) == ("crash", "no solution")
    assert reason in record.reason
    assert record.output == "last words"


def test_left_behind_is_told():
    """Processes that could not be ended are named in the record."""
    assert "2 processes" in judged(left_behind=2, **ANSWERED).record.reason


def test_infeasible_is_scored_but_fails():
    """What the evaluator finds broken is in the record, with its score."""
    document = json.loads(ANSWER)
    document["bandwidth_share"] = [[0.9] * 3] * 2
    record = judged(**ANSWERED | {"payload": json.dumps(document).encode()}).record
    assert (record.verdict, record.score.violations) == ("infeasible", {"bandwidth": 2})
    assert record.score.cost is not None
    assert not record.passed


def packed(scale):
    """Return nothing cached with all bandwidth shares scaled: worse below 1, infeasible above."""
    plain = Solution.nothing_cached(INSTANCE).decisions
    return messages.pack(plain._replace(bandwidth_share=plain.bandwidth_share * scale))


@pytest.mark.parametrize("last", [0.5, 2.0])
def test_the_best_feasible_answer_counts(last):
    """An incumbent counts where the answer, or the last incumbent of a run that was ended, is worse."""
    worse = parse_solution(ANSWER)
    worse = solution_bytes(
        Solution.of(INSTANCE, worse.decisions._replace(bandwidth_share=worse.bandwidth_share * last))
    )
    answered = judged(closing=messages.ANSWER, payload=worse, solve_s=1.0, incumbents=[(0.5, PACKED)]).record
    ended = judged(
        stopped_by="wall", note="why", solve_s=10.1, incumbents=[(0.5, PACKED), (0.7, packed(last))]
    ).record
    for record in (answered, ended):
        assert (record.verdict, record.score.cost) == ("verified", COST)
        assert "its last answer was worse" in record.reason
        assert record.solution_sha256 == digest(ANSWER)


def test_what_the_tolerance_forgives_contradicts_no_bound():
    """An answer that exceeds a limit within the tolerance is verified, and refutes no proof."""
    found = judged(
        2 * COST, **ANSWERED | {"payload": solution_bytes(messages.unpack(packed(1 + 1e-10), INSTANCE))}
    )
    assert found.record.score.forgiven
    assert found.record.verdict == "verified"
    proven = judged(COST * 0.9, **ANSWERED).record
    cheap = found.record.model_copy(
        update={"bound": None, "score": found.record.score.model_copy(update={"cost": COST / 2})}
    )
    assert with_contradictions([proven, cheap])[0].verdict == "verified"
