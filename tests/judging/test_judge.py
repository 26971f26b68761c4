"""Judging: what a keeper saw becomes a record by the evaluator's word alone."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from bench_fixture import file_entrant, tiny_tasks
from journal_fixture import ANSWER, ANSWERED, CELL, INSTANCE, PACKED

from mincache import Decisions, Solution, evaluate
from mincache.bench.campaign import merge
from mincache.bench.executors import attempt
from mincache.bench.supervisor import Supervisor
from mincache.files.documents import digest, parse_instance, parse_solution, read_bytes, solution_bytes
from mincache.generation.scenario import Scenario
from mincache.judging import messages
from mincache.judging.journal import Journal, read
from mincache.judging.judge import broken, judge, judge_raw, with_contradictions
from mincache.judging.outcome import Outcome
from mincache.judging.records import Record
from mincache.problem.constraints import Violation


def judged(bound=None, **fields):
    """Return what is made of an outcome."""
    bounds = [] if bound is None else [(0.5, struct.pack("<d", bound))]
    return judge(CELL, INSTANCE, Outcome(bounds=bounds, **fields), "now", {"a": 1})


def counted(packed, evaluations=0.0):
    """Return packed decisions as an incumbent that came after so many evaluations."""
    return struct.pack("<d", evaluations) + packed


COST = judged(**ANSWERED).record.score.cost


def test_evaluations_are_in_the_record():
    """The count is the run's last word, or its last incumbent's; at its limit a run ends softly."""
    record = judged(**ANSWERED | {"evaluations": 7.0}, incumbents=[(0.5, counted(PACKED, 4.0))]).record
    assert (record.evaluations, record.counted_trace) == (7.0, ((4.0, COST),))
    killed = judged(stopped_by="wall", solve_s=10.1, incumbents=[(0.5, counted(PACKED, 4.0))]).record
    assert (killed.evaluations, killed.counted_trace) == (4.0, ((4.0, COST),))
    assert judged(**ANSWERED).record.counted_trace == ()
    for limit, stop in ((7, "soft limit"), (8, "finished"), (None, "finished")):
        cell = CELL.model_copy(update={"evaluations": limit})
        outcome = Outcome(**ANSWERED | {"evaluations": 7.0})
        assert judge(cell, INSTANCE, outcome, "now", {}).record.stop_reason == stop


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
    record = judged(stopped_by=by, note="why", solve_s=10.1, incumbents=[(1.0, counted(PACKED))]).record
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


@pytest.mark.parametrize("closing", [messages.RAISED, messages.SKIPPED, messages.REFUSED, messages.MALFORMED])
def test_what_closed_a_run_is_a_line(closing):
    """Whatever text comes in the place of a reason, the record's is a line that a journal can hold."""
    reason = judged(closing=closing, payload=b"a\n\xff " * 10**6).record.reason
    assert reason.startswith("a \ufffd a")
    assert len(reason) < 10_000


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
    answered = judged(
        closing=messages.ANSWER, payload=worse, solve_s=1.0, incumbents=[(0.5, counted(PACKED))]
    ).record
    ended = judged(
        stopped_by="wall",
        note="why",
        solve_s=10.1,
        incumbents=[(0.5, counted(PACKED)), (0.7, counted(packed(last)))],
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


SCENARIO = Scenario(slots=4, users=3, models=3)
SMALL = SCENARIO.instance("tiny", SCENARIO.library(0), SCENARIO.trace(0))


@pytest.fixture(scope="module")
def attempts(tmp_path_factory):
    """What became of a run with each kind of raw decisions, by kind, and the instance."""
    kinds = ("full", "nan", "half", "shapes", "huge", "text", "trap")
    entrants = [file_entrant(f"raw.py:Raw[kind={kind}]", parameters={"kind": kind}) for kind in kinds]
    tasks = tiny_tasks(tmp_path_factory.mktemp("suite"), *entrants, traces=1)
    with Supervisor(pin=False) as keeper:
        found = {kind: attempt(task, task.read(), keeper) for kind, task in zip(kinds, tasks, strict=True)}
    return found, parse_instance(tasks[0].read())


def test_raw_decisions_are_priced_by_the_evaluator(attempts):
    """All of everything to each of three users breaks the sums by 2 in every slot, at a cost of its own."""
    found, instance = attempts
    record, document = found["full"].record, found["full"].raw_document
    assert record.verdict == "verified"
    assert record.reason == ""
    assert record.raw.violations["bandwidth"].model_dump() == {"rate": 1.0, "mean_excess": 2.0}
    assert record.raw.violations["steps"].rate == 1.0
    assert record.raw.cost == evaluate(instance, parse_solution(document)).cost != record.score.cost
    assert digest(document) == record.raw.solution_sha256 in record.documents


@pytest.mark.parametrize("kind", ["nan", "half", "shapes", "huge", "text", "trap"])
def test_what_are_no_decisions_does_not_hurt(attempts, kind):
    """The verdict is the answer's, the record has no raw score, and a line says so."""
    record = attempts[0][kind].record
    assert (record.verdict, record.stop_reason, record.raw) == ("verified", "finished", None)
    assert record.reason.startswith("its raw decisions do not count: ")
    assert "\n" not in record.reason


def test_rates_and_excesses_are_means():
    """A constraint broken in two slots of four, by 0.2 and 0.4, has the rate 0.5 and the excess 0.3."""
    found = broken([Violation("steps", 0, 0.2), Violation("steps", 3, 0.4)], 4)
    assert found["steps"].rate == 0.5
    assert found["steps"].mean_excess == pytest.approx(0.3, rel=1e-15)
    share = np.array([[0.5, 0.5, 0.1], [0.1, 0.1, 0.1], [0.0, 0.5, 0.5], [1.5, 0.0, 0.0]])
    decisions = Decisions(np.zeros((4, 3)), share, np.zeros((4, 3)))
    violations = evaluate(SMALL, Solution.of(SMALL, decisions)).violations
    found = {k: tuple(v.model_dump().values()) for k, v in broken(violations, 4).items()}
    assert found.keys() == {"bandwidth", "range", "unserved"}
    assert found["bandwidth"] == (0.5, pytest.approx(0.3))
    assert found["range"] == (0.25, 0.5)
    assert found["unserved"] == (0.5, 1.5)


def test_only_a_runs_own_answer_has_raw_decisions():
    """A run that was cut off is judged by an incumbent, which the raw decisions do not belong to."""
    packed = messages.pack(Solution.nothing_cached(SMALL).decisions)
    answered = Outcome(closing=messages.ANSWER, raw=packed)
    assert judge_raw(answered, SMALL)[0].violations == {}
    assert judge_raw(Outcome(stopped_by="wall", raw=packed), SMALL) == (None, None, "")
    assert judge_raw(Outcome(closing=messages.ANSWER), SMALL) == (None, None, "")


def test_raw_documents_are_kept_and_merged(attempts, tmp_path):
    """A campaign's folder has the document under its hash, and merging takes it along."""
    judged = attempts[0]["full"]
    with Journal(tmp_path / "one") as journal:
        journal.append(judged.record, judged.documents)
    assert merge([tmp_path / "one"], tmp_path / "all") == ([], [])
    (record,) = read(tmp_path / "all")
    assert record == judged.record
    stored = {name: read_bytes(tmp_path / "all/solutions" / f"{name}.json.gz") for name in record.documents}
    assert stored == judged.documents
    assert len(stored) == 2


def test_records_without_raw_decisions_stay_valid(attempts):
    """A record written before there were any is read as one without."""
    old = attempts[0]["full"].record.model_dump(mode="json", exclude={"raw"})
    assert Record.model_validate(old).raw is None


def test_an_answer_that_needed_no_repair_is_one_document():
    """Where raw decisions and answer are the same, one document serves both."""
    solution = Solution.nothing_cached(SMALL)
    score, document, _ = judge_raw(
        Outcome(closing=messages.ANSWER, raw=messages.pack(solution.decisions)), SMALL
    )
    assert document == solution_bytes(solution)
    assert score.cost == evaluate(SMALL, solution).cost
