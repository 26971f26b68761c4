"""The first steps of a forked child: it becomes a run of its own, cut off from whatever is not its own."""

import json
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

from mincache.bench import isolation, kernel, processes, view, worker
from mincache.bench.limits import Limits, thread_variables
from mincache.files import pipes
from mincache.judging import messages
from mincache.solving import spec as specs

JOB, LIMITS, INSTANCE, PLACES, OUTCOME = b"J", b"L", b"I", b"P", b"O"
"""Frames: the job, its limits, the instance's document, where it runs (cores and cgroup); and the reply."""
_REPORT = 3
_LARGEST = 1 << 62  # of what a limit of the operating system can be
_LONGEST_S = 1 << 32  # of processor time, which the kernel counts in ns


def become(folder: str, level: str, user: bool, parent: int, report: int, output: int) -> NoReturn:
    """Turn this process into a run in this folder, isolated on this level; it never returns."""
    try:
        processes.die_with_parent(parent)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        _redirect(report, output)
        parts = dict(filter(None, (pipes.read(_REPORT) for _ in range(4))))
        job, limits = worker.Job.parse(parts[JOB]), Limits.parse(parts[LIMITS])
        _restrict(limits, **json.loads(parts[PLACES]))
        folder = _isolate(job, limits, folder, level, user)
        os.chdir(folder)
        os.environ.update({"TMPDIR": folder, **thread_variables(limits.threads)})
        tempfile.tempdir = None
    except BaseException as error:
        worker.Channel(_REPORT).say(messages.UNSET, f"the run could not be set up: {error}")
        os._exit(70)
    worker.work(job, parts[INSTANCE], _REPORT)


def _redirect(report: int, output: int) -> None:
    """Leave nothing open but an empty stdin, the output pipe as stdout and stderr, and the report socket."""
    import fcntl

    high = fcntl.fcntl(report, fcntl.F_DUPFD_CLOEXEC, 10)  # out of the way of what follows
    printed = fcntl.fcntl(output, fcntl.F_DUPFD_CLOEXEC, 10)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    os.dup2(high, _REPORT, inheritable=False)
    kernel.close_from(_REPORT + 1)


def _restrict(limits: Limits, cores: list[int], group: str) -> None:
    import resource

    if group:
        Path(group, "cgroup.procs").write_text("0")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_FSIZE, limits.disk_bytes)
    if limits.cpu_s is not None:
        _lower(resource.RLIMIT_CPU, int(min(limits.cpu_s, _LONGEST_S)) + 1)
    if sys.platform == "linux":
        if limits.memory_bytes is not None:
            _lower(resource.RLIMIT_DATA, limits.memory_bytes)
        if cores:
            os.sched_setaffinity(0, cores)
        # Where memory ends, the kernel ends the run and not the supervisor.
        Path("/proc/self/oom_score_adj").write_text("1000")


def _lower(which: int, value: int) -> None:
    import resource

    _, hard = resource.getrlimit(which)
    value = min(value, _LARGEST)
    ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (ceiling, ceiling))


def _isolate(job: worker.Job, limits: Limits, folder: str, level: str, user: bool) -> str:
    """Cut this process off as far as `level` says; return the folder to work in."""
    if level == isolation.OFF:
        return folder
    more: Any = (limits.allow, limits.files_bytes)
    if job.describe:
        seen = view.of_description(job.started_in, *more)
    else:
        seen = view.of_run(specs.parse(job.solver).target, job.contents, *more)
    network = "network" in limits.allow
    os.environ.pop("XDG_CACHE_HOME", None)
    if level != isolation.NAMESPACES:
        os.environ["HOME"] = folder
        isolation.confine(seen, folder, network)
        return folder
    os.environ["HOME"] = view.HOME
    files = isolation.enclose(seen, user, network)
    with socket.socket(fileno=os.dup(_REPORT)) as report:
        socket.send_fds(report, [pipes.frame(messages.FILES)], [files])
    os.close(files)
    return view.FOLDER
