"""What happens inside the child: load the solver, solve the instance, send back what came of it.

Everything here runs beside code that may do anything, so nothing it says is believed by the other side.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import random
import struct
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any, NoReturn

import numpy as np

from mincache.bench import pipes
from mincache.bench.contents import Content, changed, late_modules
from mincache.bench.entrant import describe
from mincache.errors import InputError, MincacheError
from mincache.files.documents import digest, instance_bytes, parse_instance, solution_bytes
from mincache.files.paths import STARTED_IN
from mincache.generation import streams
from mincache.problem.instance import Instance, smallest_instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions, Solution
from mincache.solving import registry
from mincache.solving.contract import Budget, Run, Solver

READY, IMPORTED, SOLVING, INCUMBENT, BOUND, DONE, RAW, FACTS = b"y", b"i", b"s", b"n", b"b", b"d", b"r", b"f"
FILES = b"v"
"""Comes first, with a descriptor of the folder of an isolated run."""
ANSWER, SKIPPED, RAISED, OUT_OF_MEMORY, MALFORMED = b"A", b"K", b"X", b"O", b"M"
REFUSED, DESCRIBED = b"R", b"E"
BEFORE_READY = CHANGED, UNSET = b"C", b"U"
"""Kinds that say something of the machine; none counts once the solver's own code may have run."""
CLOSING = ANSWER + SKIPPED + RAISED + OUT_OF_MEMORY + MALFORMED + REFUSED + DESCRIBED + CHANGED + UNSET
"""Kinds of frames after which the child has nothing more to say."""
KINDS = FILES + READY + IMPORTED + SOLVING + INCUMBENT + BOUND + DONE + RAW + FACTS + CLOSING

CLOCK_TRUST_S = 0.002
"""How far the child's own measure of `solve` may be below the keeper's and still count."""

_MESSAGE_CHARACTERS = 500
_MOST_NAMES = 100
_BOUND = struct.Struct("<d")


@dataclass(frozen=True)
class Job:
    """What the child is to do.

    Attributes:
        solver: the solver's spec, any path in it absolute.
        stream: name of the random stream.
        wall_s: the solver's time in s; None without a limit.
        describe: whether to describe the solver instead of running it.
        contents: the files and folders that must hold what they held when the run was planned.
        libraries: the versions that distributions must have.
        home: folder of the solver's source.
        started_in: folder that relative paths mean.
        hash_seed: seed of Python's hashes; None for any.
    """

    solver: str
    stream: tuple[str | int, ...] = ()
    wall_s: float | None = None
    describe: bool = False
    contents: tuple[Content, ...] = ()
    libraries: dict[str, str] = field(default_factory=dict)
    home: str = ""
    started_in: str = ""
    hash_seed: int | None = None

    def dump(self) -> bytes:
        """Return the job as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def parse(cls, data: bytes) -> Job:
        """Return the job in the JSON that `dump` wrote."""
        fields = json.loads(data)
        contents = tuple(Content(*one) for one in fields["contents"])
        return cls(**fields | {"stream": tuple(fields["stream"]), "contents": contents})


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
    os.environ[STARTED_IN] = job.started_in
    try:
        _describe(job, channel) if job.describe else _run(job, instance, channel)
    except BaseException as error:  # a solver may raise anything
        _tell(error, channel)
    with contextlib.suppress(BaseException):  # what it printed may help to find out why it failed
        sys.stdout.flush()
    os._exit(0)


def _describe(job: Job, channel: Channel) -> None:
    channel.send(READY)
    try:
        channel.send(DESCRIBED, describe(job.solver).dump())
    except InputError as error:
        channel.send(REFUSED, json.dumps([error.field, error.rule, error.received, error.advice]).encode())
    except MincacheError as error:
        channel.send(REFUSED, json.dumps([str(error)]).encode())


def _run(job: Job, document: bytes, channel: Channel) -> None:
    if what := changed(job.contents, job.libraries):
        channel.say(CHANGED, what)
        return
    channel.send(READY)
    generators = Generators(job.stream)
    generators.seed()
    before = set(sys.modules)
    solver = registry.make(job.solver)
    channel.send(IMPORTED)
    instance = parse_instance(document)
    reason = solver.supports(instance)
    if reason is not None:
        channel.say(SKIPPED, str(reason))
        return
    rng = streams.generator(int(job.stream[0]), *job.stream[1:])
    generators.seed()
    run = Run(rng, Budget(float("inf") if job.wall_s is None else job.wall_s), _reporter(channel))
    channel.send(SOLVING)
    start = perf_counter()
    answer = solver.solve(instance, run)
    channel.send(DONE)
    if run.raw is not None:
        channel.send(RAW, _packed(run.raw, instance))
    written = _written(answer, channel)
    if written is None:
        return
    facts = {
        "seconds": perf_counter() - start,
        "moved": generators.moved(),
        "late": late_modules(before, job.contents, job.home),
    }
    channel.send(FACTS, json.dumps(facts).encode())
    channel.send(ANSWER, written)


class Generators:
    """The global generators of this process, which a solver may draw from although it should not.

    They are seeded from the run's stream: runs that draw from them differ, and each can be repeated.

    Args:
        stream: name of the run's stream.
    """

    def __init__(self, stream: tuple[str | int, ...]) -> None:
        self._seed = int(streams.generator(int(stream[0]), *stream[1:], "global").integers(1 << 32))
        self._seeded: dict[str, str] = {}

    def seed(self) -> None:
        """Seed every generator that is loaded."""
        random.seed(self._seed)
        np.random.seed(self._seed)  # noqa: NPY002  # the legacy generator is what is meant
        if torch := sys.modules.get("torch"):
            with contextlib.suppress(Exception):  # it may be another module of that name
                torch.manual_seed(self._seed)
        self._seeded = self._states()

    def moved(self) -> list[str]:
        """Return the names of those that were drawn from since they were seeded last."""
        return [name for name, state in self._states().items() if self._seeded.get(name, state) != state]

    def _states(self) -> dict[str, str]:
        found = {"random": random.getstate(), "numpy.random": np.random.get_state(legacy=False)}  # noqa: NPY002
        if torch := sys.modules.get("torch"):
            with contextlib.suppress(Exception):
                found["torch"] = torch.random.get_rng_state().numpy().tobytes()
        return {name: digest(repr(_without_arrays(state)).encode()) for name, state in found.items()}


def _without_arrays(state: Any) -> Any:
    """Return a generator's state with arrays as lists, for numpy prints only the ends of long ones."""
    if isinstance(state, dict):
        return {name: _without_arrays(part) for name, part in state.items()}
    return state.tolist() if isinstance(state, np.ndarray) else state


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
        if bound is not None and bound != -np.inf:  # which is no bound
            channel.send(BOUND, _BOUND.pack(bound))

    return report


def _written(answer: object, channel: Channel) -> bytes | None:
    """Return the document of an answer; None for what is no answer, which closes the run."""
    if type(answer) is not Solution:  # a class of the solver's own could do anything while it is read
        a_kind_of = "a class derived from it, " if isinstance(answer, Solution) else ""
        told = f"solve must return a Solution; received {a_kind_of}{type(answer).__name__}"
        channel.say(MALFORMED, told)
        return None
    try:
        return solution_bytes(answer)
    except Exception as error:
        channel.say(MALFORMED, f"the answer cannot be written: {_line(error)}")
        return None


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
        InputError: if it is no number below infinity.
    """
    if len(data) != _BOUND.size:
        raise InputError("bound", "must be a number", f"{len(data)} bytes")
    bound = float(_BOUND.unpack(data)[0])
    if not bound < np.inf:
        raise InputError("bound", "must be finite", str(bound))
    return bound


def unpack_facts(data: bytes, seen_s: float) -> tuple[float, list[str] | None, dict[str, str]]:
    """Return the seconds of a run, the generators that moved and the modules that came late.

    Args:
        data: payload of a `FACTS` frame; nothing in it is believed but within bounds.
        seen_s: seconds by the keeper's clock, which the child's may be below by `CLOCK_TRUST_S`.
    """
    try:
        facts = json.loads(data)
        moved = [str(name) for name in facts["moved"]][:_MOST_NAMES]
        late = {str(path): str(sha256) for path, sha256 in list(facts["late"].items())[:_MOST_NAMES]}
        claimed_s = float(facts["seconds"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return seen_s, None, {}
    least_s = max(0.0, seen_s - CLOCK_TRUST_S)
    return (min(max(claimed_s, least_s), seen_s) if claimed_s == claimed_s else seen_s), moved, late
