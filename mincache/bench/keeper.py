"""The keeper: a process that has runs started, one at a time, and lets none outlive its limits.

`python -m mincache.bench.keeper CORES ISOLATION [MODULE...]` loads numpy and forks a zygote, which loads the
modules and forks a child a run, so that each run saves that time. The keeper is single-threaded, knows
nothing of a campaign, and forgets a run when it has told its outcome. It reads jobs from its standard input
and ends, with everything below it, when that is closed.
"""

# ruff: noqa: E402  # modules stay, and collecting among them takes a fifth of the time to start
import gc

gc.disable()

import contextlib
import os
import signal
import sys

from mincache.bench import child, isolation, processes, view, worker
from mincache.bench.limits import Limits, lease
from mincache.bench.revealing import Revealer
from mincache.bench.watch import Watch
from mincache.bench.zygote import Zygote
from mincache.files import pipes
from mincache.judging.outcome import Outcome


def main() -> None:
    """Serve jobs from standard input until it is closed."""
    orders, replies = 0, os.dup(1)
    os.dup2(2, 1)  # nothing else may write among the replies
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor decides
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    processes.become_subreaper()
    worker.warm_up()
    gc.freeze()  # a collection in a run would copy all of this
    gc.enable()
    cores, wish = lease(int(sys.argv[1])), sys.argv[2]
    if wish != isolation.OFF:
        view.warm_up()
    # The supervisor may have died.
    with contextlib.suppress(BrokenPipeError), contextlib.ExitStack() as stack:
        zygote: Zygote | None = None
        refusal = Outcome()
        try:
            zygote = stack.enter_context(contextlib.closing(Zygote(wish, replies, sys.argv[3:])))
        except OSError as error:
            refusal = Outcome("machine", f"no process could be started: {error}")
        if zygote is not None and wish == "required" and zygote.held.level != isolation.NAMESPACES:
            refusal, zygote = Outcome("isolation", zygote.held.why), None
        while (message := pipes.read(orders)) is not None:
            limits, instance = pipes.read(orders), pipes.read(orders)
            if limits is None or instance is None:
                return
            order = {child.JOB: message[1], child.LIMITS: limits[1], child.INSTANCE: instance[1]}
            outcome = refusal if zygote is None else _run(zygote, order, cores, orders)
            pipes.write(replies, child.OUTCOME, outcome.dump())


def _run(zygote: Zygote, order: dict[bytes, bytes], cores: set[int], orders: int) -> Outcome:
    try:
        revealer = None
        if (level := worker.Job.parse(order[child.JOB]).information) != "trace":
            revealer = Revealer(order[child.INSTANCE], level)
            order[child.INSTANCE] = revealer.site()
        return Watch(zygote, order, Limits.parse(order[child.LIMITS]), cores, revealer).run(orders)
    except OSError as error:
        return Outcome("machine", f"no process could be started: {error}")


if __name__ == "__main__":
    main()
