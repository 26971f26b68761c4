"""Every kind of faulty solver is told apart, and the runs beside it are as if it were not there."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from bench_fixture import FAULTS, file_entrant

from mincache.bench import processes
from mincache.bench.executors import LocalExecutor
from mincache.bench.limits import Limits
from mincache.bench.plan import Task, task
from mincache.bench.supervisor import describe_all
from mincache.files.documents import digest
from mincache.judging.judge import Judged
from mincache.judging.records import Record
from mincache.solving.entrant import Entrant

INSTANCE = Path(__file__).parents[1] / "golden/score/case-1-plain/instance.json"
HANGING: dict[str, Any] = {"wall_s": 0.3}
OPEN: dict[str, Any] = {"isolate": "off"}
NARROW: dict[str, Any] = {"memory_bytes": 256 << 20}

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs Linux")


@dataclass(frozen=True)
class Fault:
    """A faulty solver and what must come of it."""

    solver: str
    stop_reason: str
    verdict: str
    reason: str = ""
    limits: dict[str, Any] = field(default_factory=dict)


FINE = ("finished", "verified")
RAISED = ("exception", "no solution")
CRASHED = ("crash", "no solution")
MALFORMED = ("finished", "malformed")
WALL = ("wall", "no solution")
MATRIX = [
    Fault("endings.py:Raises", *RAISED, "ValueError: first line second line"),
    Fault("endings.py:RaisesBase", *RAISED, "Odd: odd"),
    Fault("endings.py:RaisesMute", *RAISED, "Mute"),
    Fault("endings.py:Interrupts", *RAISED, "KeyboardInterrupt"),
    Fault("endings.py:Exits", *RAISED, "SystemExit: 0"),
    Fault("endings.py:ExitsAtOnce", *CRASHED, "exit status 0 and without an answer"),
    Fault("endings.py:ExitsAtOnce[status=3]", *CRASHED, "exit status 3"),
    Fault("endings.py:Segfaults", *CRASHED, "SIGSEGV"),
    Fault("endings.py:Aborts", *CRASHED, "SIGABRT"),
    Fault("endings.py:KillsItself", *CRASHED, "SIGKILL"),
    Fault("endings.py:KillsItsKeeper", *CRASHED, "SIGKILL"),
    Fault("endings.py:KillsItsKeeper", "interrupted", "no solution", "zygote died", OPEN),
    Fault("endings.py:HangsAtExit", *FINE),
    Fault("endings.py:LeavesThreads", *FINE, "", {"cpu_s": 1e15}),
    Fault("endings.py:RaisesInSupports", *RAISED, "OSError: no licence"),
    Fault("endings.py:Declines", "not started", "skipped", "it answers none"),
    Fault("hangs.py:Busy", *WALL, "0.3 s", HANGING),
    Fault("hangs.py:BusyWithIncumbent", "wall", "verified", "0.3 s", HANGING),
    Fault("hangs.py:Sleeps", *WALL, "", HANGING),
    Fault("hangs.py:IgnoresSigterm", *WALL, "", HANGING),
    Fault("hangs.py:HangsInC", *WALL, "", HANGING),
    Fault("hangs.py:Deadlocks", *WALL, "", HANGING),
    Fault("hangs.py:Stops", *WALL, "", HANGING),
    Fault("hangs.py:Grandchildren", *WALL, "", HANGING),
    Fault("hangs.py:Daemonises", *FINE),
    Fault("hangs.py:ForkBomb", *WALL, "", HANGING),
    Fault("hangs.py:ForksForever", *WALL, "", HANGING),
    Fault("hangs.py:IgnoresSoftLimit", "soft limit", "verified", "", {"wall_s": 0.3, "grace_s": 10.0}),
    Fault("hang_at_import.py:Any", *WALL, "had not begun after 1 s", {"startup_s": 1.0}),
    Fault("crash_at_import.py:Any", *CRASHED, "SIGABRT"),
    Fault("answers.py:Nothing", *MALFORMED, "received NoneType"),
    Fault("answers.py:NanShares", *MALFORMED, "cannot be written"),
    Fault("answers.py:InfiniteShares", *MALFORMED, "cannot be written"),
    Fault("answers.py:RefusedShares", *RAISED, "bandwidth_share[0][0]: must be finite"),
    Fault("answers.py:WrongShapes", *MALFORMED, "bandwidth_share: must have shape"),
    Fault("answers.py:WrongType", *MALFORMED, "cache: must be an array [T][M] of numbers"),
    Fault("answers.py:ObjectArrays", *MALFORMED, "cannot be written"),
    Fault("answers.py:HalfCached", *MALFORMED, "must be a whole number"),
    Fault("answers.py:AnotherInstance", *MALFORMED, "instance: must be"),
    Fault("answers.py:CachesAll", "finished", "infeasible", "storage broken"),
    Fault("answers.py:LyingBound", "finished", "contradicts a bound", "1000000.0"),
    Fault("answers.py:NanBound", *MALFORMED, "bound: must be finite"),
    Fault("answers.py:MutatesInstance", "finished", "infeasible", "storage broken"),
    Fault("answers.py:HugeAnswer", "crash", "malformed", "over the cap"),
    Fault("answers.py:TruncatedAnswer", *MALFORMED, "must be JSON"),
    Fault("answers.py:TornAnswer", *CRASHED, "without an answer"),
    Fault("answers.py:Babbles", "crash", "malformed", "something else"),
    Fault("resources.py:OneBlock", "memory", "no solution", "Unable to allocate"),
    Fault("resources.py:ManyBlocks", "memory", "no solution", "MemoryError", NARROW),
    Fault("resources.py:ManyProcesses", "memory", "no solution", "over the limit", NARROW),
    *(
        Fault(f"resources.py:Hoards[where={where}]", "memory", "no solution", "over the limit", NARROW)
        for where in ("memfd", "shm", "map", "unreadable")
    ),
    Fault("resources.py:BurnsProcessor", "cpu", "no solution", "over the limit", {"cpu_s": 0.5}),
    Fault("resources.py:EndlessOutput", *WALL, "", HANGING),
    Fault("resources.py:ClosesOutput", *FINE),
    Fault("resources.py:ClosesEverything", *CRASHED, "without an answer"),
    Fault("resources.py:DeletesFolder", *FINE),
    Fault("resources.py:ChangesFolder", *FINE),
    Fault("resources.py:FillsDisk", "crash", "no solution", "bytes of files", {"disk_bytes": 100 << 20}),
    Fault("resources.py:ReportsALot", *FINE),
    Fault("resources.py:ClockBackwards", "wall", "verified", "", HANGING),
]
HEALTHY = "cloud-only"


def _task(entrant: Entrant | Exception, number: int, limits: dict[str, Any]) -> Task:
    """The first repetition in a suite of its own: one keeper serves all that have the same seed of hashes."""
    assert isinstance(entrant, Entrant)
    sha256 = digest(INSTANCE.read_bytes())
    all_limits = Limits(**{"wall_s": 60.0} | limits)
    return task(f"faults-{number}", INSTANCE, "case-1-plain", sha256, entrant, 0, all_limits)


@pytest.fixture(scope="module")
def before() -> set[int]:
    """What other tests have running below this process."""
    return set(processes.descendants(os.getpid()))


@pytest.fixture(scope="module")
def campaign(before: set[int]) -> list[Record]:
    """The records of one campaign of every fault, a healthy run after each."""
    first = {fault.solver.partition(":")[0]: fault.solver for fault in reversed(MATRIX)}.values()
    specs = [HEALTHY, *(f"{FAULTS}/{solver}" for solver in first)]
    # A process for one solver of each file; the others' entrants need none.
    healthy, *described = describe_all(specs, workers=2, limits=Limits(startup_s=5.0))
    known = dict(zip(first, described, strict=True))
    tasks = [
        _task(entrant, number, limits)
        for number, fault in enumerate(MATRIX)
        for entrant, limits in (
            (known.get(fault.solver) or file_entrant(fault.solver), fault.limits),
            (healthy, {}),
        )
    ]
    kept: list[Judged] = []
    LocalExecutor(workers=2).run(tasks, kept.append)
    by_key = {judged.record.cell.key: judged.record for judged in kept}
    return [by_key[one.key] for one in tasks]


@pytest.mark.parametrize("number", range(len(MATRIX)), ids=[fault.solver for fault in MATRIX])
def test_fault_is_told_apart(campaign: list[Record], number: int) -> None:
    """The record says why the process ended, what the evaluator found, and one line to it."""
    fault, record = MATRIX[number], campaign[2 * number]
    assert (record.stop_reason, record.verdict) == (fault.stop_reason, fault.verdict), record.reason
    assert fault.reason in record.reason
    assert "\n" not in record.reason


def test_campaign_survives(campaign: list[Record]) -> None:
    """Every healthy run beside the faults is verified, each at the same cost."""
    healthy = campaign[1::2]
    assert {record.verdict for record in healthy} == {"verified"}
    assert len({record.score.cost for record in healthy if record.score}) == 1


def test_nothing_is_left_behind(campaign: list[Record], before: set[int]) -> None:
    """When the campaign has ended no process of it is left below this one."""
    assert len(campaign) == 2 * len(MATRIX)
    assert set(processes.descendants(os.getpid())) <= before
