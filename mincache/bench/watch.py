"""Watching one run from its fork to its end, so that it outlives none of its limits."""

from __future__ import annotations

import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mincache.bench import cgroups, child, pipes, processes, worker
from mincache.bench.events import Events
from mincache.bench.limits import ANSWER_S, LEAVE_S, TERM_TO_KILL_S, Limits, enforced
from mincache.bench.outcome import Outcome

_TICK_S = 0.05
_DISK_TICK_S = 0.25
_MOST_PROCESSES = 1024
_MOST_READS = 4096
_OUTPUT_BYTES = 4000
_INFINITY = float("inf")
_MISSED = {
    "startup": "solve had not begun after", "wall": "solve had not returned after",
    "answer": "the answer was not sent within",
}  # fmt: skip


class Watch:
    """One run under supervision, started when this is made.

    Args:
        job: what the child is to do.
        limits: what it may take.
        instance: the instance's document.
        cores: where it may be scheduled; empty for anywhere.

    Raises:
        OSError: if no process or folder can be made.
    """

    def __init__(self, job: worker.Job, limits: Limits, instance: bytes, cores: set[int]) -> None:
        self.limits = limits
        self._group = cgroups.group(limits.memory_bytes)
        self.outcome = Outcome(enforced=enforced(limits, bool(cores), self._group is not None))
        self._events = Events()
        self._decoder = pipes.Decoder(worker.KINDS)
        self.folder = tempfile.mkdtemp(prefix="mincache-")
        self._report, report_end = os.pipe()
        self._output, output_end = os.pipe()
        self._start = self._mark = time.monotonic()
        self._deadline = self._start + limits.startup_s
        self._deadline_is = "startup"
        self._solve_start: float | None = None
        self._ended = False
        self._peak_bytes = 0
        self._next_check = 0.0
        self._next_disk_check = self._start + _DISK_TICK_S
        self.pid = os.fork()
        if self.pid == 0:
            child.become(job, limits, instance, self.folder, report_end, output_end, cores, self._group)
        os.close(report_end)
        os.close(output_end)
        # Ready to read once the child has ended; without it (macOS) the next tick sees it.
        self._exit = [os.pidfd_open(self.pid)] if hasattr(os, "pidfd_open") else []

    def run(self, orders: int) -> Outcome:
        """Watch the run to its end, or until something comes over the pipe `orders`, and clean up."""
        open_pipes = {self._report, self._output}
        try:
            while not self._ended and not self.outcome.stopped_by:
                wait_s = min(_TICK_S, max(0.0, self._deadline - time.monotonic()))
                ready, _, _ = select.select([*open_pipes, *self._exit, orders], [], [], wait_s)
                if orders in ready:
                    self._stop("interrupted", "")
                for pipe in open_pipes.intersection(ready):
                    if not self._take(pipe):
                        open_pipes.discard(pipe)
                self._check()
        finally:
            with _undisturbed():
                self._end(open_pipes)
        return self.outcome

    def _take(self, pipe: int) -> bool:
        """Take what has come over a pipe; return whether more may come."""
        data = os.read(pipe, 1 << 18)
        if pipe == self._output:
            self.outcome.output = (self.outcome.output + data)[-_OUTPUT_BYTES:]
            return bool(data)
        try:
            for kind, payload in self._decoder.feed(data):
                self._hear(kind, payload)
        except pipes.BrokenStreamError as error:
            self._stop("protocol", str(error))
        return bool(data)

    def _hear(self, kind: bytes, payload: bytes) -> None:
        now, outcome = time.monotonic(), self.outcome
        if outcome.closing:
            return  # nothing counts after the last word
        if kind == worker.IMPORTED and outcome.import_s is None:
            outcome.import_s = self._lap(now)
        elif kind == worker.SOLVING and self._solve_start is None:
            outcome.build_s = self._lap(now)
            self._solve_start = now
            wall_s = self.limits.wall_s
            self._deadline = _INFINITY if wall_s is None else now + wall_s + self.limits.grace_s
            self._deadline_is = "wall"
        elif kind in (worker.INCUMBENT, worker.BOUND):
            if self._solving:  # a thread that reports before or after is no fault
                self._events.add(kind, now - (self._solve_start or now), payload)
        elif kind == worker.DONE and self._solving:
            outcome.solve_s = worker.unpack_seconds(payload, self._lap(now))
            self._deadline, self._deadline_is = now + ANSWER_S, "answer"
        elif kind == worker.RAW and outcome.solve_s is not None:
            outcome.raw = payload
        elif kind in worker.CLOSING and (kind != worker.ANSWER or outcome.solve_s is not None):
            outcome.closing, outcome.payload = kind, payload
            self._deadline, self._deadline_is = now + LEAVE_S, "leave"
        else:
            self._stop("protocol", "the run sent messages out of their order")

    @property
    def _solving(self) -> bool:
        return self._solve_start is not None and self.outcome.solve_s is None

    def _lap(self, now: float) -> float:
        lap, self._mark = now - self._mark, now
        return lap

    def _check(self) -> None:
        """See whether the child has ended, or a limit is reached."""
        self._reap()
        now = time.monotonic()
        if self._ended:
            return
        if now >= self._next_check:  # what a run reports must not make the keeper busy
            self._next_check = now + _TICK_S
            self._check_usage()
        if now >= self._next_disk_check:
            self._next_disk_check = now + _DISK_TICK_S
            self._check_disk()
        if now >= self._deadline:
            self._reach_deadline()

    def _check_usage(self) -> None:
        below = processes.descendants(os.getpid())
        if len(below) > _MOST_PROCESSES:
            self._stop("processes", f"more than {_MOST_PROCESSES} processes")
        used, limits = processes.usage(below), self.limits
        self._peak_bytes = max(self._peak_bytes, used.memory_bytes)
        if limits.memory_bytes is not None and used.memory_bytes > limits.memory_bytes:
            # Forked processes share pages, which resident sizes count once for each.
            proportional = processes.proportional_bytes(below)
            if proportional > limits.memory_bytes:
                self._stop("memory", f"{proportional} bytes, over the limit of {limits.memory_bytes}")
        if limits.cpu_s is not None and self.outcome.cpu_s + used.cpu_s > limits.cpu_s:
            self._stop("cpu", f"over the limit of {limits.cpu_s:g} s of processor time")

    def _check_disk(self) -> None:
        if processes.folder_bytes(self.folder) > self.limits.disk_bytes:
            self._stop("disk", f"over the limit of {self.limits.disk_bytes} bytes of files")

    def _reach_deadline(self) -> None:
        if self._deadline_is == "leave":
            self._ended = True  # all is said; the rest is swept away
            return
        signal_at = time.monotonic()
        processes.signal_group(self.pid, signal.SIGTERM)
        while time.monotonic() < signal_at + TERM_TO_KILL_S and not self._ended:
            time.sleep(0.005)
            self._reap()
        what = {"startup": self.limits.startup_s, "wall": self.limits.wall_s, "answer": ANSWER_S}
        self._stop(self._deadline_is, f"{_MISSED[self._deadline_is]} {what[self._deadline_is]:g} s")

    def _stop(self, by: str, note: str) -> None:
        if not self.outcome.stopped_by:
            self.outcome.stopped_by, self.outcome.note = by, note

    def _reap(self) -> None:
        try:
            for ended in processes.reap():
                self._account(*ended)
        except ChildProcessError:
            self._ended = True

    def _account(self, pid: int, status: int, cpu_s: float, peak_bytes: int) -> None:
        self.outcome.cpu_s += cpu_s
        self._peak_bytes = max(self._peak_bytes, peak_bytes)
        if pid == self.pid:
            self.outcome.exit_status = os.waitstatus_to_exitcode(status)
            self._ended = True

    def _end(self, open_pipes: set[int]) -> None:
        """End whatever is left of the run, take its last words, and remove its folder."""
        for pipe in open_pipes:
            os.set_blocking(pipe, False)
            self._drain(pipe)
        for ended in processes.end_all(self.pid):
            self._account(*ended)
        for pipe in open_pipes:
            self._drain(pipe)
        for descriptor in (self._report, self._output, *self._exit):
            os.close(descriptor)
        self._leave_group()
        self._sum_up(time.monotonic())
        shutil.rmtree(self.folder, ignore_errors=True)

    def _sum_up(self, now: float) -> None:
        outcome = self.outcome
        if outcome.solve_s is None and self._solve_start is not None:
            outcome.solve_s = now - self._solve_start
        outcome.wall_s = now - self._start
        outcome.incumbents = self._events.of(worker.INCUMBENT)
        outcome.bounds = self._events.of(worker.BOUND)
        outcome.peak_memory_bytes = self._peak_bytes
        outcome.left_behind = max(len(processes.descendants(os.getpid())), processes.any_child())

    def _leave_group(self) -> None:
        if self._group is None:
            return
        if self._group.ran_out():
            self._stop("memory", f"over the limit of {self.limits.memory_bytes} bytes")
        self._group.remove()

    def _drain(self, pipe: int) -> None:
        try:
            for _ in range(_MOST_READS):  # who still runs may write without end
                if not self._take(pipe):
                    break
        except BlockingIOError:
            pass


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let SIGTERM wait: the keeper may be told to leave, but not half-way through ending a run."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
