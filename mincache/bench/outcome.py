"""What a keeper saw of one run: facts alone, nothing of it judged."""

from __future__ import annotations

import json
import signal
from dataclasses import asdict, dataclass, field
from typing import Any

from mincache.bench import pipes

HEADER, BLOB = b"H", b"B"


@dataclass
class Outcome:
    """What a keeper saw of one run.

    Attributes:
        stopped_by: what made the keeper end the run: `wall`, `startup`, `cpu`, `memory`, `disk`, `processes`,
            `interrupted`, `protocol`, or `not started` with the reason in `note`; empty if it ended itself.
        note: one line to it.
        exit_status: of the child, negative for a signal; None if it was not seen to end.
        import_s: seconds from the fork until the solver was loaded.
        build_s: seconds from there until `solve` began.
        solve_s: seconds from there until `solve` returned, or the run ended.
        wall_s: seconds from the fork until no process of the run was left.
        cpu_s: processor seconds of all processes of the run.
        peak_memory_bytes: the most seen of them together.
        enforced: how the limits were enforced; see `limits.enforced`.
        left_behind: processes that could not be ended.
        closing: kind of the frame that closed the run; empty without one.
        payload: of that frame.
        raw: packed decisions of the answer before its repair; None if it reported none.
        incumbents: (seconds since `solve` began, packed decisions), thinned.
        bounds: (seconds since `solve` began, packed bound), thinned.
        output: the end of what the run printed.
    """

    stopped_by: str = ""
    note: str = ""
    exit_status: int | None = None
    import_s: float | None = None
    build_s: float | None = None
    solve_s: float | None = None
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_memory_bytes: int = 0
    enforced: dict[str, str] = field(default_factory=dict)
    left_behind: int = 0
    closing: bytes = b""
    payload: bytes = b""
    raw: bytes | None = None
    incumbents: list[tuple[float, bytes]] = field(default_factory=list)
    bounds: list[tuple[float, bytes]] = field(default_factory=list)
    output: bytes = b""

    def send(self, descriptor: int) -> None:
        """Write the outcome to a pipe."""
        header: dict[str, Any] = asdict(self) | {"closing": self.closing.decode()}
        header["raw"] = self.raw is not None
        for name in ("payload", "output"):
            del header[name]
        for name in ("incumbents", "bounds"):
            header[name] = [seconds for seconds, _ in getattr(self, name)]
        pipes.write(descriptor, HEADER, json.dumps(header).encode())
        events = (data for _, data in self.incumbents + self.bounds)
        for blob in (self.payload, self.output, self.raw or b"", *events):
            pipes.write(descriptor, BLOB, blob)

    @classmethod
    def receive(cls, descriptor: int) -> Outcome | None:
        """Read an outcome from a pipe; None if the writer has died."""
        try:
            first = pipes.read(descriptor)
            if first is None:
                return None
            header = json.loads(first[1])
            blobs = [pipes.read(descriptor) for _ in range(3 + _events(header))]
        except pipes.BrokenStreamError:
            return None
        if None in blobs:
            return None
        payload, output, raw, *data = [blob[1] for blob in blobs if blob is not None]
        times = header["incumbents"] + header["bounds"]
        events = list(zip(times, data, strict=True))
        count = len(header["incumbents"])
        return cls(**header | {
            "closing": header["closing"].encode(), "payload": payload, "output": output,
            "raw": raw if header["raw"] else None,
            "incumbents": events[:count], "bounds": events[count:],
        })  # fmt: skip

    @property
    def cut_off(self) -> bool:
        """Whether something outside the bench ended the run: its keeper lost, or SIGKILL from nowhere."""
        unexplained = not self.stopped_by and not self.closing and self.exit_status == -signal.SIGKILL
        return self.stopped_by == "interrupted" or unexplained


def _events(header: dict[str, Any]) -> int:
    return len(header["incumbents"]) + len(header["bounds"])
