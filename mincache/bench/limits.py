"""What a run may take, which of it this system can enforce, and leases of cores."""

import math
import os
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mincache.bench import view
from mincache.errors import InputError, excerpt
from mincache.solving.contents import Dumped
from mincache.solving.contract import GRACE_S

WISHES = ("auto", "required", "landlock", "off")
"""What isolation may be asked for; `landlock` is `auto` as if there were no namespaces."""
_MOST = 2**53  # what a record can hold


@dataclass(frozen=True)
class Limits(Dumped):
    """The limits of a run.

    The clock of `wall_s` starts when the child enters `solve`. At `wall_s` the solver's `Run` tells it to
    stop; `grace_s` later the whole process tree gets SIGTERM, and another `TERM_TO_KILL_S` later SIGKILL.
    Starting the child, importing the solver and reading the instance have a limit of their own.

    Attributes:
        wall_s: seconds for `solve`; None without a limit.
        grace_s: seconds past `wall_s` in which a solver that minds its time may still answer.
        startup_s: seconds until `solve` must have begun.
        cpu_s: processor seconds of the whole run, all processes together; None without a limit.
        memory_bytes: memory of the whole run, all processes together; None without a limit.
        disk_bytes: files in the folder that the run works in, and the largest single file anywhere.
        evaluations: candidates that the solver may price through its `Run`; None for any number.
        threads: threads for numerical libraries, and cores where the system can pin.
        environment: names of the variables that the run sees beside those of `shown_environment`.
        isolate: what is to keep the run from what is not its own: one of `WISHES`; see `bench.isolation`.
        warm: whether keepers load the libraries of a solver once, outside the isolation, for all its runs.
        allow: what isolation lets through: `network`, `gpu`, files and folders.
    """

    wall_s: float | None = None
    grace_s: float = GRACE_S
    startup_s: float = 120.0
    cpu_s: float | None = None
    memory_bytes: int | None = None
    disk_bytes: int = 1 << 30
    evaluations: int | None = None
    threads: int = 1
    environment: tuple[str, ...] = ()
    isolate: str = "auto"
    allow: tuple[str, ...] = ()
    warm: bool = False

    def __post_init__(self) -> None:
        for name in ("environment", "allow"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # a list may be given
        if self.isolate not in WISHES:
            raise InputError("isolate", f"must be one of {', '.join(WISHES)}", self.isolate)
        for name in ("wall_s", "startup_s", "cpu_s", "memory_bytes", "disk_bytes", "evaluations", "threads"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= _MOST:
                raise InputError(name, "must be positive, and at most 2^53", excerpt(value))
        if not 0 <= self.grace_s < math.inf:
            raise InputError("grace_s", "must be finite and not negative", str(self.grace_s))
        for one in self.allow:
            if Path(view.FOLDER).is_relative_to(one):
                advice = "name what the solver needs"
                raise InputError("allow", "must not hold the folder in which runs work", one, advice)

    @property
    def longest_s(self) -> float:
        """The most seconds that a run can take from its start to its end; infinite without `wall_s`."""
        if self.wall_s is None:
            return math.inf
        return self.startup_s + self.wall_s + self.grace_s + ANSWER_S + LEAVE_S

    @property
    def files_bytes(self) -> int:
        """The most that the run's own files may take: they count as memory where they lie in it."""
        return min(self.disk_bytes, self.memory_bytes or self.disk_bytes)

    def check_enforceable(self) -> None:
        """Check that this system can enforce the limits.

        Raises:
            InputError: naming the limit that it cannot.
        """
        if not hasattr(os, "fork"):
            raise InputError("system", "must have fork() to run solvers", sys.platform, "use WSL on Windows")
        if sys.platform != "linux":
            for name in ("cpu_s", "memory_bytes"):
                if getattr(self, name) is not None:
                    raise InputError(name, "can be enforced on Linux alone", sys.platform, "leave it out")


ANSWER_S = 10.0
"""Seconds that writing the answer may take where there is no limit on the time."""
WRITING_S_PER_BYTE = 2e-7
"""Seconds past limit and grace in which an answer may be written, for each byte of the instance."""
LEAVE_S = 1.0
"""Seconds that the child may take to end once all is said."""
TERM_TO_KILL_S = 0.05
"""Seconds between SIGTERM and SIGKILL."""


def enforced(limits: Limits, pinned: bool, grouped: bool) -> dict[str, str]:
    """Return how each limit that is set is enforced on this system, for the record."""
    linux = sys.platform == "linux"
    polled = "polling for the tree"
    how = {"wall_s": "signals to the process tree" if linux else "signals to the process group"}
    if limits.cpu_s is not None:
        how["cpu_s"] = f"RLIMIT_CPU a process, {polled}"
    if limits.memory_bytes is not None:
        unseen = "cgroup v2, " if grouped else "approximate (memory that no process shows is not seen): "
        how["memory_bytes"] = f"{unseen}RLIMIT_DATA a process, {polled}"
    how["threads"] = "environment variables" + (", cores pinned" if pinned else "")
    return how


_SHOWN = (
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH",
    "VIRTUAL_ENV", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME",
)  # fmt: skip


def shown_environment(more: Iterable[str]) -> dict[str, str]:
    """Return the environment variables that a run may see: what programs need, and those asked for."""
    names = {*_SHOWN, *more}
    return {name: one for name, one in os.environ.items() if name in names or name.startswith("LC_")}


def thread_variables(threads: int) -> dict[str, str]:
    """Return the environment variables that hold numerical libraries to this many threads."""
    names = (
        "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS",
        "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    )  # fmt: skip
    return dict.fromkeys(names, str(threads))


_held: list[int] = []
"""Descriptors of the locks; a lease ends with its process."""


def usable_cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def lease(count: int) -> set[int]:
    """Return `count` cores that no other process holds a lease on; none, where there are not so many.

    A core's lease is a lock on a file in a folder of this user's, which the system lets go when the
    process ends, however it ends.
    """
    if sys.platform != "linux" or count < 1:
        return set()
    leased: dict[int, int] = {}
    for core in sorted(os.sched_getaffinity(0)):
        if len(leased) < count and (descriptor := _lock(core)) is not None:
            leased[core] = descriptor
    if len(leased) < count:
        for descriptor in leased.values():
            os.close(descriptor)
        return set()
    _held.extend(leased.values())
    return set(leased)


def _lock(core: int) -> int | None:
    import fcntl

    folder = Path(tempfile.gettempdir()) / f"mincache-cores-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(folder / str(core), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
