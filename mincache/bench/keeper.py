"""The keeper: a process that starts runs, one at a time, and lets none outlive its limits.

`python -m mincache.bench.keeper CORES` has numpy loaded and forks a child a run, which saves each run that
time; it is single-threaded, knows nothing of a campaign, and forgets a run when it has told its outcome.
It reads jobs from its standard input and ends, with everything below it, when that is closed.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from mincache.bench import pipes, processes, worker
from mincache.bench.cores import lease
from mincache.bench.limits import Limits
from mincache.bench.outcome import Outcome
from mincache.bench.watch import Watch

JOB, LIMITS, INSTANCE, STARTED = b"J", b"L", b"I", b"P"
"""A job is the first three, from the supervisor; back go what was started and an outcome."""


def main() -> None:
    """Serve jobs from standard input until it is closed."""
    orders, replies = 0, os.dup(1)
    os.dup2(2, 1)  # nothing else may write among the replies
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor decides
    signal.signal(signal.SIGTERM, _leave)
    processes.become_subreaper()
    worker.warm_up()
    cores = lease(int(sys.argv[1]))
    with contextlib.suppress(BrokenPipeError):  # the supervisor has died
        _obey(orders, replies, cores)


def _obey(orders: int, replies: int, cores: set[int]) -> None:
    while (message := pipes.read(orders)) is not None:
        job = worker.Job.parse(message[1])
        limits, instance = _rest(orders)
        _serve(job, limits, instance, cores, orders, replies)


def _rest(orders: int) -> tuple[Limits, bytes]:
    limits, instance = pipes.read(orders), pipes.read(orders)
    if limits is None or instance is None:
        sys.exit(0)
    return Limits(**json.loads(limits[1])), instance[1]


def _serve(
    job: worker.Job, limits: Limits, instance: bytes, cores: set[int], orders: int, replies: int
) -> None:
    try:
        watch = Watch(job, limits, instance, cores)
    except OSError as error:
        pipes.write(replies, STARTED, b"0 ")
        Outcome(stopped_by="machine", note=f"no process could be started: {error}").send(replies)
        return
    pipes.write(replies, STARTED, f"{watch.pid} {watch.folder}".encode())
    watch.run(orders).send(replies)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(0)


if __name__ == "__main__":
    main()
