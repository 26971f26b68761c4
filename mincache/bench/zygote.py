"""The zygote: the process that forks the runs of a keeper, and that never sees an instance or an answer.

A run hears what to do, and tells what it has to say, through a socket to the keeper, of which the zygote
passes on the descriptor alone. So a run, which begins as a copy of the zygote, finds nothing of its rivals.
With namespaces the zygote owns that of the processes; pid 1 in it, the init, ends whatever a run leaves.
"""

import contextlib
import json
import os
import select
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import NoReturn

from mincache.bench import child, isolation, kernel, processes
from mincache.bench.isolation import NAMESPACES, Held
from mincache.bench.worker import load
from mincache.files import pipes

START, TERMINATE, END = b"S", b"T", b"E"
"""Orders; the first comes with two descriptors: of a socket to the keeper, and of where to print."""
READY, STARTED, FAILED, ENDED, SWEPT = b"y", b"s", b"f", b"e", b"w"
_ANSWER_S, _SWEEP_S, _LOADING_S = 5.0, 6.0, 120.0
_PAUSE_S = 0.001
_DUMPABLE = 4


@dataclass
class Leavings:
    """What is known of a run once nothing of it is left; its exit status is negative for a signal."""

    exit_status: int | None = None
    cpu_s: float = 0.0
    peak_memory_bytes: int = 0
    left_behind: int = 0


def _forked(serve: Callable[[socket.socket], None]) -> tuple[socket.socket, int]:
    """Return a socket to a new process that does nothing but serve it, and the id of that process."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            serve(theirs)
        finally:
            os._exit(1)
    theirs.close()
    return ours, pid


class Zygote:
    """The keeper's side: starts a zygote, which must be before the keeper has read a job.

    Args:
        replies: the pipe to the supervisor, which the zygote keeps open, so that its end is seen there too.
        loads: modules to hold ready for its runs, which took `warm_s`; none, where loading fails.
    """

    def __init__(self, wish: str, replies: int, loads: Sequence[str] = ()) -> None:
        self.held = isolation.held(wish)
        self._start(replies, loads)
        ready = self._answer(READY, within_s=_LOADING_S)
        if ready is None and loads:
            self.close()
            self._start(replies, ())
            ready = self._answer(READY)
        self.warm_s = float(ready[1]) if ready is not None else 0.0
        self._init = processes.children(self.pid)  # nobody, without namespaces

    def _start(self, replies: int, loads: Sequence[str]) -> None:
        self._is_open = True
        self._socket, self.pid = _forked(lambda orders: _Server(orders, replies, self.held, loads).serve())

    def fileno(self) -> int:
        """Return the descriptor on which it tells that a run has ended."""
        return self._socket.fileno()

    def start(self, report: int, output: int) -> tuple[int, str]:
        """Start a run, which takes over these descriptors; return its id and its folder outside.

        Raises:
            OSError: if it cannot be started.
        """
        socket.send_fds(self._socket, [START], [report, output])
        found = self._answer(STARTED, FAILED)
        if found is None or found[0] == FAILED:
            raise OSError(found[1].decode() if found else "the zygote is gone")
        pid, self._folder = json.loads(found[1])
        return int(pid), str(self._folder)

    def has_ended(self, within_s: float = 0.0) -> bool:
        """Return whether the run's child ends in time; also if there is nobody left to tell."""
        return self._answer(ENDED, within_s=within_s) is not None or not self._is_open

    def terminate(self) -> None:
        """Send the run's process group SIGTERM, if it still goes on."""
        with contextlib.suppress(OSError):
            self._socket.send(TERMINATE)

    def end(self) -> Leavings | None:
        """End all that is left of the run; None if the zygote is lost, and the keeper is of no more use."""
        with contextlib.suppress(OSError):
            self._socket.send(END)
        if (found := self._answer(SWEPT, within_s=_SWEEP_S)) is not None:
            return Leavings(**json.loads(found[1]))
        self._is_open = False
        os.kill(self.pid, signal.SIGKILL)
        for _ in processes.end_all(self.pid):
            pass
        processes.remove(self._folder)
        return None

    def close(self) -> None:
        """Let the zygote end."""
        self._socket.close()
        self._is_open = False
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def members(self) -> list[int]:
        """Return the ids of all processes of the run, by which the keeper knows them."""
        return [pid for pid in processes.descendants(self.pid) if pid not in self._init]

    def waited_s(self) -> float:
        """Return the processor seconds of all processes of runs that have ended, all runs together."""
        return processes.waited_s([self.pid, *self._init])

    def _answer(self, *kinds: bytes, within_s: float = 60.0) -> tuple[bytes, bytes] | None:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        until = time.monotonic() + within_s
        while self._is_open and poll.poll(1000 * max(0.0, until - time.monotonic())):
            try:
                found = pipes.read(self._socket.fileno())
            except (OSError, pipes.BrokenStreamError):
                found = None
            if found is None:
                self._is_open = False
            elif found[0] in kinds:
                return found
        return None


class _Server:
    """The zygote itself."""

    def __init__(self, orders: socket.socket, replies: int, held: Held, loads: Sequence[str]) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # it ends when the keeper has ended
        _close_but(2, replies, orders.fileno())
        self._orders, self._held = orders, held
        self._user = False
        self._init: _Init | None = None
        if held.level == NAMESPACES:
            self._user = isolation.own_processes()
            self._init = _Init()
        else:
            processes.become_subreaper()
        self._warm_s = load(loads)
        self._woken = _wake_on_children()
        self._child = self._leader = 0  # the second stays when the first has ended, for its group
        self._folder = ""
        self._left = Leavings()
        self._orphans_s = 0.0

    def serve(self) -> NoReturn:
        """Obey orders until there are no more, and leave nothing."""
        self._say(READY, repr(self._warm_s))
        poll = select.poll()
        for one in (self._orders.fileno(), self._woken):
            poll.register(one, select.POLLIN)
        while True:
            ready = [one for one, _ in poll.poll()]
            self._reap()
            if self._orders.fileno() not in ready:
                continue
            order, descriptors, _, _ = socket.recv_fds(self._orders, 1, 2)
            if order == START:
                self._start(*descriptors)
            elif order == TERMINATE and self._child:
                processes.signal_group(self._child, signal.SIGTERM)
            elif order == END:
                self._end()
            elif not order:
                self._sweep()
                processes.remove(self._folder)
                os._exit(0)

    def _say(self, kind: bytes, text: str = "") -> None:
        with contextlib.suppress(OSError):  # the keeper has ended; the next order says so
            pipes.write(self._orders.fileno(), kind, text.encode())

    def _start(self, *descriptors: int) -> None:
        self._left, self._folder = Leavings(), ""
        try:
            if self._held.level != NAMESPACES:
                self._folder = tempfile.mkdtemp(prefix="mincache-")
            parent = os.getpid()
            self._child = os.fork()
        except OSError as error:
            processes.remove(self._folder)
            self._say(FAILED, str(error))
        else:
            if self._child == 0:
                signal.set_wakeup_fd(-1)
                child.become(self._folder, self._held.level, self._user, parent, *descriptors)
            self._leader = self._child
            self._say(STARTED, json.dumps([self._child, self._folder]))
        for one in descriptors:
            os.close(one)

    def _end(self) -> None:
        self._sweep()
        self._say(SWEPT, json.dumps(asdict(self._left)))
        processes.remove(self._folder)

    def _sweep(self) -> None:
        if self._init is None:
            for ended in processes.end_all(self._leader) if self._leader else ():
                self._account(*ended)
            self._left.left_behind = max(len(processes.descendants(os.getpid())), processes.any_child())
            return
        if self._child:
            os.kill(self._child, signal.SIGKILL)
        while self._child:
            time.sleep(_PAUSE_S)
            self._reap()
        so_far_s = self._init.sweep()
        self._left.cpu_s += so_far_s - self._orphans_s
        self._orphans_s = so_far_s

    def _reap(self) -> None:
        for ended in _ended(self._woken):
            self._account(*ended)

    def _account(self, pid: int, status: int, cpu_s: float, peak_bytes: int) -> None:
        if self._init is not None and pid == self._init.pid:
            os._exit(1)  # the namespace has ended with it
        self._left.cpu_s += cpu_s
        self._left.peak_memory_bytes = max(self._left.peak_memory_bytes, peak_bytes)
        if pid == self._child:
            self._left.exit_status = os.waitstatus_to_exitcode(status)
            self._child = 0
            self._say(ENDED)


class _Init:
    """Pid 1 of the runs: it takes in who has lost its parent, and ends everybody when it is asked to."""

    def __init__(self) -> None:
        self._socket, self.pid = _forked(_be_init)
        self._socket.settimeout(_ANSWER_S)

    def sweep(self) -> float:
        """End everybody; return the processor seconds of all that had lost their parents, so far."""
        self._socket.send(END)
        return float(self._socket.recv(64))


def _be_init(orders: socket.socket) -> None:
    if os.getpid() != 1:
        return  # what follows would end processes of others
    processes.die_with_parent(os.getppid())
    kernel.prctl(_DUMPABLE, 0)
    _close_but(orders.fileno())
    woken = _wake_on_children()
    spent_s = 0.0
    while True:
        ready, _, _ = select.select([orders.fileno(), woken], [], [])
        spent_s += sum(cpu_s for _, _, cpu_s, _ in _ended(woken))
        if orders.fileno() in ready:
            if not orders.recv(1):
                return
            with contextlib.suppress(ProcessLookupError):  # nobody is left
                while True:
                    os.kill(-1, signal.SIGKILL)
                    spent_s += sum(cpu_s for _, _, cpu_s, _ in _ended(woken))
                    time.sleep(_PAUSE_S)
            spent_s += sum(cpu_s for _, _, cpu_s, _ in _ended(woken))
            orders.send(repr(spent_s).encode())


def _wake_on_children() -> int:
    """Return a descriptor that can be read whenever a child has ended."""
    reading, writing = os.pipe()
    for one in (reading, writing):
        os.set_blocking(one, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)  # what has a handler writes to the descriptor
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    return reading


def _ended(woken: int) -> list[tuple[int, int, float, int]]:
    """Return the children that have ended, as `processes.reap` gives them."""
    with contextlib.suppress(BlockingIOError):
        os.read(woken, 4096)
    found: list[tuple[int, int, float, int]] = []
    with contextlib.suppress(ChildProcessError):
        found.extend(processes.reap())
    return found


def _close_but(*kept: int) -> None:
    lowest = 0
    for one in sorted(kept):
        os.closerange(lowest, one)
        lowest = one + 1
    kernel.close_from(lowest)
