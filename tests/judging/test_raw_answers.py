"""Raw decisions: priced like an answer, stored like one, and without a say in the verdict."""

from __future__ import annotations

import numpy as np
import pytest
from bench_fixture import file_entrant, tiny_tasks

from mincache import Decisions, Solution, evaluate
from mincache.bench.executors import attempt
from mincache.bench.merging import Merged, merge
from mincache.bench.supervisor import Supervisor
from mincache.files.documents import digest, parse_instance, parse_solution, read_bytes, solution_bytes
from mincache.generation.scenario import Scenario
from mincache.judging import messages, raw_answers
from mincache.judging.journal import Journal, read
from mincache.judging.outcome import Outcome
from mincache.judging.records import Record
from mincache.problem.constraints import Violation

SCENARIO = Scenario(slots=4, users=3, models=3)
INSTANCE = SCENARIO.instance("tiny", SCENARIO.library(0), SCENARIO.trace(0))


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
    found = raw_answers.broken([Violation("steps", 0, 0.2), Violation("steps", 3, 0.4)], 4)
    assert found["steps"].rate == 0.5
    assert found["steps"].mean_excess == pytest.approx(0.3, rel=1e-15)
    share = np.array([[0.5, 0.5, 0.1], [0.1, 0.1, 0.1], [0.0, 0.5, 0.5], [1.5, 0.0, 0.0]])
    decisions = Decisions(np.zeros((4, 3)), share, np.zeros((4, 3)))
    violations = evaluate(INSTANCE, Solution.of(INSTANCE, decisions)).violations
    found = {k: tuple(v.model_dump().values()) for k, v in raw_answers.broken(violations, 4).items()}
    assert found.keys() == {"bandwidth", "range", "unserved"}
    assert found["bandwidth"] == (0.5, pytest.approx(0.3))
    assert found["range"] == (0.25, 0.5)
    assert found["unserved"] == (0.5, 1.5)


def test_only_a_runs_own_answer_has_raw_decisions():
    """A run that was cut off is judged by an incumbent, which the raw decisions do not belong to."""
    packed = messages.pack(Solution.nothing_cached(INSTANCE).decisions)
    answered = Outcome(closing=messages.ANSWER, raw=packed)
    assert raw_answers.judge(answered, INSTANCE)[0].violations == {}
    assert raw_answers.judge(Outcome(stopped_by="wall", raw=packed), INSTANCE) == (None, None, "")
    assert raw_answers.judge(Outcome(closing=messages.ANSWER), INSTANCE) == (None, None, "")


def test_raw_documents_are_kept_and_merged(attempts, tmp_path):
    """A campaign's folder has the document under its hash, and merging takes it along."""
    judged = attempts[0]["full"]
    with Journal(tmp_path / "one") as journal:
        journal.append(judged)
    assert merge([tmp_path / "one"], tmp_path / "all") == Merged([], [])
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
    solution = Solution.nothing_cached(INSTANCE)
    score, document, _ = raw_answers.judge(
        Outcome(closing=messages.ANSWER, raw=messages.pack(solution.decisions)), INSTANCE
    )
    assert document == solution_bytes(solution)
    assert score.cost == evaluate(INSTANCE, solution).cost
