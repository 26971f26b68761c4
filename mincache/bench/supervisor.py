"""The supervisor's side of a keeper: hand it runs, get outcomes, and start another when it dies."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import threading
import time
from types import TracebackType
from typing import NamedTuple, Self

from mincache.bench import keeper, pipes, processes
from mincache.bench.limits import Limits, shown_environment, thread_variables
from mincache.bench.outcome import Outcome
from mincache.bench.worker import Job

MAX_INTERRUPTIONS = 2
"""A run that is cut off from outside is repeated this often before its record says so."""
_CLOSE_S = 10.0
_LONGEST_WAIT_S = 3600.0
SLACK_S = 60.0
"""Seconds over the limits after which a keeper is held for lost."""


class Started(NamedTuple):
    """What a keeper has started: the child's id, which is that of its session (0 if none), and its folder."""

    leader: int
    folder: str

    @classmethod
    def parse(cls, data: bytes) -> Started:
        """Return what a `STARTED` frame tells."""
        leader, folder = data.decode().split(" ", 1)
        return cls(int(leader), folder)


class Supervisor:
    """A keeper process, started when it is needed; a context manager that ends it.

    Args:
        threads: threads and cores for each of its runs.
        pin: whether to pin runs to cores.
    """

    def __init__(self, threads: int = 1, pin: bool = True) -> None:
        self.threads, self._pin = threads, pin
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._hash_seed = 0
        self._shown: tuple[str, ...] = ()

    def run(self, job: Job, limits: Limits, instance: bytes = b"") -> Outcome:
        """Let the keeper run a job, and return what it saw: `interrupted` if it was lost or closed."""
        limits.check_enforceable()
        try:
            process = self._alive(job.hash_seed, tuple(limits.environment))
        except OSError as error:
            return Outcome(stopped_by="machine", note=f"no keeper could be started: {error}")
        if process is None:
            return Outcome(stopped_by="interrupted", note="the campaign was stopped")
        started: Started | None = None
        outcome: Outcome | None = None
        try:
            started = self._order(process, job, limits, instance)
            if started is not None and _speaks(process, limits.longest_s + SLACK_S):
                outcome = Outcome.receive(_descriptor(process.stdout))
        except OSError:
            pass  # the pipe is closed: it has died, or was closed here
        if outcome is None:
            return self._lost(process, started)
        if outcome.left_behind:
            self._lost(process, started)  # what it could not end must not trouble its next run
        return outcome

    def insist(self, job: Job, limits: Limits, instance: bytes = b"") -> tuple[Outcome, int]:
        """Run a job, again where something outside the bench cut it off, for that says nothing of the solver.

        Returns:
            What was seen in the end, and how many runs before it were cut off.
        """
        outcome, interruptions = self.run(job, limits, instance), 0
        while outcome.cut_off and interruptions < MAX_INTERRUPTIONS and not self._closed:
            outcome, interruptions = self.run(job, limits, instance), interruptions + 1
        return outcome, interruptions

    def _order(
        self, process: subprocess.Popen[bytes], job: Job, limits: Limits, instance: bytes
    ) -> Started | None:
        """Send a job; return what the keeper has started, None if it died."""
        order = _descriptor(process.stdin)
        pipes.write(order, keeper.JOB, job.dump())
        pipes.write(order, keeper.LIMITS, json.dumps(limits.as_json()).encode())
        pipes.write(order, keeper.INSTANCE, instance)
        if not _speaks(process, SLACK_S):
            return None
        started = pipes.read(_descriptor(process.stdout))
        return Started.parse(started[1]) if started is not None else None

    def _lost(self, process: subprocess.Popen[bytes], started: Started | None) -> Outcome:
        """End what a keeper that died has left, and forget it."""
        process.kill()
        status = process.wait()
        if started is not None and started.leader:
            processes.end_session(started.leader, started.folder)
            processes.remove(started.folder)
        with self._lock:
            self._process = None
        note = "the campaign was stopped" if self._closed else f"its keeper died ({status})"
        return Outcome(stopped_by="interrupted", note=note)

    def _alive(self, hash_seed: int | None, shown: tuple[str, ...]) -> subprocess.Popen[bytes] | None:
        """Return a keeper whose runs have this seed of hashes and see these variables."""
        with self._lock:
            fit = hash_seed in (None, self._hash_seed) and shown == self._shown
            if self._process is not None and not fit:
                self._leave(self._process)
                self._process = None
            if self._closed:
                return None
            if self._process is None:
                self._hash_seed, self._shown = hash_seed or 0, shown
                self._process = _start(self.threads, self._pin, self._hash_seed, shown)
            return self._process

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def close(self) -> None:
        """End the keeper and whatever it runs."""
        with self._lock:
            self._closed = True
            process, self._process = self._process, None
        if process is not None:
            self._leave(process)

    @staticmethod
    def _leave(process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        try:
            process.wait(_CLOSE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _start(threads: int, pin: bool, hash_seed: int, shown: tuple[str, ...]) -> subprocess.Popen[bytes]:
    cores = threads if pin else 0
    # -P: the keeper must not import from the folder that the campaign is started in.
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "mincache.bench.keeper", str(cores)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=shown_environment(shown) | thread_variables(threads) | {"PYTHONHASHSEED": str(hash_seed)},
        start_new_session=True,
        bufsize=0,
    )


def _speaks(process: subprocess.Popen[bytes], within_s: float) -> bool:
    """Return whether a keeper says something in time; one that a run has stopped (SIGSTOP) does not."""
    poll = select.poll()
    poll.register(_descriptor(process.stdout), select.POLLIN)
    deadline = time.monotonic() + within_s
    while (left_s := deadline - time.monotonic()) > 0:
        if poll.poll(1000 * min(left_s, _LONGEST_WAIT_S)):
            return True
    return False


def _descriptor(pipe: object) -> int:
    return int(pipe.fileno())  # type: ignore[attr-defined]  # Popen's pipes, typed as optional
