"""The first steps of a forked child: it becomes a run of its own, cut off from its keeper."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from typing import NoReturn

from mincache.bench import cgroups, processes, worker
from mincache.bench.limits import Limits, thread_variables


def become(
    job: worker.Job,
    limits: Limits,
    instance: bytes,
    folder: str,
    report: int,
    output: int,
    cores: set[int],
    group: cgroups.Group | None,
) -> NoReturn:
    """Turn this process into the run `job`; it never returns.

    Args:
        job: what to do.
        limits: what the operating system is to enforce of them.
        instance: the instance's document.
        folder: the empty folder to work in.
        report: descriptor of the pipe to the keeper.
        output: descriptor of the pipe that takes what is printed.
        cores: where the run may be scheduled; empty for anywhere.
        group: the cgroup to run in, if any.
    """
    try:
        parent = os.getppid()
        os.setsid()
        _redirect(report, output)
        if group is not None:
            group.enter()
        processes.die_with_parent(parent)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.chdir(folder)
        os.environ.update({"TMPDIR": folder, **thread_variables(limits.threads)})
        tempfile.tempdir = None
        _restrict(limits, cores)
    except BaseException as error:
        worker.Channel(_REPORT).say(worker.UNSET, f"the run could not be set up: {error}")
        os._exit(70)
    worker.work(job, instance, _REPORT)


_REPORT = 3
_LARGEST = 1 << 62
"""Of what a limit of the operating system can be."""


def _redirect(report: int, output: int) -> None:
    """Leave nothing open but an empty stdin, the output pipe as stdout and stderr, and the report pipe."""
    import fcntl

    high = fcntl.fcntl(report, fcntl.F_DUPFD_CLOEXEC, 10)  # out of the way of what follows
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(high, _REPORT, inheritable=False)
    os.closerange(_REPORT + 1, 4096)


def _restrict(limits: Limits, cores: set[int]) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_FSIZE, limits.disk_bytes)
    if limits.cpu_s is not None:
        _lower(resource.RLIMIT_CPU, int(min(limits.cpu_s, _LARGEST)) + 1)
    if sys.platform == "linux":
        if limits.memory_bytes is not None:
            _lower(resource.RLIMIT_DATA, limits.memory_bytes)
        if cores:
            os.sched_setaffinity(0, cores)
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")  # where memory ends, the kernel ends the run and not the supervisor


def _lower(which: int, value: int) -> None:
    import resource

    _, hard = resource.getrlimit(which)
    value = min(value, _LARGEST)
    ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (ceiling, ceiling))
