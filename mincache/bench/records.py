"""The record of one attempt at one run: what was run, how it stopped, what it claimed, what is verified."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mincache.documents import digest
from mincache.evaluation import EVALUATOR_VERSION

RECORD_FORMAT: Literal["mincache-record/1"] = "mincache-record/1"

StopReason = Literal[
    "finished", "soft limit", "wall", "cpu", "memory", "crash", "exception", "interrupted", "not started"
]
Claim = Literal["optimal", "feasible", "none"]
Verdict = Literal["verified", "infeasible", "no solution", "contradicts a bound", "malformed", "skipped"]

_FROZEN = ConfigDict(frozen=True, extra="forbid")


class Cell(BaseModel):
    """What a run is: two runs with equal cells are the same run, and resuming skips the second.

    Attributes:
        suite: name of the suite.
        instance: name of the instance.
        instance_sha256: hash of its document.
        solver: the solver as it was written, parameters included, such as `genetic[population=50]`.
        solver_name: the solver's registered name, or `file.py:ClassName`.
        solver_source: SHA-256 of the solver's source file.
        parameters: every parameter, defaults included, as JSON values.
        repetition: which of the seeds, from 0; the random stream is named by suite, instance and this.
        wall_s: limit on wall-clock time in s; None without one.
        evaluator_version: `evaluation.EVALUATOR_VERSION`.
    """

    model_config = _FROZEN

    suite: str
    instance: str
    instance_sha256: str
    solver: str
    solver_name: str
    solver_source: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    repetition: int = Field(ge=0)
    wall_s: float | None = Field(default=None, gt=0)
    evaluator_version: str = EVALUATOR_VERSION

    @property
    def key(self) -> str:
        """SHA-256 of the cell: the identity of the run."""
        return digest(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode())


class Score(BaseModel):
    """What the evaluator found; None where a number is not finite. See `evaluation.Evaluation`."""

    model_config = _FROZEN

    feasible: bool
    cost: float | None
    hit_ratio: float
    mean_delay_s: float | None
    mean_upload_s: float | None
    mean_download_s: float | None
    mean_backhaul_s: float | None
    mean_generation_s: float | None
    mean_tv: float | None
    low_step_hit_share: float | None
    violations: dict[str, int] = Field(default_factory=dict, description="broken slots by constraint")


class Record(BaseModel):
    """One attempt at a cell.

    Attributes:
        format: `RECORD_FORMAT`.
        cell: what was run.
        stop_reason: why the process ended.
        claim: what the solver claimed: optimal when its bound met its answer, feasible with any answer.
        verdict: what the evaluator found; `skipped` when `supports` declined.
        reason: one line for people: the exception, the signal, the sentence of `supports`, ...
        score: the evaluator's numbers, when there was a solution.
        bound: lower bound that the solver reported, if any.
        solution_sha256: names the stored solution, if any.
        solve_s: seconds inside `solve`, by the child's clock.
        wall_s: seconds of the child process, by the supervisor's clock.
        cpu_s: processor seconds of the child process, if known.
        peak_memory_bytes: largest resident size of the child, if known.
        started: ISO 8601 time in UTC.
        environment: versions and machine.
    """

    model_config = _FROZEN

    format: Literal["mincache-record/1"] = RECORD_FORMAT
    cell: Cell
    stop_reason: StopReason
    claim: Claim = "none"
    verdict: Verdict
    reason: str = ""
    score: Score | None = None
    bound: float | None = None
    solution_sha256: str | None = None
    solve_s: float | None = None
    wall_s: float
    cpu_s: float | None = None
    peak_memory_bytes: int | None = None
    started: str
    environment: dict[str, Any] = Field(default_factory=dict)
