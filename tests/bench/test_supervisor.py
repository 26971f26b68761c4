"""A keeper and its runs: what is seen of them, and that none outlives its limits."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from bench_fixture import file_entrant, job_of, on_linux, tiny_tasks

from mincache.bench import limits, processes, supervisor
from mincache.bench.limits import Limits
from mincache.bench.supervisor import Supervisor, describe
from mincache.files.documents import parse_instance, parse_solution, solution_bytes
from mincache.generation.streams import generator
from mincache.judging import messages
from mincache.judging.outcome import MAX_LOGGED
from mincache.solving.contents import Content
from mincache.solving.contract import Run
from mincache.solving.registry import make

pytestmark = on_linux


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    """A task of `cloud-only`."""
    return tiny_tasks(tmp_path_factory.mktemp("suite"))[0]


@pytest.fixture(scope="module")
def keeper():
    """A keeper for the tests that do not kill it."""
    with Supervisor(pin=False) as one:
        yield one


def fault_job(task, spec):
    """Return the job of a faulty solver on the instance of a task."""
    return job_of(task, solver=file_entrant(spec).spec, contents=())


def test_answer_comes_back(keeper, task):
    """The answer is the document of what the solver returns, and every stage was timed."""
    outcome = keeper.run(task.job, task.limits, task.read())
    instance = parse_instance(task.read())
    expected = make("cloud-only").solve(instance, Run(generator(*task.cell.stream)))
    assert outcome.payload == solution_bytes(expected)
    assert (outcome.stopped_by, outcome.exit_status, outcome.left_behind) == ("", 0, 0)
    stages = outcome.import_s + outcome.build_s + outcome.solve_s
    assert 0 < stages <= outcome.wall_s + messages.CLOCK_TRUST_S
    assert outcome.cpu_s > 0
    assert outcome.peak_memory_bytes > 1 << 20


PROBE = '''
from dataclasses import dataclass
import json, os, sys
import numpy as np
from mincache import Solver, Solution

@dataclass(frozen=True)
class Probe(Solver):
    """Print what can be seen from inside."""
    def solve(self, instance, run):
        seen = {
            "draw": run.rng.random(3).tolist(), "folder": os.getcwd(), "files": os.listdir(),
            "open": sorted(map(int, os.listdir("/proc/self/fd")))[:-1], "stdin": sys.stdin.read(),
            "session": os.getsid(0) == os.getpid(), "temporary": __import__("tempfile").gettempdir(),
            "threads": {k: v for k, v in os.environ.items() if k.endswith("_NUM_THREADS")},
            "remaining": run.remaining(), "cores": len(os.sched_getaffinity(0)), "path": sys.path[0],
            "term": int(__import__("signal").getsignal(15)),
        }
        raise RuntimeError(json.dumps(seen))
'''


@pytest.fixture(scope="module")
def seen(task, tmp_path_factory):
    """What a run can see."""
    import json

    path = tmp_path_factory.mktemp("solver") / "probe.py"
    path.write_text(PROBE)
    with Supervisor() as keeper:
        outcome = keeper.run(job_of(task, solver=f"{path}:Probe"), task.limits, task.read())
    text = outcome.output.decode()
    return json.loads(text[text.index("{") : text.rindex("}") + 1])


def test_run_is_alone(seen):
    """A run has an empty folder of its own, its own session, and nothing open but its own pipes."""
    assert seen["files"] == []
    assert seen["temporary"] == seen["folder"] != os.getcwd()
    assert not Path(seen["folder"]).exists()
    assert seen["open"] == [0, 1, 2, 3]
    assert seen["stdin"] == ""
    assert seen["session"]
    assert seen["term"] == signal.SIG_DFL


def test_run_has_one_thread_and_core(seen):
    """Numerical libraries are told to use one thread, and the run has one core if one was free."""
    assert set(seen["threads"].values()) == {"1"}
    assert seen["cores"] in (1, len(os.sched_getaffinity(0)))


def test_run_draws_from_its_stream(seen, task):
    """The generator is on the named stream of the cell."""
    assert seen["draw"] == generator(*task.cell.stream).random(3).tolist()
    assert 0 < seen["remaining"] <= task.limits.wall_s


def test_changed_source_is_not_run(keeper, task):
    """A solver is not run whose files or libraries are no longer those planned."""
    other = Content.of(Path(__file__))._replace(sha256="0" * 64, stamp="")
    outcome = keeper.run(job_of(task, contents=(other,)), task.limits, task.read())
    assert (outcome.stopped_by, outcome.note) == ("changed", "test_supervisor.py")
    outcome = keeper.run(job_of(task, libraries={"numpy": "0.1"}), task.limits, task.read())
    assert (outcome.stopped_by, outcome.note) == ("changed", "the version of numpy")


def test_incumbents_are_timed_by_the_keeper(keeper, task):
    """What a run reports before it is killed comes back, with times that its clock cannot change."""
    outcome = keeper.run(fault_job(task, "resources.py:ClockBackwards"), Limits(wall_s=0.3), task.read())
    times = [seconds for seconds, _ in outcome.incumbents]
    assert outcome.stopped_by == "wall"
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] <= outcome.wall_s
    _, incumbent = messages.unpack_incumbent(outcome.incumbents[-1][1], parse_instance(task.read()))
    assert parse_solution(solution_bytes(incumbent)) == incumbent


def test_what_a_run_counts_and_logs_comes_back(keeper, task):
    """Its evaluations, and its numbers by name; of too many names some are left out."""
    job = job_of(task, solver=file_entrant("counting.py:Counts").spec, contents=(), evaluations=3)
    outcome = keeper.run(job, Limits(wall_s=30.0), task.read())
    assert (outcome.closing, outcome.evaluations) == (messages.ANSWER, 3.0)
    counts = [
        messages.unpack_incumbent(data, parse_instance(task.read()))[0] for _, data in outcome.incumbents
    ]
    assert counts == [1.0]
    assert len(outcome.logged) == MAX_LOGGED
    assert [messages.unpack_logged(data) for _, data in outcome.logged["heat"]] == [("heat", 0.5, 1.0)]


def test_lost_keeper_is_replaced(task, tmp_path, monkeypatch):
    """When a keeper is killed its run is interrupted, nothing of it stays, and the next run has another."""
    before = processes.descendants(os.getpid())
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with Supervisor(pin=False) as keeper:
        job = fault_job(task, "endings.py:KillsItsKeeper")
        outcome = keeper.run(job, OPEN, task.read())
        assert (outcome.stopped_by, outcome.closing) == ("interrupted", b"")
        assert keeper.run(task.job, task.limits, task.read()).closing == messages.ANSWER
    assert processes.descendants(os.getpid()) == before
    assert list(tmp_path.glob("mincache-????????")) == []


OPEN = Limits(wall_s=60.0, isolate="off")
"""Limits of a run that can reach its keeper."""

LEAVES = '''
from dataclasses import dataclass
import os, signal, subprocess, sys, time
from pathlib import Path
from mincache import Solver

@dataclass(frozen=True)
class Leaves(Solver):
    """Start a program and fork, both in sessions of their own, and kill the keeper."""

    def solve(self, instance, run):
        away = "import os, time; os.chdir('/'); time.sleep(600)"
        program = subprocess.Popen([sys.executable, "-c", away], start_new_session=True)
        fork = os.fork()
        if fork == 0:
            os.setsid()
            time.sleep(600)
        Path(__file__).with_name("left").write_text(f"{program.pid} {fork}")
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(600)
'''


def test_what_fled_from_a_lost_keeper_is_ended(task, tmp_path):
    """Processes in sessions of their own end with a keeper that was killed: they use its run's folder."""
    (tmp_path / "leaves.py").write_text(LEAVES)
    with Supervisor(pin=False) as keeper:
        job = job_of(task, solver=f"{tmp_path / 'leaves.py'}:Leaves")
        assert keeper.run(job, OPEN, task.read()).stopped_by == "interrupted"
    left = [int(pid) for pid in (tmp_path / "left").read_text().split()]
    assert len(left) == 2
    assert processes.usage(left).memory_bytes == 0


def test_frozen_keeper_is_given_up(task, monkeypatch):
    """A run that stops its keeper (SIGSTOP) cannot keep the supervisor waiting for ever."""
    for where, name in ((limits, "ANSWER_S"), (limits, "LEAVE_S"), (supervisor, "SLACK_S")):
        monkeypatch.setattr(where, name, 0.5)
    monkeypatch.setattr(supervisor, "_CLOSE_S", 1.0)
    before = processes.descendants(os.getpid())
    with Supervisor(pin=False) as keeper:
        keeper.run(task.job, task.limits, task.read())
        job = fault_job(task, "endings.py:StopsItsKeeper")
        outcome = keeper.run(job, Limits(wall_s=0.5, startup_s=1.0, isolate="off"), task.read())
    assert outcome.stopped_by == "interrupted"
    assert processes.descendants(os.getpid()) == before


def test_unexplained_kills_are_repeated(task, tmp_path):
    """A run that SIGKILL ended once is run again, and what it then answers counts."""
    mark = tmp_path / "mark"
    path = tmp_path / "once.py"
    path.write_text(ONCE.format(mark=str(mark)))
    with Supervisor(pin=False) as keeper:
        job = job_of(task, solver=f"{path}:Once")
        outcome, interruptions = keeper.insist(job, OPEN, task.read())
    assert (outcome.closing, interruptions) == (messages.ANSWER, 1)
    assert mark.exists()


ONCE = '''
from dataclasses import dataclass
from pathlib import Path
import os
from mincache import Solver, Solution

@dataclass(frozen=True)
class Once(Solver):
    """Die the first time."""
    def solve(self, instance, run):
        if not Path("{mark}").exists():
            Path("{mark}").touch()
            os.kill(os.getpid(), 9)
        return Solution.nothing_cached(instance)
'''


def test_close_interrupts(task):
    """Closing a keeper ends what it runs, grandchildren that have fled included."""
    before = processes.descendants(os.getpid())
    with Supervisor(pin=False) as keeper:
        threading.Timer(1.0, keeper.close).start()
        outcome = keeper.run(fault_job(task, "hangs.py:Grandchildren"), Limits(), task.read())
        assert outcome.stopped_by == "interrupted"
        assert keeper.closed
        assert keeper.run(task.job, task.limits, task.read()).stopped_by == "interrupted"
    assert processes.descendants(os.getpid()) == before


def test_keeper_ends_with_its_supervisor(task):
    """A keeper whose supervisor has died ends its run and itself."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        keeper = Supervisor(pin=False)
        thread = threading.Thread(
            target=keeper.run,
            args=(fault_job(task, "hangs.py:Grandchildren"), Limits(), task.read()),
            daemon=True,
        )
        thread.start()
        while len(processes.descendants(os.getpid())) < 4:
            time.sleep(0.01)
        os.write(writing, repr(processes.descendants(os.getpid())).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    os.close(writing)
    found = eval(os.read(reading, 1000))  # a list of numbers that this test wrote itself
    os.waitpid(pid, 0)
    os.close(reading)
    for _ in range(500):
        if processes.usage(found).memory_bytes == 0:
            return
        time.sleep(0.01)
    pytest.fail(f"some of {found} are left")


FORGED = """
from mincache.files import pipes
pipes.write(3, {kind!r}, {payload!r})
import os
os._exit(0)
"""


@pytest.mark.parametrize("kind", [messages.DESCRIBED, messages.REFUSED])
@pytest.mark.parametrize(
    "payload", [b"x", b"{}", b"[1, 2]", b"[" * 10**5, b'{"target": 1, "spec": 1, "name": 1}']
)
def test_a_forged_description_is_none(keeper, tmp_path, kind, payload):
    """Whatever a file writes in the place of its description, it is a solver that nothing is known of."""
    path = tmp_path / "forged.py"
    path.write_text(FORGED.format(kind=kind, payload=payload))
    assert describe(f"{path}:Any", keeper).unknown == "its description cannot be read"
