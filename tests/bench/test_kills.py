"""Campaigns under attack: killed at random moments, out of disk, and still the same table at the end.

Set MINCACHE_KILLS for more kills than the few of the everyday tests; `make faults` makes 200.
"""

from __future__ import annotations

import os
import random
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
from bench_fixture import FAULTS, on_linux, tiny_suite

from mincache.bench import processes
from mincache.judging import journal

pytestmark = on_linux

KILLS = int(os.environ.get("MINCACHE_KILLS", "5"))
TRACES = 5
SEEDS = 6 if KILLS > 5 else 2  # each seed has keepers of its own, which take half a second to start
RUNS = TRACES * (SEEDS + 1)
LINE = re.compile(r"\[\d+/\d+\] (\S+) (\S+) #(\d+) verified")
SOLVERS = ("--solver", f"{FAULTS}/dice.py:Dice", "--solver", "cloud-only")
Acknowledged = set[tuple[str, str, int]]


def start(suite, folder, **options) -> subprocess.Popen[str]:
    """Start or go on with the campaign, in a process of its own."""
    command = [sys.executable, "-m", "mincache.cli.main", "run", suite, *SOLVERS, "--seeds", SEEDS,
               "--time-limit", "60", "--workers", "2", "-o", folder]  # fmt: skip
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    return subprocess.Popen(list(map(str, command)), **streams, **options)


def table(folder) -> dict[str, tuple[object, ...]]:
    """Return what the final table is made of: each run's verdict, cost and solution."""
    return {
        one.cell.key: (one.verdict, one.score and one.score.cost, one.solution_sha256)
        for one in journal.read(folder)
    }


def acknowledged(lines) -> Acknowledged:
    """Return the runs that printed lines say are kept."""
    found = (LINE.match(line) for line in lines)
    return {(one[1], one[2], int(one[3])) for one in found if one}


def check(folder, said: Acknowledged) -> None:
    """Check that nothing acknowledged is lost, and nothing doubled."""
    final = [one for one in journal.attempts(folder) if one.final]
    kept = Counter((one.cell.solver, one.cell.instance, one.cell.repetition) for one in final)
    assert said <= set(kept)
    assert set(kept.values()) <= {1}


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    """The folder of a small suite."""
    return tiny_suite(tmp_path_factory.mktemp("suites") / "tiny", TRACES).folder


@pytest.fixture(scope="module")
def undisturbed(suite, tmp_path_factory):
    """The table of a campaign that nobody disturbs."""
    folder = tmp_path_factory.mktemp("undisturbed")
    output, _ = start(suite, folder).communicate(timeout=300)
    assert len(acknowledged(output.splitlines())) == RUNS
    return table(folder)


def victims(campaign: int, kind: str) -> list[int]:
    """Return whom to kill: the supervisor, a keeper, a child, or supervisor and keepers."""
    keepers = processes.children(campaign)
    children = [pid for keeper in keepers for pid in processes.children(keeper)]
    return {
        "supervisor": [campaign], "keeper": keepers[:1], "child": children[:1], "both": [campaign, *keepers],
    }[kind]  # fmt: skip


def disturb(process: subprocess.Popen[str], dice: random.Random) -> tuple[list[str], int]:
    """Kill at random moments until the campaign ends or is killed; return what it said, and how often."""
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout))
    reader.start()
    kills = 0
    time.sleep(dice.uniform(0.3, 2.0))
    while process.poll() is None:
        for pid in victims(process.pid, dice.choice(["supervisor", "keeper", "child", "both"])):
            try:
                os.kill(pid, signal.SIGKILL)
                kills += 1
            except ProcessLookupError:
                pass
        time.sleep(dice.uniform(0.05, 0.5))
    process.wait()
    reader.join()
    return lines, kills


def test_kills_lose_nothing_and_change_nothing(suite, undisturbed, tmp_path):
    """However often supervisor, keepers and children are killed, the final table is the undisturbed one."""
    dice = random.Random(1)
    kills = campaign = 0
    while kills < KILLS:
        folder = tmp_path / str(campaign)
        said: Acknowledged = set()
        for _ in range(30):
            lines, done = disturb(start(suite, folder), dice)
            said |= acknowledged(lines)
            kills += done
            if (folder / journal.RECORDS_FILE).is_file():
                check(folder, said)
            if kills >= KILLS or len(said) == RUNS:
                break
        output, _ = start(suite, folder).communicate(timeout=300)
        check(folder, said | acknowledged(output.splitlines()))
        assert table(folder) == undisturbed
        campaign += 1


def test_full_disk_loses_nothing_and_changes_nothing(suite, undisturbed, tmp_path):
    """When files cannot grow any more the campaign stops with exit code 1, and goes on when they can."""
    limit = 10_000

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = start(suite, tmp_path, preexec_fn=small_disk)
    output, _ = process.communicate(timeout=300)
    said = acknowledged(output.splitlines())
    assert process.returncode == 1
    assert 0 < len(said) < RUNS
    check(tmp_path, said)
    again = start(suite, tmp_path)
    output, _ = again.communicate(timeout=300)
    assert again.returncode == 0
    check(tmp_path, said | acknowledged(output.splitlines()))
    assert table(tmp_path) == undisturbed
