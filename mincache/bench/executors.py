"""Where the runs of a campaign take place; here: on this machine, a thread and a keeper a worker."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from mincache.bench.attempt import attempt
from mincache.bench.judge import Judged
from mincache.bench.machine import machine
from mincache.bench.plan import Task
from mincache.bench.supervisor import Supervisor
from mincache.errors import MincacheError

Waiting = queue.SimpleQueue[Task]
Done = queue.SimpleQueue[Judged | BaseException]


Keep = Callable[[Judged], None]
"""Takes what became of a task; called in one thread."""


class ExecutorError(MincacheError):
    """The place where runs take place is gone; what was kept is kept."""


class Executor(Protocol):
    """Runs tasks anywhere."""

    def run(self, tasks: Sequence[Task], keep: Keep) -> None:
        """Run tasks and hand what became of each to `keep`, as it comes.

        An interruption (KeyboardInterrupt) ends what is running, hands that over too, and goes on.
        """


class LocalExecutor:
    """Runs tasks on this machine.

    Args:
        workers: how many at a time.
        threads: threads and cores for each.
    """

    def __init__(self, workers: int, threads: int = 1) -> None:
        self._workers, self._threads = workers, threads

    def run(self, tasks: Sequence[Task], keep: Keep) -> None:
        """Run tasks and hand what became of each to `keep`, as it comes."""
        waiting: Waiting = queue.SimpleQueue()
        done: Done = queue.SimpleQueue()
        for task in tasks:
            waiting.put(task)
        machine()  # once, before the threads ask for it
        keepers = [Supervisor(self._threads) for _ in range(min(self._workers, len(tasks)))]
        threads = [threading.Thread(target=_work, args=(one, waiting, done)) for one in keepers]
        for thread in threads:
            thread.start()
        try:
            for _ in tasks:
                _hand_over(done, keep)
        except KeyboardInterrupt:
            _end(keepers, threads)
            while not done.empty():
                _hand_over(done, keep)
            raise
        finally:
            _end(keepers, threads)


def _end(keepers: list[Supervisor], threads: list[threading.Thread]) -> None:
    for keeper in keepers:
        keeper.close()
    for thread in threads:
        thread.join()


def _hand_over(done: Done, keep: Keep) -> None:
    result = done.get()
    if isinstance(result, BaseException):
        raise result
    keep(result)


def _work(keeper: Supervisor, waiting: Waiting, done: Done) -> None:
    try:
        while not keeper.closed:
            task = waiting.get_nowait()
            done.put(attempt(task, task.read(), keeper))
    except queue.Empty:
        pass
    except BaseException as error:  # the campaign ends with it, not this thread alone
        done.put(error)
