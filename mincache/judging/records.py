"""The record of one attempt at one run: what was run, how it stopped, what it claimed, what is verified."""

import json
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import to_json

from mincache.files.documents import digest
from mincache.files.tables import Count, Seed, StrictTable, TupleOf, Whole, validated
from mincache.problem.evaluation import EVALUATOR_VERSION

RECORD_FORMAT: Literal["mincache-record/1"] = "mincache-record/1"

StopReason = Literal[
    "finished", "soft limit", "wall", "cpu", "memory", "crash", "exception", "interrupted", "not started"
]
ClaimedStatus = Literal["optimal", "feasible", "none"]
Verdict = Literal["verified", "infeasible", "no solution", "contradicts a bound", "malformed", "skipped"]

Measured = Annotated[float, Field(ge=0)]
"""Seconds that were measured."""
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
"""Names a stored document, and so a file."""


class Cell(StrictTable):
    """What a run is: two runs with equal keys are the same run, and resuming skips the second.

    Attributes:
        suite: name of the suite.
        instance: name of the instance.
        instance_sha256: hash of its document.
        solver: how tables call the solver: its name and the parameters that differ from their defaults,
            such as `genetic[population=50]`.
        solver_name: the solver's registered name, or `file.py:ClassName`.
        solver_source: SHA-256 of the solver's source file.
        solver_files: SHA-256 over the other files that its answers depend on, such as the policies that ship;
            empty if there are none.
        solver_modules: SHA-256 over the modules from outside site-packages that it needs; empty without any.
        libraries: versions of the distributions that it imports, by name.
        solver_version: version of the distribution that it came with; empty for a file of one's own.
        parameters: every parameter, defaults included, as JSON values; a file is named with its hash.
        repetition: which of the repetitions, from 0.
        seed: root of the campaign's random streams.
        wall_s: limit on the wall-clock time of `solve` in s; None without one.
        cpu_s: limit on the processor time of the whole run in s; None without one.
        memory_bytes: limit on the memory of the whole run; None without one.
        evaluations: limit on the candidates that the solver priced through its `Run`; None without one.
        threads: threads, and where the system allows it cores, that the run had.
        evaluator_version: `evaluation.EVALUATOR_VERSION`.
    """

    suite: str
    instance: str
    instance_sha256: str
    solver: str
    solver_name: str
    solver_source: str
    solver_files: str = ""
    solver_modules: str = ""
    libraries: dict[str, str] = Field(default_factory=dict)
    solver_version: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)
    repetition: Whole
    seed: Seed = 0
    wall_s: float | None = Field(default=None, gt=0)
    cpu_s: float | None = Field(default=None, gt=0)
    memory_bytes: Count | None = None
    evaluations: Count | None = None
    threads: Count = 1
    evaluator_version: str = EVALUATOR_VERSION

    @property
    def key(self) -> str:
        """SHA-256 of everything that makes the run what it is, and of no spelling."""
        # Without them a run is what it was before there were such fields.
        later = ("solver_files", "solver_modules", "libraries", "evaluations")
        silent = {"solver", *(name for name in later if not getattr(self, name))}
        identity = self.model_dump(mode="json", exclude=silent)
        return digest(json.dumps(identity, sort_keys=True).encode())

    @property
    def stream(self) -> tuple[int, str, str, int]:
        """Name of the random stream, the same for every solver: seed, suite, instance, repetition."""
        return (self.seed, self.suite, self.instance, self.repetition)


class Score(StrictTable):
    """What the evaluator found; None where a number is not finite. See `evaluation.Evaluation`."""

    feasible: bool
    cost: float | None
    hit_ratio: float
    mean_delay_s: float | None
    mean_upload_s: float | None
    mean_download_s: float | None
    mean_backhaul_s: float | None
    mean_generation_s: float | None
    mean_loading_s: float | None = 0.0
    mean_tv: float | None
    low_step_hit_share: float | None
    violations: dict[str, Whole] = Field(default_factory=dict, description="broken slots by constraint")
    forgiven: bool = Field(default=False, description="whether a limit is exceeded within the tolerance")


class Broken(StrictTable):
    """How far decisions break one constraint.

    Attributes:
        rate: share of the slots that break it.
        mean_excess: mean over those slots of by how much; see `constraints.Violation`.
    """

    rate: float
    mean_excess: float

    def __str__(self) -> str:
        return f"{self.rate} by {self.mean_excess}"


class RawScore(StrictTable):
    """What the evaluator found of an answer before its repair.

    Attributes:
        solution_sha256: names the stored document of the raw decisions.
        cost: their cost, whatever they break; None where it is not finite.
        violations: the constraints that they break.
    """

    solution_sha256: Sha256
    cost: float | None = None
    violations: dict[str, Broken] = Field(default_factory=dict)


class TracePoint(NamedTuple):
    """What a solver had at a moment, by the supervisor's clock.

    Attributes:
        seconds: since `solve` began.
        cost: of the incumbent, by the evaluator; None where there was no feasible one yet.
        bound: best lower bound reported; None where there was none yet.
    """

    seconds: float
    cost: float | None
    bound: float | None


class CountedPoint(NamedTuple):
    """What a solver had after so many evaluations: the least cost of its incumbents, by the evaluator."""

    evaluations: float
    cost: float


class LoggedPoint(NamedTuple):
    """A number that a solver logged: seconds since `solve` began, evaluations so far, and the number."""

    seconds: float
    evaluations: float
    value: float


class Environment(StrictTable):
    """What tables read of a record's environment, where all else may be anything."""

    model_config = ConfigDict(extra="ignore")

    kind: str = ""
    information: Literal["trace", "slot", "past"] | None = None
    stochastic: bool | None = None
    reference_s: float | None = Field(default=None, gt=0)
    cpu: str = ""
    cores: Count | None = None
    versions: dict[str, str | None] = Field(default_factory=dict)


def _checked(environment: dict[str, Any]) -> dict[str, Any]:
    validated(Environment, environment)
    return environment


class Record(StrictTable):
    """One attempt at a cell.

    Attributes:
        format: `RECORD_FORMAT`.
        cell: what was run.
        stop_reason: why the process ended.
        claim: what the solver claimed: optimal when its bound met its answer, feasible with any answer.
        verdict: what the evaluator found; `skipped` when `supports` declined.
        reason: one line for people: the exception, the signal, the sentence of `supports`, ...
        score: the evaluator's numbers, when there was a solution.
        raw: the same of the answer before its repair, where the solver reported that.
        bound: lower bound that the solver reported, if any.
        solution_sha256: names the stored solution, if any.
        import_s: seconds until the solver was loaded, by the keeper's clock.
        warm_s: the part of these in which its keeper had loaded the libraries, once for many runs; 0 where
            the run loaded all of them itself.
        build_s: seconds from there until `solve` began: reading the instance, and `supports`.
        start_s: both together; None in records made before it was kept.
        solve_s: seconds from there until the answer was whole, written down.
        wall_s: seconds of the child process from its start to its end.
        cpu_s: processor seconds of the child and its descendants, if known.
        peak_memory_bytes: largest resident size of the child and its descendants, if known.
        trace: when the incumbents and bounds came, thinned to `trace.MAX_POINTS`.
        evaluations: candidates that the solver priced through its `Run`, by its own word; a candidate for
            some of the slots counts as that part of one. 0 where it priced none.
        counted_trace: after how many evaluations the incumbents came; empty where it priced none.
        logged: numbers that the solver logged, by name, thinned.
        primal_integral_s: integral over the time limit of the gap of the incumbent to
            `reference_cost`; see `mincache.judging.trace`.
        primal_dual_integral_s: the same of the gap between incumbent and bound.
        reference_cost: what the primal integral refers to.
        interruptions: attempts at this cell before this one that were cut off from outside.
        moved_generators: global generators of random numbers that the solver drew from, `numpy.random` or
            `random` or `torch`, by the run's own word; None where nothing was said of it.
        late_modules: modules from outside site-packages that came in while the run went on and that its plan
            did not know: path from the solver's folder, and SHA-256. With other ones it is another run.
        pickled_modules: packages whose classes the solver took out of pickles, by the run's own word. Such a
            file may run any code.
        isolation: what kept the run from what is not its own: `namespaces`, `landlock N` (in part), `off`;
            empty where nothing was said of it.
        output: the end of what a failed run printed.
        started: ISO 8601 time in UTC.
        environment: versions, machine, and how the limits were enforced.
    """

    format: Literal["mincache-record/1"] = RECORD_FORMAT
    cell: Cell
    stop_reason: StopReason
    claim: ClaimedStatus = "none"
    verdict: Verdict
    reason: str = ""
    score: Score | None = None
    raw: RawScore | None = None
    bound: float | None = None
    solution_sha256: Sha256 | None = None
    import_s: Measured | None = None
    warm_s: Measured = 0.0
    build_s: Measured | None = None
    start_s: Measured | None = None
    solve_s: Measured | None = None
    wall_s: Measured
    cpu_s: Measured | None = None
    peak_memory_bytes: Whole | None = None
    trace: TupleOf[TracePoint] = ()
    evaluations: Measured = 0.0
    counted_trace: TupleOf[CountedPoint] = ()
    logged: dict[str, TupleOf[LoggedPoint]] = Field(default_factory=dict)
    primal_integral_s: Measured | None = None
    primal_dual_integral_s: Measured | None = None
    reference_cost: float | None = None
    interruptions: Whole = 0
    moved_generators: TupleOf[str] | None = None
    late_modules: dict[str, str] = Field(default_factory=dict)
    pickled_modules: TupleOf[str] = ()
    isolation: str = ""
    output: str = ""
    started: str
    environment: Annotated[dict[str, Any], AfterValidator(_checked)] = Field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the run gave a verified answer, or declined by the solver's own word."""
        return self.verdict in ("verified", "skipped")

    @property
    def answer_s(self) -> float | None:
        """Seconds from the start of the run until its answer was whole; None where it came to no answer."""
        if self.solve_s is None:
            return None
        return self.solve_s + (self.start_s or (self.import_s or 0.0) + (self.build_s or 0.0))

    @property
    def documents(self) -> list[str]:
        """Hashes of the stored documents: of the solution, and of the raw decisions."""
        found = (self.solution_sha256, None if self.raw is None else self.raw.solution_sha256)
        return [name for name in dict.fromkeys(found) if name is not None]

    @property
    def final(self) -> bool:
        """Whether the attempt says something of the solver; resuming repeats one that does not."""
        return self.stop_reason != "interrupted"


_ENVIRONMENT_MARK = b',"environment":'
_UNTOLD: set[str] = set()


class RecordParser:
    """Parses the JSON of records; equal environments are shared where they come last, as they are written.

    Args:
        validate: reads a part of each as a dictionary; by default all of it is read, as a `Record`.
    """

    def __init__(
        self, validate: Callable[[bytes], Any] = Record.__pydantic_validator__.validate_json
    ) -> None:
        self._environments: dict[bytes, dict[str, Any]] = {}
        self._validate = validate

    def parse(self, payload: bytes) -> Any:
        """Return the record in `payload`.

        Raises:
            ValidationError: if it is none.
        """
        head, _, tail = payload.rpartition(_ENVIRONMENT_MARK)  # most of a record, and the same in many
        known = self._environments.get(tail)
        record = self._validate(payload if known is None else head + b"}")
        # The record is frozen for others; it has not been handed out yet, and copying it takes longer.
        fields: dict[str, Any] = record if isinstance(record, dict) else vars(record)
        if known is not None:
            fields["environment"] = known
        elif to_json(fields["environment"]) + b"}" == tail:
            self._environments[tail] = fields["environment"]
        if fields is record:
            return record
        # Which fields were given and which are defaults, nobody asks, and it is half of the memory.
        for part in (record, record.cell, record.score, record.raw):
            if part is not None:
                object.__setattr__(part, "__pydantic_fields_set__", _UNTOLD)
        return record
