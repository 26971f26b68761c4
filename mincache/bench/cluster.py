"""Runs on a Dask cluster: the same attempts, records and limits, on the machines of its workers.

Each thread of a Dask worker keeps a keeper, so `dask worker --nthreads 1 --nworkers auto` is one run a
core. Only JSON and bytes of ours travel. A solver's file travels with the task; its libraries must be
installed where the worker is.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import distributed as _distributed

from mincache.bench.attempt import attempt, now
from mincache.bench.entrant import Entrant
from mincache.bench.executors import ExecutorError, Keep
from mincache.bench.judge import Judged, judge
from mincache.bench.limits import Limits
from mincache.bench.machine import machine
from mincache.bench.outcome import Outcome
from mincache.bench.plan import Task
from mincache.bench.records import Cell, Record
from mincache.bench.supervisor import Supervisor
from mincache.files.documents import digest, parse_instance, write_bytes

distributed: Any = _distributed  # it is annotated only in part
_AHEAD = 2
"""Tasks handed over for each thread of the cluster: one to run, one to begin with next."""
_POLL_S = 1.0
CONNECT_S = 30.0

_local = threading.local()


class DaskExecutor:
    """Runs tasks on the workers of a Dask cluster.

    Args:
        scheduler: address of its scheduler, such as `tcp://10.0.0.1:8786`.
    """

    def __init__(self, scheduler: str) -> None:
        self._scheduler = scheduler

    def run(self, tasks: Sequence[Task], keep: Keep) -> None:
        """Run tasks and hand what became of each to `keep`, as it comes.

        Raises:
            ExecutorError: if the scheduler cannot be reached, or is lost.
        """
        # What it has to say of a lost scheduler is said in one line here.
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
        try:
            client = distributed.Client(self._scheduler, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ExecutorError(f"no Dask scheduler answers at {self._scheduler}: {error}") from None
        try:
            _feed(client, list(reversed(tasks)), keep)
        except OSError as error:  # what distributed raises on a broken connection is one
            raise ExecutorError(f"the Dask scheduler is lost: {error}") from None
        finally:
            client.close(timeout=_POLL_S)


def _feed(client: Any, waiting: list[Task], keep: Keep) -> None:
    """Keep the cluster busy, and take what comes back, until all is done."""
    running: dict[Any, Task] = {}
    done: queue.SimpleQueue[Any] = queue.SimpleQueue()
    while waiting or running:
        while waiting and len(running) < _AHEAD * max(1, sum(client.nthreads().values())):
            task = waiting.pop()
            future = client.submit(remote_attempt, dump(task), task.read(), key=task.key, pure=False)
            running[future] = task
            future.add_done_callback(done.put)
        future = _next(done, client)
        if future is not None:
            keep(_result(future, running.pop(future)))


def _next(done: queue.SimpleQueue[Any], client: Any) -> Any:
    """Return the next future that is done, or None if there is none for a moment."""
    try:
        return done.get(timeout=_POLL_S)
    except queue.Empty:
        if client.status != "running":
            raise ExecutorError("the Dask scheduler is lost") from None
        return None


def _result(future: Any, task: Task) -> Judged:
    if future.status == "finished":
        record, *documents = future.result()
        return Judged(Record.model_validate_json(record), None, *documents)
    if future.status in ("cancelled", "lost"):
        raise ExecutorError("the Dask scheduler is lost")
    return _failed(future.exception(), task)


def _failed(error: BaseException, task: Task) -> Judged:
    """Record a task whose workers died under it, or could not even begin it."""
    by = "interrupted" if isinstance(error, distributed.KilledWorker) else "not started"
    line = " ".join(f"{type(error).__name__}: {error}".split())
    outcome = Outcome(stopped_by=by, note=line[:500])
    instance = parse_instance(task.read())
    return judge(task.cell, instance, outcome, now(), machine(), task.best_known)


def dump(task: Task) -> str:
    """Return a task as JSON, with the file of its solver, to be run anywhere."""
    path = Path(task.entrant.target.rpartition(":")[0])
    code = path.read_text() if path.suffix == ".py" and path.is_file() else None
    return json.dumps(
        {
            "cell": task.cell.model_dump(mode="json"),
            "entrant": asdict(task.entrant),
            "limits": task.limits.as_json(),
            "best_known": task.best_known,
            "code": code,
        }
    )


def load(text: str, folder: Path) -> Task:
    """Return the task in the JSON that `dump` wrote; the file of its solver is put into `folder`."""
    fields = json.loads(text)
    entrant = Entrant(**fields["entrant"])
    if fields["code"] is not None:
        entrant = _placed(entrant, fields["code"].encode(), folder)
    limits = Limits(**fields["limits"])
    return Task(Cell(**fields["cell"]), entrant, limits, Path(), fields["best_known"])


def _placed(entrant: Entrant, code: bytes, folder: Path) -> Entrant:
    path = Path(entrant.target.rpartition(":")[0])
    here = folder / digest(code)[:16] / path.name
    here.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(here, code)
    target = entrant.target.replace(str(path), str(here), 1)
    return replace(entrant, target=target, spec=target + entrant.spec.removeprefix(entrant.target))


def remote_attempt(task: str, instance: bytes) -> tuple[str, bytes | None, bytes | None]:
    """Run a task where this is called; return its record as JSON, and its documents: answer and raw."""
    judged = attempt(load(task, _folder()), instance, _keeper())
    return judged.record.model_dump_json(), judged.document, judged.raw_document


def _keeper() -> Supervisor:
    if not hasattr(_local, "keeper"):
        _local.keeper = Supervisor()
    found: Supervisor = _local.keeper
    return found


def _folder() -> Path:
    """Return a folder for solvers' files in the one that Dask gives this worker, and takes away again."""
    return Path(distributed.get_worker().local_directory) / "mincache-solvers"
