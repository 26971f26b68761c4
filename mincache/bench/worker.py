"""What happens inside the child: load the solver, solve the instance, send back what came of it.

Everything here runs beside code that may do anything, so nothing it says is believed by the other side.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import struct
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import NoReturn

import numpy as np

from mincache.bench import pipes
from mincache.bench.entrant import Entrant, describe
from mincache.errors import InputError, MincacheError
from mincache.files.documents import instance_bytes, parse_instance, solution_bytes
from mincache.generation import streams
from mincache.problem.instance import Instance, smallest_instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions, Solution
from mincache.solving import registry
from mincache.solving.contract import Budget, Run, Solver

IMPORTED, SOLVING, INCUMBENT, BOUND, DONE, RAW = b"i", b"s", b"n", b"b", b"d", b"r"
ANSWER, SKIPPED, RAISED, OUT_OF_MEMORY, MALFORMED = b"A", b"K", b"X", b"O", b"M"
REFUSED, DESCRIBED = b"R", b"E"
CLOSING = ANSWER + SKIPPED + RAISED + OUT_OF_MEMORY + MALFORMED + REFUSED + DESCRIBED
"""Kinds of frames after which the child has nothing more to say."""
KINDS = IMPORTED + SOLVING + INCUMBENT + BOUND + DONE + RAW + CLOSING

CLOCK_TRUST_S = 0.1
"""How far the child's own measure of `solve` may be from the keeper's and still count."""

_MESSAGE_CHARACTERS = 500
_SECONDS = _BOUND = struct.Struct("<d")


@dataclass(frozen=True)
class Job:
    """What the child is to do.

    Attributes:
        solver: the solver's spec, any path in it absolute.
        source: SHA-256 that the solver's source must have; empty if it need not be checked.
        stream: name of the random stream.
        wall_s: the solver's time in s; None without a limit.
        describe: whether to describe the solver instead of running it.
        files: what the hash over the solver's files must be; empty if it need not be checked.
    """

    solver: str
    source: str = ""
    stream: tuple[str | int, ...] = ()
    wall_s: float | None = None
    describe: bool = False
    files: str = ""

    def dump(self) -> bytes:
        """Return the job as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def parse(cls, data: bytes) -> Job:
        """Return the job in the JSON that `dump` wrote."""
        fields = json.loads(data)
        return cls(**fields | {"stream": tuple(fields["stream"])})


class Channel:
    """The child's end of the pipe to its keeper; what cannot be sent is lost, never an error."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._owner = os.getpid()
        self._lock = threading.Lock()

    def send(self, kind: bytes, payload: bytes = b"") -> None:
        """Send one frame, unless this is a process that the solver has forked."""
        if os.getpid() != self._owner:
            return
        try:
            with self._lock:
                pipes.write(self._descriptor, kind, payload)
        except OSError:
            pass  # the solver has closed the pipe; the keeper will find no answer

    def say(self, kind: bytes, text: str) -> None:
        """Send one line of text."""
        self.send(kind, " ".join(text.split())[:_MESSAGE_CHARACTERS].encode(errors="replace"))


def warm_up() -> None:
    """Do once in the keeper what else each child would do for the first time: a run's steps, on a toy."""
    registry.names()
    instance = parse_instance(instance_bytes(smallest_instance()))
    Run(streams.generator(0, "toy")).rng.random()
    solution_bytes(Solution.nothing_cached(instance))
    inspect.getsourcefile(Solver)


def work(job: Job, instance: bytes, descriptor: int) -> NoReturn:
    """Do the job and leave, without a look at exit handlers or threads that the solver left behind."""
    channel = Channel(descriptor)
    try:
        _describe(job, channel) if job.describe else _run(job, instance, channel)
    except BaseException as error:  # a solver may raise anything
        _tell(error, channel)
    with contextlib.suppress(BaseException):  # what it printed may help to find out why it failed
        sys.stdout.flush()
    os._exit(0)


def _describe(job: Job, channel: Channel) -> None:
    try:
        channel.send(DESCRIBED, describe(job.solver).dump())
    except InputError as error:
        channel.send(REFUSED, json.dumps([error.field, error.rule, error.received, error.advice]).encode())
    except MincacheError as error:
        channel.send(REFUSED, json.dumps([str(error)]).encode())


def _run(job: Job, document: bytes, channel: Channel) -> None:
    solver = registry.make(job.solver)
    if job.source and job.source != Entrant.source_of(type(solver)):
        channel.say(REFUSED, "the solver's source is not the one that the run was planned with")
        return
    if job.files and job.files != Entrant.files_of(solver):
        channel.say(REFUSED, "the solver's files are not those that the run was planned with")
        return
    channel.send(IMPORTED)
    instance = parse_instance(document)
    reason = solver.supports(instance)
    if reason is not None:
        channel.say(SKIPPED, str(reason))
        return
    seed, *path = job.stream
    rng = streams.generator(int(seed), *path)
    answer = _solve(solver, instance, rng, job.wall_s, channel)
    _answer(answer, channel)


def _solve(
    solver: Solver, instance: Instance, rng: np.random.Generator, wall_s: float | None, channel: Channel
) -> object:
    budget = Budget(float("inf") if wall_s is None else wall_s)
    run = Run(rng, budget, _reporter(channel))
    channel.send(SOLVING)
    start = perf_counter()
    answer = solver.solve(instance, run)
    channel.send(DONE, _SECONDS.pack(perf_counter() - start))
    if run.raw is not None:
        channel.send(RAW, _packed(run.raw, instance))
    return answer


def _packed(raw: Decisions, instance: Instance) -> bytes:
    """Return raw decisions as bytes; none, which says so, where they cannot be those of an instance."""
    try:
        data = pack(raw)
    except Exception:  # an array of a solver's making may raise anything
        return b""
    return data if len(data) == _packed_size(instance) else b""


def _reporter(channel: Channel) -> Callable[[float, Solution | None, float | None], None]:
    def report(seconds: float, solution: Solution | None, bound: float | None) -> None:
        # The keeper's clock counts, not `seconds`.
        if solution is not None:
            channel.send(INCUMBENT, pack(solution.decisions))
        if bound is not None:
            channel.send(BOUND, _BOUND.pack(bound))

    return report


def _answer(answer: object, channel: Channel) -> None:
    if not isinstance(answer, Solution):
        channel.say(MALFORMED, f"solve must return a Solution; received {type(answer).__name__}")
        return
    try:
        document = solution_bytes(answer)
    except Exception as error:
        channel.say(MALFORMED, f"the answer cannot be written: {_line(error)}")
        return
    channel.send(ANSWER, document)


def _tell(error: BaseException, channel: Channel) -> None:
    with contextlib.suppress(OSError):  # the solver may have closed stderr
        os.write(2, "".join(traceback.format_exception(error)).encode(errors="replace"))
    channel.say(OUT_OF_MEMORY if isinstance(error, MemoryError) else RAISED, _line(error))


def _line(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # its __str__ may raise as well
        return type(error).__name__


def pack(decisions: Decisions) -> bytes:
    """Return raw decisions as bytes: float64, one array after the other."""
    return b"".join(np.ascontiguousarray(array, dtype=np.float64).tobytes() for array in decisions)


def unpack(data: bytes, instance: Instance) -> Solution:
    """Return the solution of `instance` in bytes that `pack` made.

    Raises:
        InputError: if there are too few or too many, or they hold no solution.
    """
    T, N, M = instance.slot_count, instance.user_count, instance.model_count
    if len(data) != _packed_size(instance):
        raise InputError("decisions", f"must have {_packed_size(instance)} bytes", str(len(data)))
    numbers: Array = np.frombuffer(data, dtype=np.float64)
    cache, bandwidth_share, step_share = np.split(numbers, [T * M, T * (M + N)])
    return Solution(
        instance.name, cache.reshape(T, M), bandwidth_share.reshape(T, N), step_share.reshape(T, N)
    )


def _packed_size(instance: Instance) -> int:
    return 8 * instance.slot_count * (instance.model_count + 2 * instance.user_count)


def unpack_bound(data: bytes) -> float:
    """Return the bound in the payload of a `BOUND` frame.

    Raises:
        InputError: if it is no finite number.
    """
    if len(data) != _BOUND.size:
        raise InputError("bound", "must be a number", f"{len(data)} bytes")
    bound = float(_BOUND.unpack(data)[0])
    if not np.isfinite(bound):
        raise InputError("bound", "must be finite", str(bound))
    return bound


def unpack_seconds(data: bytes, seen_s: float) -> float:
    """Return the seconds in the payload of a `DONE` frame, or those seen if the two do not agree.

    The child knows better how long `solve` took, but a lie must not gain more than `CLOCK_TRUST_S`.
    """
    claimed_s = float(_SECONDS.unpack(data)[0]) if len(data) == _SECONDS.size else float("nan")
    return claimed_s if abs(claimed_s - seen_s) <= CLOCK_TRUST_S else seen_s
