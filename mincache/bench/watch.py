"""Watching one run from its fork to its end, so that it outlives none of its limits."""

import json
import os
import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mincache.bench import cgroups, child, processes
from mincache.bench.limits import ANSWER_S, LEAVE_S, TERM_TO_KILL_S, WRITING_S_PER_BYTE, Limits, enforced
from mincache.bench.revealing import Revealer
from mincache.bench.zygote import Zygote
from mincache.errors import InputError
from mincache.files import pipes
from mincache.judging import messages
from mincache.judging.outcome import MAX_LOGGED, Outcome, keep_report

_TICK_S = 0.05
_DISK_TICK_S = 0.1
_WALK_S = 0.01
_SHOWN_S = 5.0  # for a run to take a slot that it has asked for
MOST_FILES = 100_000  # files that a run may have in its folder
_MOST_PROCESSES = 1024
_MOST_READS = 4096
_OUTPUT_BYTES = 4000
_INFINITY = float("inf")
_MISSED = {
    "startup": "solve had not begun after", "wall": "solve had not returned after",
    "answer": "the answer was not whole after",
}  # fmt: skip
_UNREADABLE = "approximate, for a process made itself unreadable: polling of resident sizes"
_OF_THE_MACHINE = {messages.CHANGED: "changed", messages.UNSET: "machine"}


class Watch:
    """One run under supervision, started when this is made.

    Raises:
        OSError: if no process or folder can be made.
    """

    def __init__(
        self, zygote: Zygote, order: dict[bytes, bytes], limits: Limits, cores: set[int],
        revealer: Revealer | None = None,
    ) -> None:  # fmt: skip
        self.limits, self._zygote, self._revealer = limits, zygote, revealer
        self._group = cgroups.group(limits.memory_bytes)
        how = enforced(limits, bool(cores), self._group is not None) | {"isolation": str(zygote.held)}
        self.outcome = Outcome(enforced=how, isolation=zygote.held.level)
        self._decoder = pipes.Decoder(messages.KINDS)
        self._deadline_is = "startup"
        self._solve_start: float | None = None
        self._ready = self._done = self._ended = False
        self._facts = b""
        self._writing_s = WRITING_S_PER_BYTE * len(order[child.INSTANCE])
        self._peak_bytes = self._disk_bytes = self._files = 0
        self._waited_s = zygote.waited_s()
        self._own_files: int | None = None
        places = {"cores": sorted(cores), "group": str(self._group.path) if self._group else ""}
        self._report, report_end = socket.socketpair()
        self._output, output_end = os.pipe()
        self._start = self._mark = time.monotonic()
        self._deadline = self._start + limits.startup_s
        self._next_check, self._next_disk_check = 0.0, self._start + _DISK_TICK_S
        try:
            self.pid, self.folder = zygote.start(report_end.fileno(), output_end)
        finally:
            report_end.close()
            os.close(output_end)
        with suppress(OSError):  # it has ended already
            for kind, payload in (order | {child.PLACES: json.dumps(places).encode()}).items():
                pipes.write(self._report.fileno(), kind, payload)
        self._sizes = processes.file_sizes(self.folder)

    def run(self, orders: int) -> Outcome:
        """Watch the run to its end, or until something comes over the pipe `orders`, and clean up."""
        open_pipes = {self._report.fileno(), self._output}
        poll = select.poll()  # unlike select, it knows descriptors above 1023
        for descriptor in (*open_pipes, self._zygote.fileno(), orders):
            poll.register(descriptor, select.POLLIN)
        try:
            while not self._ended and not self.outcome.stopped_by:
                wait_s = min(_TICK_S, max(0.0, self._deadline - time.monotonic()))
                ready = {descriptor for descriptor, _ in poll.poll(1000 * wait_s)}
                if orders in ready:
                    self._stop("interrupted", "")
                for pipe in open_pipes.intersection(ready):
                    if not self._take(pipe):
                        open_pipes.discard(pipe)
                        poll.unregister(pipe)
                self._check(self._zygote.fileno() in ready)
        finally:
            with _undisturbed():
                self._end(open_pipes)
        return self.outcome

    def _take(self, pipe: int) -> bool:
        """Take what has come over a pipe; return whether more may come."""
        if pipe == self._output:
            data = os.read(pipe, 1 << 18)
            self.outcome.output = (self.outcome.output + data)[-_OUTPUT_BYTES:]
            return bool(data)
        try:
            data, descriptors, _, _ = socket.recv_fds(self._report, 1 << 18, 1)
            for one in descriptors:
                self._keep_files(one)
            for kind, payload in self._decoder.feed(data):
                self._hear(kind, payload)
        except pipes.BrokenStreamError as error:
            self._stop("protocol", str(error))
        except ConnectionResetError:  # it has ended with something unread
            return False
        return bool(data)

    def _keep_files(self, descriptor: int) -> None:
        """Keep a descriptor of the run's own files; it comes before any code of the solver."""
        if self._own_files is None and not self._ready:
            self._own_files = descriptor
        else:
            os.close(descriptor)

    def _hear(self, kind: bytes, payload: bytes) -> None:
        now, outcome = time.monotonic(), self.outcome
        if outcome.closing:
            return  # nothing counts after the last word
        if kind == messages.FILES and not self._ready:
            return
        if kind in messages.BEFORE_READY and self._ready:
            self._stop("protocol", "the run sent messages out of their order")
        elif kind == messages.READY:
            self._ready = True
        elif kind == messages.IMPORTED and outcome.import_s is None:
            outcome.import_s, outcome.warm_s = self._zygote.warm_s + self._lap(now), self._zygote.warm_s
        elif kind == messages.SOLVING and self._solve_start is None:
            outcome.build_s = self._lap(now)
            self._solve_start = now
            wall_s = self.limits.wall_s
            self._deadline = _INFINITY if wall_s is None else now + wall_s + self.limits.grace_s
            self._deadline_is = "wall"
        elif kind in (messages.INCUMBENT, messages.BOUND):
            # A thread that reports before or after is no fault; an online run has no answer but its last.
            if self._solving and self._revealer is None:
                kept = outcome.incumbents if kind == messages.INCUMBENT else outcome.bounds
                keep_report(kept, (now - (self._solve_start or now), payload))
        elif kind == messages.LOG:
            self._log(now, payload)
        elif kind == messages.PLACED and self._solving and self._revealer is not None:
            self._show(self._revealer, payload)
        elif kind == messages.DONE and self._solving:
            self._done = True  # until the answer is whole; writing it is a part of solving
            until = now + ANSWER_S if self.limits.wall_s is None else self._deadline
            self._deadline, self._deadline_is = max(now, until + self._writing_s), "answer"
        elif kind == messages.RAW and self._done:
            outcome.raw = payload
        elif kind == messages.FACTS and self._done:
            self._facts = payload
        elif kind in messages.CLOSING and (kind != messages.ANSWER or self._done):
            outcome.closing, outcome.payload = kind, payload
            if self._solve_start is not None:
                facts = messages.unpack_facts(self._facts, now - self._solve_start)
                for name, told in facts._asdict().items():
                    setattr(outcome, name, told)
            self._deadline, self._deadline_is = now + LEAVE_S, "leave"
        else:
            self._stop("protocol", "the run sent messages out of their order")

    def _log(self, now: float, payload: bytes) -> None:
        found, logged = messages.unpack_logged(payload), self.outcome.logged
        if found is not None and self._solving and (found[0] in logged or len(logged) < MAX_LOGGED):
            keep_report(logged.setdefault(found[0], []), (now - (self._solve_start or now), payload))

    def _show(self, revealer: Revealer, placed: bytes) -> None:
        try:
            slot = pipes.frame(messages.SLOT, revealer.show(placed))
            self._report.settimeout(_SHOWN_S)
            self._report.sendall(slot)
            self._report.settimeout(None)
        except (InputError, OSError) as error:
            self._stop("protocol", f"a slot could not be shown: {error}")

    @property
    def _solving(self) -> bool:
        return self._solve_start is not None and not self._done

    def _lap(self, now: float) -> float:
        lap, self._mark = now - self._mark, now
        return lap

    def _check(self, told: bool) -> None:
        """See whether the child has ended, of which the zygote may have told, or a limit is reached."""
        self._ended = self._ended or (told and self._zygote.has_ended())
        now = time.monotonic()
        if self._ended:
            return
        if now >= self._next_check:  # what a run reports must not make the keeper busy
            self._next_check = now + _TICK_S
            self._check_usage()
        if now >= self._next_disk_check:
            self._next_disk_check = now + _DISK_TICK_S
            self._check_disk(_WALK_S)
        if now >= self._deadline:
            self._reach_deadline()

    def _check_usage(self) -> None:
        members, limits = self._zygote.members(), self.limits
        if len(members) > _MOST_PROCESSES:
            self._stop("processes", f"more than {_MOST_PROCESSES} processes")
        used, files_bytes = processes.usage(members), self._files_bytes()
        self._peak_bytes = max(self._peak_bytes, used.memory_bytes + files_bytes)
        if limits.memory_bytes is not None:
            self._check_memory(members, used.memory_bytes, files_bytes, limits.memory_bytes)
        cpu_s = used.cpu_s + self._zygote.waited_s() - self._waited_s
        if limits.cpu_s is not None and cpu_s > limits.cpu_s:
            self._stop("cpu", f"over the limit of {limits.cpu_s:g} s of processor time")

    def _check_memory(self, members: list[int], resident_bytes: int, files_bytes: int, limit: int) -> None:
        unnamed_bytes, unreadable = processes.open_memory(members)
        if unreadable and self._group is None:
            self.outcome.enforced["memory_bytes"] = _UNREADABLE
        files_bytes += unnamed_bytes
        if resident_bytes + files_bytes > limit:
            # Forked processes share pages, which resident sizes count once for each.
            proportional = processes.memory_bytes(members, files_bytes)
            if proportional > limit:
                self._stop("memory", f"{proportional} bytes, over the limit of {limit}")

    def _files_bytes(self) -> int:
        """Return what the run's own files take of memory; 0 where they lie on a disk."""
        if self._own_files is None:
            return 0
        found = os.statvfs(self._own_files)
        return (found.f_blocks - found.f_bfree) * found.f_frsize

    def _check_disk(self, within_s: float) -> None:
        """Go on counting the files of the run, for no longer than `within_s` at a time."""
        if self._own_files is not None:
            return  # it can make no more than it may
        until = time.monotonic() + within_s
        for size in self._sizes:
            self._disk_bytes += size
            self._files += 1
            if self._disk_bytes > self.limits.disk_bytes:
                self._stop("disk", f"over the limit of {self.limits.disk_bytes} bytes of files")
            if self._files > MOST_FILES:
                self._stop("disk", f"more than {MOST_FILES} files")
            if self.outcome.stopped_by or time.monotonic() > until:
                return
        self._sizes, self._disk_bytes, self._files = processes.file_sizes(self.folder), 0, 0

    def _reach_deadline(self) -> None:
        if self._deadline_is == "leave":
            self._ended = True  # all is said; the rest is swept away
            return
        self._zygote.terminate()
        self._ended = self._zygote.has_ended(TERM_TO_KILL_S)
        after_s = self.limits.startup_s if self._deadline_is == "startup" else self.limits.wall_s or ANSWER_S
        self._stop(self._deadline_is, f"{_MISSED[self._deadline_is]} {after_s:g} s")

    def _stop(self, by: str, note: str) -> None:
        if not self.outcome.stopped_by:
            self.outcome.stopped_by, self.outcome.note = by, note

    def _end(self, open_pipes: set[int]) -> None:
        """End whatever is left of the run, and take its last words."""
        for pipe in open_pipes:
            os.set_blocking(pipe, False)
            self._drain(pipe)
        outcome, left = self.outcome, self._zygote.end()
        if left is None:
            self._stop("interrupted", "its keeper's zygote died")
            outcome.left_behind = 1
        else:
            outcome.exit_status, outcome.cpu_s = left.exit_status, left.cpu_s
            outcome.left_behind = left.left_behind
            self._peak_bytes = max(self._peak_bytes, left.peak_memory_bytes)
        for pipe in open_pipes:
            self._drain(pipe)
        self._report.close()
        os.close(self._output)
        if self._group is not None:
            if self._group.ran_out():
                self._stop("memory", f"over the limit of {self.limits.memory_bytes} bytes")
            self._group.remove()
        self._sum_up(time.monotonic())

    def _sum_up(self, now: float) -> None:
        outcome, limits = self.outcome, self.limits
        if outcome.solve_s is None and self._solve_start is not None:
            outcome.solve_s = now - self._solve_start
        outcome.wall_s = now - self._start
        if outcome.closing in messages.BEFORE_READY:
            self._stop(_OF_THE_MACHINE[outcome.closing], outcome.payload.decode(errors="replace"))
        if limits.cpu_s is not None and outcome.cpu_s > limits.cpu_s:
            self._stop("cpu", f"over the limit of {limits.cpu_s:g} s of processor time")
        if outcome.closing != messages.ANSWER and self._files_bytes() >= limits.files_bytes:
            which = "memory" if limits.files_bytes == limits.memory_bytes else "disk"
            self._stop(which, f"over the limit of {limits.files_bytes} bytes of files")
        if self._own_files is not None:
            os.close(self._own_files)
        if self._revealer is not None:
            outcome.placed = b"".join(self._revealer.placed).hex()
        outcome.peak_memory_bytes = self._peak_bytes

    def _drain(self, pipe: int) -> None:
        with suppress(BlockingIOError):
            for _ in range(_MOST_READS):  # who still runs may write without end
                if not self._take(pipe):
                    break


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let SIGTERM wait: the keeper may be told to leave, but not half-way through ending a run."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
