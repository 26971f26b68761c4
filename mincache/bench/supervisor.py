"""The supervisor's side of a keeper: hand it runs, get outcomes, and start another when it dies."""

import contextlib
import json
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Self

from mincache.bench import child, processes
from mincache.bench.limits import Limits, shown_environment, thread_variables
from mincache.bench.worker import Job
from mincache.errors import InputError, MincacheError, MissingExtraError
from mincache.files import pipes
from mincache.files.paths import absolute_path
from mincache.files.repository import checkout_of_source
from mincache.judging.messages import DESCRIBED, REFUSED
from mincache.judging.outcome import Outcome
from mincache.solving.entrant import Entrant, unknown

MAX_INTERRUPTIONS = 2  # a run that is cut off from outside is repeated this often before its record says so
_CLOSE_S = 10.0
_LONGEST_WAIT_S = 3600.0
_NONE = Limits()
SLACK_S = 60.0  # seconds over the limits after which a keeper is held for lost


class Supervisor:
    """A keeper process, started when it is needed; a context manager that ends it."""

    def __init__(self, threads: int = 1, pin: bool = True) -> None:
        self.threads, self._pin = threads, pin
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self.closed = False
        self._hash_seed = 0
        self._kind: tuple[object, ...] = ()

    def run(self, job: Job, limits: Limits, instance: bytes = b"") -> Outcome:
        """Let the keeper run a job, and return what it saw: `interrupted` if it was lost or closed."""
        limits.check_enforceable()
        try:
            process = self._alive(job, limits)
        except OSError as error:
            return Outcome(stopped_by="machine", note=f"no keeper could be started: {error}")
        if process is None:
            return Outcome(stopped_by="interrupted", note="the campaign was stopped")
        reply: tuple[bytes, bytes] | None = None
        # Where the pipe is closed, it has died, or was closed here.
        with contextlib.suppress(OSError, pipes.BrokenStreamError):
            order = _descriptor(process.stdin)
            pipes.write(order, child.JOB, job.dump())
            pipes.write(order, child.LIMITS, limits.dump())
            pipes.write(order, child.INSTANCE, instance)
            if _speaks(process, limits.longest_s + SLACK_S):
                reply = pipes.read(_descriptor(process.stdout))
        if reply is None:
            return self._lost(process)
        outcome = Outcome.parse(reply[1])
        if outcome.left_behind:
            self._lost(process)  # what it could not end must not trouble its next run
        return outcome

    def insist(self, job: Job, limits: Limits, instance: bytes = b"") -> tuple[Outcome, int]:
        """Run a job, again where something outside the bench cut it off; return also how often that was."""
        outcome, interruptions = self.run(job, limits, instance), 0
        while outcome.cut_off and interruptions < MAX_INTERRUPTIONS and not self.closed:
            outcome, interruptions = self.run(job, limits, instance), interruptions + 1
        return outcome, interruptions

    def _lost(self, process: subprocess.Popen[bytes]) -> Outcome:
        """Forget a keeper that has died; its zygote ends what it has left."""
        process.kill()
        status = process.wait()
        _end_group(process)
        with self._lock:
            self._process = None
        note = "the campaign was stopped" if self.closed else f"its keeper died ({status})"
        return Outcome(stopped_by="interrupted", note=note)

    def _alive(self, job: Job, limits: Limits) -> subprocess.Popen[bytes] | None:
        """Return a keeper whose runs have the job's seed, libraries, variables and isolation."""
        seed = self._hash_seed if job.hash_seed is None else job.hash_seed
        kind = (seed, limits.environment, limits.isolate, job.loads)
        with self._lock:
            if self._process is not None and kind != self._kind:
                self._leave(self._process)
                self._process = None
            if self.closed:
                return None
            if self._process is None:
                self._hash_seed, self._kind = seed, kind
                self._process = self._start(seed, limits, job.loads)
            return self._process

    def _start(self, hash_seed: int, limits: Limits, loads: Sequence[str]) -> subprocess.Popen[bytes]:
        variables = shown_environment(limits.environment) | thread_variables(self.threads)
        cores = str(self.threads if self._pin else 0)
        # -P: the keeper must not import from the folder that the campaign is started in.
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "mincache.bench.keeper", cores, limits.isolate, *loads],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, bufsize=0,
            env=variables | {"PYTHONHASHSEED": str(hash_seed)},
        )  # fmt: skip

    def close(self) -> None:
        """End the keeper and whatever it runs."""
        with self._lock:
            self.closed = True
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
        _end_group(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Wait until a keeper's zygote, which holds the other end of its pipe too, has ended; else kill it."""
    until = time.monotonic() + _CLOSE_S
    while _speaks(process, until - time.monotonic()) and os.read(_descriptor(process.stdout), 1 << 16):
        pass
    processes.signal_group(process.pid, signal.SIGKILL)


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


def describe(spec: str, keeper: Supervisor, limits: Limits = _NONE) -> Entrant:
    """Return the entrant that `spec` writes; where its import does not end well, what is known without.

    Of the limits, those on the start, on what is seen and on isolation hold.

    Raises:
        InputError: if there is no such solver, a parameter is wrong, or isolation is required and fails.
        MissingExtraError: if a library that it needs is not installed.
        MincacheError: if its description was cut off, again and again.
    """
    job = Job(spec, describe=True, started_in=str(absolute_path(".")))
    outcome, _ = keeper.insist(job, replace(limits, wall_s=None, cpu_s=None, memory_bytes=None))
    if outcome.stopped_by == "isolation":
        raise InputError("isolation", "must be possible where it is required", outcome.note)
    if outcome.stopped_by in ("interrupted", "machine"):
        raise MincacheError(f"solver {spec}: its description was cut off: {outcome.note}; repeat the command")
    told = outcome.payload.decode(errors="replace")
    try:
        if outcome.closing == REFUSED:
            parts = [str(one) for one in json.loads(told)]
            raise InputError(*parts) if len(parts) == 4 else MissingExtraError(*parts)
        if outcome.closing == DESCRIBED:
            return _described(spec, told)
    except MincacheError:
        raise
    except Exception:  # a solver's code can write anything in the place of its description
        return unknown(spec, "its description cannot be read")
    return unknown(spec, outcome.note or told or "its description ended")


def _described(spec: str, told: str) -> Entrant:
    entrant, like = Entrant.parse(told), vars(unknown(spec, ""))
    if odd := [name for name, value in vars(entrant).items() if not isinstance(value, type(like[name]))]:
        raise TypeError(", ".join(odd))
    found = checkout_of_source(entrant.home, [one.path for one in entrant.contents])
    return replace(entrant, commit=found and found.commit, dirty=found and found.dirty)


def describe_one(spec: str) -> Entrant:
    """Return the entrant that `spec` writes; see `describe`."""
    with Supervisor(pin=False) as keeper:
        return describe(spec, keeper)


def describe_all(specs: Iterable[str], workers: int, limits: Limits = _NONE) -> list[Entrant | MincacheError]:
    """Return the entrants of `specs` in their order, or why there is none, described `workers` at a time."""
    free = queue.SimpleQueue[Supervisor]()

    def one(spec: str) -> Entrant | MincacheError:
        keeper = free.get()
        try:
            return describe(spec, keeper, limits)
        except MincacheError as error:
            return error
        finally:
            free.put(keeper)

    with ExitStack() as stack, ThreadPoolExecutor(workers) as pool:
        for _ in range(workers):
            free.put(stack.enter_context(Supervisor(pin=False)))
        return list(pool.map(one, specs))
