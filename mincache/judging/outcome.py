"""What a keeper saw of one run: facts alone, nothing of it judged."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mincache.files import pipes

HEADER, BLOB = b"H", b"B"


@dataclass
class Outcome:
    """What a keeper saw of one run.

    Attributes:
        stopped_by: what made the keeper end the run: `wall`, `startup`, `cpu`, `memory`, `disk`, `processes`,
            `interrupted`, `protocol`, or where no run could be made `changed`, `machine` or `isolation`;
            empty if it ended itself.
        note: one line to it.
        exit_status: of the child, negative for a signal; None if it was not seen to end.
        import_s: seconds from the fork until the solver was loaded.
        build_s: seconds from there until `solve` began.
        solve_s: seconds from there until the answer was whole, or the run ended.
        wall_s: seconds from the fork until no process of the run was left.
        cpu_s: processor seconds of all processes of the run.
        peak_memory_bytes: the most seen of them together.
        enforced: how the limits were enforced; see `limits.enforced`.
        isolation: what kept it from what is not its own: `namespaces`, `landlock N` or `off`.
        left_behind: processes that could not be ended.
        closing: kind of the frame that closed the run; empty without one.
        payload: of that frame.
        raw: packed decisions of the answer before its repair; None if it reported none.
        incumbents: (seconds since `solve` began, packed decisions), thinned.
        bounds: (seconds since `solve` began, packed bound), thinned.
        output: the end of what the run printed.
        moved: global generators that it drew from, by its own word; None if it said nothing.
        late: modules that no plan knew, by its own word: path from the solver's folder, SHA-256.
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
    isolation: str = ""
    left_behind: int = 0
    closing: bytes = b""
    payload: bytes = b""
    raw: bytes | None = None
    incumbents: list[tuple[float, bytes]] = field(default_factory=list)
    bounds: list[tuple[float, bytes]] = field(default_factory=list)
    output: bytes = b""
    moved: list[str] | None = None
    late: dict[str, str] = field(default_factory=dict)

    def frames(self) -> list[bytes]:
        """Return the outcome as a header in JSON and what is bytes of it, in the order that `of` reads."""
        header: dict[str, Any] = asdict(self) | {"closing": self.closing.decode()}
        header["raw"] = self.raw is not None
        for name in ("payload", "output"):
            del header[name]
        for name in ("incumbents", "bounds"):
            header[name] = [seconds for seconds, _ in getattr(self, name)]
        events = (data for _, data in self.incumbents + self.bounds)
        return [json.dumps(header).encode(), self.payload, self.output, self.raw or b"", *events]

    @classmethod
    def of(cls, frames: Sequence[bytes]) -> Outcome:
        """Return the outcome in frames that `frames` made."""
        first, payload, output, raw, *data = frames
        header = json.loads(first)
        times = header["incumbents"] + header["bounds"]
        events = list(zip(times, data, strict=True))
        count = len(header["incumbents"])
        return cls(**header | {
            "closing": header["closing"].encode(), "payload": payload, "output": output,
            "raw": raw if header["raw"] else None,
            "incumbents": events[:count], "bounds": events[count:],
        })  # fmt: skip

    def send(self, descriptor: int) -> None:
        """Write the outcome to a pipe."""
        frames = self.frames()
        pipes.write(descriptor, HEADER, str(len(frames)).encode())
        for frame in frames:
            pipes.write(descriptor, BLOB, frame)

    @classmethod
    def receive(cls, descriptor: int) -> Outcome | None:
        """Read an outcome from a pipe; None if the writer has died."""
        try:
            first = pipes.read(descriptor)
            if first is None:
                return None
            frames = [pipes.read(descriptor) for _ in range(int(first[1]))]
        except pipes.BrokenStreamError:
            return None
        found = [frame[1] for frame in frames if frame is not None]
        return cls.of(found) if len(found) == len(frames) else None

    @property
    def cut_off(self) -> bool:
        """Whether something outside the bench ended the run: its keeper lost, or SIGKILL from nowhere."""
        unexplained = not self.stopped_by and not self.closing and self.exit_status == -signal.SIGKILL
        return self.stopped_by in ("interrupted", "machine") or unexplained
