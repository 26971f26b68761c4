"""Cgroups: found where they are to be had, and used where this machine has them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bench_fixture import FAULTS, on_linux, tiny_tasks

from mincache.bench import cgroups

PARENT = cgroups.parent_of_groups()
MOUNTS = "proc /proc proc rw 0 0\ncgroup2 {root} cgroup2 rw,nosuid 0 0\n"


@pytest.mark.parametrize(
    ("mounts", "own", "found"),
    [
        (MOUNTS, "1:name=systemd:/x\n0::/user/session\n", ["/c/user/session", "/c/user", "/c"]),
        (MOUNTS, "0::/\n", ["/c"]),
        ("", "0::/\n", []),
        (MOUNTS, "4:memory:/x\n", []),
    ],
    ids=["below", "at the root", "no cgroup2", "version 1 alone"],
)
def test_own_groups_up_to_the_mount(mounts, own, found):
    """One's own cgroup comes first, then those above it, and none above the mount."""
    assert cgroups.own_groups(mounts.format(root="/c"), own) == list(map(Path, found))


def test_no_limit_needs_no_group():
    """Without a memory limit no cgroup is made."""
    assert cgroups.group(None) is None


def test_a_group_tells_the_kernel_its_limit(tmp_path):
    """Memory is capped, swap too where there is any, and out of memory ends the whole group."""
    group = cgroups.Group(tmp_path / "run", 123)
    written = {path.name: path.read_text() for path in group.path.iterdir()}
    assert written == {"memory.max": "123", "memory.oom.group": "1"}
    assert not group.ran_out()
    (group.path / "memory.events").write_text("low 0\nhigh 0\nmax 9\noom 1\noom_kill 0\n")
    assert not group.ran_out()
    (group.path / "memory.events").write_text("low 0\nhigh 0\nmax 9\noom 1\noom_kill 2\n")
    assert group.ran_out()


SIMULATED = """
import json, os, sys
from dataclasses import asdict
from pathlib import Path
from mincache.bench import cgroups, child, processes, worker
from mincache.bench.limits import Limits
from mincache.bench.watch import Watch
from mincache.bench.zygote import Zygote
from mincache.judging import messages

parent, instance, spec = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
cgroups.parent_of_groups, cgroups._REMOVE_S = lambda: parent, 0.0  # files keep a folder from going
cgroups.Group.ran_out = lambda self: "KillsItself" in spec
processes.become_subreaper()
limits = Limits(wall_s=30.0, memory_bytes=2 << 30)
order = {child.JOB: worker.Job(spec, (0, "s", "i", 0), 30.0).dump(), child.INSTANCE: instance.read_bytes(),
         child.LIMITS: json.dumps(asdict(limits)).encode()}
outcome = Watch(Zygote("off", 1), order, limits, set()).run(os.pipe()[0])
print(outcome.enforced["memory_bytes"], outcome.stopped_by, outcome.closing == messages.ANSWER, sep="; ")
"""
"""A run where a folder stands for the cgroup; what the kernel would do is done by hand."""


@on_linux
@pytest.mark.parametrize(
    ("spec", "seen"), [("cloud-only", "; True"), (f"{FAULTS}/endings.py:KillsItself", "memory; False")]
)
def test_a_run_enters_its_group_and_the_choice_is_recorded(tmp_path, spec, seen):
    """The run moves itself into its group, the record says so, and a kill for want of memory is told."""
    task = tiny_tasks(tmp_path / "suite")[0]
    (tmp_path / "groups").mkdir()
    command = [sys.executable, "-c", SIMULATED, tmp_path / "groups", task.instance_path, spec]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"cgroup v2, RLIMIT_DATA a process, polling for the tree; {seen}"
    (group,) = (tmp_path / "groups").iterdir()
    assert (group / "memory.max").read_text() == str(2 << 30)
    assert (group / "cgroup.procs").read_text() == "0"


HOG = """
import sys
from pathlib import Path
from mincache.bench.cgroups import Group
group = Group.__new__(Group)
group.path = Path(sys.argv[1])
(group.path / "cgroup.procs").write_text("0")
kept = bytearray(b"x") * (1 << 30)
"""


@pytest.mark.skipif(PARENT is None, reason="this machine gives no cgroup v2 with the memory controller")
def test_kernel_ends_who_takes_too_much():
    """A process that takes more than its group may is killed by the kernel, and the group tells why."""
    group = cgroups.group(200 << 20)
    assert group is not None
    done = subprocess.run([sys.executable, "-c", HOG, str(group.path)], check=False)
    assert done.returncode == -9
    assert group.ran_out()
    group.remove()
    assert not group.path.exists()
    assert os.path.isdir(PARENT)
