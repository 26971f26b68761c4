"""Where the runs of a campaign take place; here: on this machine, a thread and a keeper a worker."""

import queue
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from mincache.bench.limits import usable_cores
from mincache.bench.plan import Task
from mincache.bench.supervisor import Supervisor
from mincache.errors import MincacheError
from mincache.files.documents import parse_instance
from mincache.judging.judge import Judged, judge, unjudged
from mincache.judging.machine import machine
from mincache.judging.outcome import Outcome

IDLE_S = 1.0
Keep = Callable[[Judged], None]
"""Takes what became of a task; called in one thread."""


class ExecutorError(MincacheError):
    """No more runs can take place; what was kept is kept."""


class Executor(Protocol):
    """Runs tasks anywhere."""

    def run(self, tasks: Sequence[Task], keep: Keep, idle: Callable[[], None]) -> None:
        """Run tasks and hand what became of each to `keep`, as it comes.

        Raises:
            ExecutorError: if no more runs can take place.
            KeyboardInterrupt: if interrupted; what is running is ended and handed over first.
        """


class LocalExecutor:
    """Runs tasks on this machine: so many `workers` at a time, by default as many as there are cores for."""

    def __init__(self, workers: int | None = None, threads: int = 1) -> None:
        self._workers, self._threads = workers or max(1, usable_cores() // threads), threads

    def run(self, tasks: Sequence[Task], keep: Keep, idle: Callable[[], None] = lambda: None) -> None:
        """Run tasks and hand what became of each to `keep`, as it comes."""
        machine()  # once, before the threads ask for it
        count = max(1, min(self._workers, len(tasks)))
        keepers = [Supervisor(self._threads) for _ in range(count)]
        free, done = queue.SimpleQueue[Supervisor](), queue.SimpleQueue[Future[Judged]]()
        for keeper in keepers:
            free.put(keeper)

        def one(task: Task) -> Judged:
            keeper = free.get()
            try:
                return attempt(task, task.read(), keeper)
            finally:
                free.put(keeper)

        def end() -> None:
            pool.shutdown(wait=False, cancel_futures=True)
            for keeper in keepers:
                keeper.close()
            pool.shutdown()

        pool = ThreadPoolExecutor(count)
        try:
            for task in by_hash_seed(tasks):
                pool.submit(one, task).add_done_callback(done.put)
            for _ in tasks:
                keep(_next(done, idle).result())
        except KeyboardInterrupt:
            end()
            while not done.empty():
                if not (ended := done.get()).cancelled():
                    keep(ended.result())
            raise
        finally:
            end()


def _next(done: queue.SimpleQueue[Future[Judged]], idle: Callable[[], None]) -> Future[Judged]:
    while True:
        try:
            return done.get(timeout=IDLE_S)
        except queue.Empty:
            idle()


def by_hash_seed(tasks: Sequence[Task]) -> list[Task]:
    """Return tasks so that those follow each other that one keeper runs: by seed of hashes and libraries."""
    return sorted(tasks, key=lambda task: (task.cell.seed, task.cell.repetition, task.job.loads))


def attempt(task: Task, data: bytes, keeper: Supervisor) -> Judged:
    """Run a task on the instance in `data` (its document) and return its record.

    Raises:
        ExecutorError: if what the run depends on has changed since it was planned, or isolation fails.
    """
    started = now()
    outcome, interruptions = keeper.insist(task.job, task.limits, data)
    return judged(task, data, outcome, started, machine(), interruptions)


def judged(
    task: Task, data: bytes, outcome: Outcome, started: str, where: dict[str, Any], interruptions: int = 0
) -> Judged:
    """Return the record of a task, given what was seen of it, and refuse as `attempt` does."""
    if outcome.stopped_by == "changed":
        what = f"{outcome.note} has changed since the campaign was planned"
        raise ExecutorError(f"{task.entrant.label}: {what}")
    if outcome.stopped_by == "isolation":
        raise ExecutorError(f"isolation is required, and cannot be had: {outcome.note}")
    entrant = task.entrant
    environment = where | {
        "libraries": entrant.libraries, "enforced": outcome.enforced, "stochastic": entrant.stochastic,
        "kind": entrant.kind, "information": entrant.information, "solver_commit": entrant.commit,
        "solver_dirty": entrant.dirty,
    }  # fmt: skip
    try:
        found = judge(task.cell, parse_instance(data), outcome, started, environment, task.best_known)
    except Exception as error:  # of one run, and no other's affair
        found = unjudged(task.cell, outcome, error, started, environment)
    record = found.record.model_copy(update={"interruptions": interruptions})
    return replace(found, record=record, of_the_machine=outcome.stopped_by == "machine")


def now() -> str:
    """Return the time in UTC as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
