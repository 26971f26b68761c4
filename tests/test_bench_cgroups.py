"""Cgroups: found where they are to be had, and used where this machine has them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mincache.bench import cgroups

PARENT = cgroups.parent_of_groups()
MOUNTS = "proc /proc proc rw 0 0\ncgroup2 {root} cgroup2 rw,nosuid 0 0\n"


def tree(root: Path, handing_on: str) -> Path:
    """Make folders like cgroups, of which one hands on the memory controller; return the lowest."""
    lowest = root / "user/session/scope"
    lowest.mkdir(parents=True)
    for folder in (root, root / "user", root / "user/session", lowest):
        (folder / "cgroup.procs").touch()
        hands_on = folder == root / handing_on
        (folder / "cgroup.subtree_control").write_text("cpu memory pids\n" if hands_on else "pids\n")
    return lowest


@pytest.mark.parametrize("handing_on", [".", "user", "user/session", "user/session/scope"])
def test_nearest_that_hands_on_memory(tmp_path, handing_on):
    """The nearest cgroup at or above one's own that hands on the memory controller is taken."""
    tree(tmp_path, handing_on)
    found = cgroups.usable(MOUNTS.format(root=tmp_path), "1:name=systemd:/x\n0::/user/session/scope\n")
    assert found == tmp_path / handing_on


@pytest.mark.parametrize(
    ("mounts", "own"),
    [("", "0::/\n"), (MOUNTS, "4:memory:/x\n"), (MOUNTS, "0::/user/session/scope\n"), (MOUNTS, "0::/gone\n")],
    ids=["no cgroup2", "version 1 alone", "nobody hands on", "outside"],
)
def test_none_is_told(tmp_path, mounts, own):
    """Without a cgroup v2 that hands on the memory controller there is none."""
    tree(tmp_path / "root", "none")
    assert cgroups.usable(mounts.format(root=tmp_path / "root"), own) is None


def test_not_above_the_mount(tmp_path):
    """Folders above the mount are no cgroups, whatever they hold."""
    tree(tmp_path, ".")
    mounts = MOUNTS.format(root=tmp_path / "user")
    assert cgroups.usable(mounts, "0::/session/scope\n") is None


def test_no_limit_needs_no_group():
    """Without a memory limit no cgroup is made."""
    assert cgroups.group(None) is None


HOG = """
import sys
from pathlib import Path
from mincache.bench.cgroups import Group
group = Group.__new__(Group)
group.path = Path(sys.argv[1])
group.enter()
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
