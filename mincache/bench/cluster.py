"""Runs on a Dask cluster: the same runs and limits, on the machines of its workers, judged here.

Each thread of a Dask worker keeps a keeper, so `dask worker --nthreads 1 --nworkers auto` is one run a
core. Only JSON and bytes of ours travel. A solver's file travels with its task, and the modules beside it;
libraries must be installed where the worker is, in the same versions.
"""

import base64
import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import distributed as _distributed

import mincache
from mincache.bench.executors import ExecutorError, Keep, by_hash_seed, judged, now
from mincache.bench.limits import Limits
from mincache.bench.plan import Task
from mincache.bench.supervisor import Supervisor
from mincache.errors import line_of
from mincache.files.documents import digest, write_bytes
from mincache.judging.judge import Judged
from mincache.judging.machine import machine
from mincache.judging.outcome import Outcome
from mincache.judging.records import Cell
from mincache.problem.evaluation import EVALUATOR_VERSION
from mincache.solving.entrant import Entrant

distributed: Any = _distributed  # it is annotated only in part
_AHEAD = 2  # tasks handed over for each thread of the cluster: one to run, one to begin with next
_POLL_S = 1.0
_PATIENCE_S = 3.0
_LAST_WORDS_S = 5.0
CONNECT_S = 30.0

_local = threading.local()
_keepers: list[Supervisor] = []
"""Of this worker, so that all its runs can be ended."""


class DaskExecutor:
    """Runs tasks on the workers of a Dask cluster; `tell` hears, in a line, what keeps them waiting."""

    def __init__(self, scheduler: str, tell: Callable[[str], None] = lambda line: None) -> None:
        self._scheduler, self._tell = scheduler, tell

    def run(self, tasks: Sequence[Task], keep: Keep, idle: Callable[[], None] = lambda: None) -> None:
        """Run tasks and hand what became of each to `keep`, as it comes."""
        # What it has to say of a lost scheduler is said in one line here.
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
        try:
            client = distributed.Client(self._scheduler, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ExecutorError(f"no Dask scheduler answers at {self._scheduler}: {error}") from None
        feed = _Feed(client, list(reversed(by_hash_seed(tasks))), keep)
        try:
            feed.run(idle, self._tell)
        except OSError as error:  # what distributed raises on a broken connection is one
            raise ExecutorError(f"the Dask scheduler is lost: {error}") from None
        except (KeyboardInterrupt, ExecutorError):
            feed.end()
            raise
        finally:
            client.close(timeout=_POLL_S)


class _Feed:
    """Keeps a cluster busy, and takes what comes back."""

    def __init__(self, client: Any, waiting: list[Task], keep: Keep) -> None:
        self._client, self._waiting, self._keep = client, waiting, keep
        self._running: dict[Any, tuple[Task, bytes]] = {}
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def run(self, idle: Callable[[], None], tell: Callable[[str], None]) -> None:
        """Go on until all is done."""
        began, told = time.monotonic(), False
        while self._waiting or self._running:
            threads = sum(self._client.nthreads().values())
            if not threads and not told and time.monotonic() > began + _PATIENCE_S:
                tell("the Dask scheduler has no workers; waiting for some")
                told = True
            while self._waiting and len(self._running) < _AHEAD * max(1, threads):
                task = self._waiting.pop()
                data = task.read()
                future = self._client.submit(remote_run, dump(task), data, key=task.key, pure=False)
                self._running[future] = task, data
                future.add_done_callback(self._done.put)
            if not self._take(_POLL_S):
                idle()
                if self._client.status != "running":
                    raise ExecutorError("the Dask scheduler is lost")

    def _take(self, within_s: float) -> bool:
        """Hand over what is done next; return whether anything was in time."""
        try:
            future = self._done.get(timeout=within_s)
        except queue.Empty:
            return False
        if future.status in ("lost", "pending") and self._client.status == "running":
            future.add_done_callback(self._done.put)  # its worker died with the result: it is made again
            return True
        self._keep(_result(future, *self._running.pop(future)))
        return True

    def end(self) -> None:
        """End the runs on the workers, and hand over those that had begun."""
        if self._client.status != "running":
            return  # the scheduler is gone: asking for its workers would only wait for it
        try:
            self._client.run(end_runs)
            waiting = [one for one in self._running if one.status == "pending"]
            until = time.monotonic() + _LAST_WORDS_S
            while self._running and time.monotonic() < until and self._take(until - time.monotonic()):
                pass
            self._client.cancel(waiting)
        except (OSError, ExecutorError):
            pass  # the cluster is gone, and its runs with it


def _result(future: Any, task: Task, data: bytes) -> Judged:
    if future.status == "finished":
        outcome, started, where, interruptions = future.result()
        if not outcome:
            raise ExecutorError(started)
        return judged(task, data, Outcome.parse(outcome), started, where, interruptions)
    if future.status in ("cancelled", "lost"):
        raise ExecutorError("the Dask scheduler is lost")
    # Its workers died under it, or could not even begin it: no word of the solver.
    note = line_of(future.exception())[:500]
    return judged(task, data, Outcome(stopped_by="machine", note=note), now(), machine())


def _versions() -> dict[str, str]:
    return {"mincache": mincache.__version__, "evaluator": EVALUATOR_VERSION}


def dump(task: Task) -> str:
    """Return a task as JSON, with the files of its solver, to be run anywhere."""
    entrant = task.entrant
    files: list[Path] = []
    if entrant.target.rpartition(":")[0].endswith(".py"):
        files = [Path(one.path) for one in entrant.contents if Path(one.path).is_relative_to(entrant.home)]
    encoded = {str(one): base64.b64encode(one.read_bytes()).decode() for one in files if one.is_file()}
    document = {"cell": task.cell.model_dump(mode="json"), "entrant": entrant.dump().decode(),
                "limits": task.limits.dump().decode(), "best_known": task.best_known, "files": encoded,
                "versions": _versions()}  # fmt: skip
    return json.dumps(document)


def load(text: str, folder: Path) -> Task:
    """Return the task in the JSON that `dump` wrote; the files of its solver are put into `folder`."""
    fields = json.loads(text)
    entrant = Entrant.parse(fields["entrant"])
    if fields["files"]:
        entrant = _placed(entrant, fields["files"], folder)
    limits = Limits.parse(fields["limits"])
    return Task(Cell(**fields["cell"]), entrant, limits, Path(), fields["best_known"])


def _placed(entrant: Entrant, files: dict[str, str], folder: Path) -> Entrant:
    there = folder / digest(json.dumps(files, sort_keys=True).encode())[:16]
    moved = {path: there / Path(path).relative_to(entrant.home) for path in files}
    for path, code in files.items():
        moved[path].parent.mkdir(parents=True, exist_ok=True)
        write_bytes(moved[path], base64.b64decode(code))
    contents = (one._replace(path=str(moved.get(one.path, one.path)), stamp="") for one in entrant.contents)
    target, spec = (text.replace(entrant.home, str(there), 1) for text in (entrant.target, entrant.spec))
    return replace(entrant, target=target, spec=spec, contents=tuple(contents), home=str(there))


def remote_run(text: str, instance: bytes) -> tuple[bytes, str, dict[str, Any], int]:
    """Run a task: return outcome (b'' if unfit), begin (or why none), machine, attempts cut off before."""
    wanted, here = json.loads(text)["versions"], _versions()
    if wanted != here:
        told = ", ".join(f"{name} {here[name]} where {one} is wanted" for name, one in wanted.items()
                         if here.get(name) != one)  # fmt: skip
        return b"", f"worker {distributed.get_worker().address} has {told}", {}, 0
    # Solvers' files go into the folder that Dask gives this worker, and takes away again.
    folder = Path(distributed.get_worker().local_directory) / "mincache-solvers"
    task, started = load(text, folder), now()
    outcome, interruptions = _keeper(task.limits.threads).insist(task.job, task.limits, instance)
    return outcome.dump(), started, machine(), interruptions


def end_runs() -> None:
    """End every run of this worker; later ones get keepers of their own."""
    while _keepers:
        _keepers.pop().close()


def _keeper(threads: int) -> Supervisor:
    found: Supervisor | None = getattr(_local, "keeper", None)
    if found is None or found.closed or found.threads != threads:
        if found is not None:
            found.close()
        found = _local.keeper = Supervisor(threads)
        _keepers.append(found)
    return found
