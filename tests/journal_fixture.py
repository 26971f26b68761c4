"""A verified run of a tiny instance: its outcome, its record, and journals of such."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from mincache import Solution
from mincache.files.documents import digest, instance_bytes, solution_bytes
from mincache.generation.scenario import Scenario
from mincache.judging import journal, messages
from mincache.judging.judge import Judged, judge
from mincache.judging.outcome import Outcome
from mincache.judging.records import Cell, Record

SCENARIO = Scenario(slots=2, users=3, models=3)
INSTANCE = SCENARIO.instance("tiny", SCENARIO.library(0), SCENARIO.trace(0))
ANSWER = solution_bytes(Solution.nothing_cached(INSTANCE))
PACKED = messages.pack(Solution.nothing_cached(INSTANCE).decisions)
ANSWERED = {"closing": messages.ANSWER, "payload": ANSWER, "solve_s": 1.0}
CELL = Cell(
    suite="s", instance="tiny", instance_sha256=digest(instance_bytes(INSTANCE)), solver="x", solver_name="x",
    solver_source="", repetition=0, wall_s=10.0,
)  # fmt: skip


@cache
def verified() -> Judged:
    """Return a verified record with its solution."""
    return judge(CELL, INSTANCE, Outcome(**ANSWERED), "now", {})


def record(repetition: int, **changes: object) -> Record:
    """Return the record of a repetition."""
    cell = CELL.model_copy(update={"repetition": repetition})
    return verified().record.model_copy(update={"cell": cell, **changes})


def append(folder: Path, *records: Record) -> None:
    """Append records to the journal in a folder."""
    with journal.Journal(folder) as kept:
        for one in records:
            kept.append(one, verified().documents)
