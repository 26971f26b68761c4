"""What a keeper saw of one run: facts alone, nothing of it judged."""

import signal
from dataclasses import dataclass, field

from pydantic import ConfigDict, TypeAdapter

Report = tuple[float, bytes]
"""Seconds since `solve` began, and packed decisions or a packed bound."""
MAX_REPORTS = 256
MAX_REPORTS_BYTES = 32 * 1024 * 1024
MAX_LOGGED = 32
"""Names under which a run may log numbers; others are passed over."""


def keep_report(kept: list[Report], report: Report) -> None:
    """Add a report to those kept; when there are too many, every second one but the last is dropped."""
    kept.append(report)
    if len(kept) > max(2, min(MAX_REPORTS, MAX_REPORTS_BYTES // max(1, len(report[1])))):
        del kept[-2::-2]


@dataclass
class Outcome:
    """What a keeper saw of one run; what is not said here is as in `Record`.

    Attributes:
        stopped_by: what made the keeper end the run: `wall`, `startup`, `cpu`, `memory`, `disk`, `processes`,
            `interrupted`, `protocol`, or where no run could be made `changed`, `machine` or `isolation`;
            empty if it ended itself.
        note: one line to it.
        exit_status: of the child, negative for a signal; None if it was not seen to end.
        warm_s: part of `import_s` that loading libraries took, once for all runs of the keeper.
        solve_s: seconds from when `solve` began until the answer was whole, or the run ended.
        wall_s: seconds from the fork until no process of the run was left.
        enforced: how the limits were enforced; see `limits.enforced`.
        left_behind: processes that could not be ended.
        closing: kind of the frame that closed the run; empty without one.
        payload: of that frame.
        raw: packed decisions of the answer before its repair; None if it reported none.
        incumbents, bounds, logged: reports of decisions, of bounds, and of numbers by name; thinned.
        placed: caches that an online run committed, hexadecimal, a byte a model; None of any other run.
    """

    __pydantic_config__ = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    stopped_by: str = ""
    note: str = ""
    exit_status: int | None = None
    import_s: float | None = None
    warm_s: float = 0.0
    build_s: float | None = None
    solve_s: float | None = None
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_memory_bytes: int = 0
    enforced: dict[str, str] = field(default_factory=dict)
    isolation: str = ""
    left_behind: int = 0
    closing: bytes = b""
    payload: bytes = b""
    raw: bytes | None = None
    incumbents: list[Report] = field(default_factory=list)
    bounds: list[Report] = field(default_factory=list)
    logged: dict[str, list[Report]] = field(default_factory=dict)
    evaluations: float = 0.0
    output: bytes = b""
    moved_generators: list[str] | None = None
    placed: str | None = None
    late_modules: dict[str, str] = field(default_factory=dict)
    pickled_modules: tuple[str, ...] = ()

    def dump(self) -> bytes:
        """Return the outcome as JSON, bytes in it as base64."""
        return _JSON.dump_json(self)

    @classmethod
    def parse(cls, data: bytes) -> "Outcome":
        """Return the outcome in the JSON that `dump` wrote."""
        return _JSON.validate_json(data)

    @property
    def cut_off(self) -> bool:
        """Whether something outside the bench ended the run: its keeper lost, or SIGKILL from nowhere."""
        unexplained = not self.stopped_by and not self.closing and self.exit_status == -signal.SIGKILL
        return self.stopped_by in ("interrupted", "machine") or unexplained


_JSON = TypeAdapter(Outcome)
