"""What happens inside the child: load the solver, solve the instance, send back what came of it.

Everything here runs beside code that may do anything, so nothing it says is believed by the other side.
"""

import contextlib
import importlib
import inspect
import json
import os
import sys
import sysconfig
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from time import perf_counter
from typing import NoReturn

import numpy as np

from mincache.bench.revealing import begun
from mincache.errors import InputError, MincacheError, line_of
from mincache.files import pipes
from mincache.files.documents import instance_bytes, parse_instance, solution_bytes
from mincache.files.paths import STARTED_IN
from mincache.generation import streams
from mincache.judging import messages
from mincache.problem.instance import Instance, smallest_instance
from mincache.problem.revealed import Site
from mincache.problem.solution import Decisions, Solution
from mincache.solving import registry
from mincache.solving.contents import Content, Dumped, changed, late_modules
from mincache.solving.contract import Budget, Reporter, Run, Solver, is_solution, kind_of_answer
from mincache.solving.entrant import describe
from mincache.solving.side_effects import GlobalGenerators, watch_pickles

_MESSAGE_CHARACTERS = 500
_LOGGED_AT_ONCE, _LOG_EVERY_S = 100, 0.02


@dataclass(frozen=True)
class Job(Dumped):
    """What the child is to do.

    Attributes:
        solver: the solver's spec, any path in it absolute; `home` is the folder of its source.
        contents: the files and folders that must hold what they held when the run was planned.
        libraries: the versions that distributions must have.
        started_in: folder that relative paths mean.
        loads: modules that the run's keeper is to hold ready.
        information: `past` or `slot` for a run whose slots are shown one by one; `trace` for any other.
    """

    solver: str
    stream: tuple[str | int, ...] = ()
    wall_s: float | None = None
    evaluations: int | None = None
    describe: bool = False
    contents: tuple[Content, ...] = ()
    libraries: dict[str, str] = field(default_factory=dict)
    home: str = ""
    started_in: str = ""
    hash_seed: int | None = None
    information: str = "trace"
    loads: tuple[str, ...] = ()


class Channel:
    """The child's end of the pipe to its keeper; what cannot be sent is lost, never an error."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._owner = os.getpid()
        self._lock = threading.Lock()

    def send(self, kind: bytes, payload: bytes = b"") -> None:
        """Send one frame, unless this is a process that the solver has forked."""
        if os.getpid() == self._owner:
            # Where the solver has closed the pipe, the keeper will find no answer.
            with self._lock, contextlib.suppress(OSError):
                pipes.write(self._descriptor, kind, payload)

    def ask(self, placed: bytes) -> bytes:
        """Commit a cache, and return the slot that the keeper shows next.

        Raises:
            EOFError: if it shows none.
        """
        self.send(messages.PLACED, placed)
        found = pipes.read(self._descriptor)
        if found is None or found[0] != messages.SLOT:
            raise EOFError("no slot was shown")
        return found[1]

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


def load(names: Sequence[str]) -> float:
    """Import installed modules; return the seconds it took. Exit if they start threads, lost in a fork."""
    if not names:
        return 0.0
    start, before = perf_counter(), _thread_count()
    GlobalGenerators((0, "warm")).seed()  # in case that one of them draws while it is imported
    for name in names:
        if _is_installed(name.partition(".")[0]):
            with contextlib.suppress(Exception):  # the run will meet it too
                importlib.import_module(name)
    if _thread_count() > before:
        os._exit(1)
    return perf_counter() - start


def _is_installed(top: str) -> bool:
    """Return whether a top-level module lies in site-packages: others would run outside the isolation."""
    folders = {os.path.realpath(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    with contextlib.suppress(Exception):
        spec = find_spec(top)
        if spec is not None and spec.origin:
            real = os.path.realpath(spec.origin)
            return any(real.startswith(f"{folder}{os.sep}") for folder in folders)
    return False


def _thread_count() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 1


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
    channel.send(messages.READY)
    try:
        channel.send(messages.DESCRIBED, describe(job.solver).dump())
    except InputError as error:
        parts = [error.field, error.rule, error.received, error.advice]
        channel.send(messages.REFUSED, json.dumps(parts).encode())
    except MincacheError as error:
        channel.send(messages.REFUSED, json.dumps([str(error)]).encode())


def _run(job: Job, document: bytes, channel: Channel) -> None:
    if what := changed(job.contents, job.libraries):
        channel.say(messages.CHANGED, what)
        return
    channel.send(messages.READY)
    generators = GlobalGenerators(job.stream)
    generators.seed()
    before, pickled = set(sys.modules), watch_pickles()
    solver = registry.make(job.solver)
    channel.send(messages.IMPORTED)
    given, reason, answering = begun(solver, document, job.information, channel.ask)
    if reason is not None:
        channel.say(messages.SKIPPED, str(reason))
        return
    rng = streams.generator(int(job.stream[0]), *job.stream[1:])
    generators.seed()
    budget = Budget(float("inf") if job.wall_s is None else job.wall_s, job.evaluations)
    run = Run(rng, budget, repetition=int(job.stream[-1]))
    run.reporter, run.logger = _reporter(channel, run), _logger(channel, run)
    channel.send(messages.SOLVING)
    start = perf_counter()
    answer = answering(run)
    channel.send(messages.DONE)
    if run.raw is not None:
        channel.send(messages.RAW, _packed(run.raw, given))
    written = _written(answer, channel)
    if written is None:
        return
    facts = {
        "seconds": perf_counter() - start, "moved": generators.moved(), "evaluations": run.evaluations,
        "late": late_modules(before, job.contents, job.home), "pickled": sorted(pickled),
    }  # fmt: skip
    channel.send(messages.FACTS, json.dumps(facts).encode())
    channel.send(messages.ANSWER, written)


def _packed(raw: Decisions, given: Instance | Site) -> bytes:
    """Return raw decisions as bytes; none, which says so, where they cannot be those of an instance."""
    try:
        data = messages.pack(raw)
    except Exception:  # an array of a solver's making may raise anything
        return b""
    return data if len(data) == messages.packed_size(given) else b""


def _reporter(channel: Channel, run: Run) -> Reporter:
    def report(seconds: float, solution: Solution | None, bound: float | None) -> None:
        # The keeper's clock counts, not `seconds`.
        if solution is not None:
            told = messages.pack_incumbent(run.evaluations, solution.decisions)
            channel.send(messages.INCUMBENT, told)
        if bound is not None and bound != -np.inf:  # which is no bound
            channel.send(messages.BOUND, messages.pack_bound(bound))

    return report


def _logger(channel: Channel, run: Run) -> Callable[[str, float], None]:
    """Return what sends each of the first numbers under a name, and later ones now and then."""
    sent: dict[str, tuple[int, float]] = {}

    def log(name: str, value: float) -> None:
        count, last_s = sent.get(name, (0, -np.inf))
        if count < _LOGGED_AT_ONCE or perf_counter() - last_s >= _LOG_EVERY_S:
            sent[name] = count + 1, perf_counter()
            channel.send(messages.LOG, messages.pack_logged(name, value, run.evaluations))

    return log


def _written(answer: object, channel: Channel) -> bytes | None:
    """Return the document of an answer; None for what is no answer, which closes the run."""
    if not is_solution(answer):
        channel.say(messages.MALFORMED, f"solve must return a Solution; received {kind_of_answer(answer)}")
        return None
    try:
        return solution_bytes(answer)
    except Exception as error:
        channel.say(messages.MALFORMED, f"the answer cannot be written: {line_of(error)}")
        return None


def _tell(error: BaseException, channel: Channel) -> None:
    with contextlib.suppress(OSError):  # the solver may have closed stderr
        os.write(2, "".join(traceback.format_exception(error)).encode(errors="replace"))
    channel.say(messages.OUT_OF_MEMORY if isinstance(error, MemoryError) else messages.RAISED, line_of(error))
