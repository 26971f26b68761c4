"""Leases of cores: exclusive, and let go with the process."""

import os
import subprocess
import sys

from bench_fixture import on_linux

LEASE = "from mincache.bench.cores import lease; print(*lease({})); input()"


def start(count, folder):
    """Start a process that leases cores; return it and what it got."""
    process = subprocess.Popen(
        [sys.executable, "-c", LEASE.format(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(folder)},
    )
    return process, set(map(int, process.stdout.readline().split()))


def end(process):
    """Let a process end."""
    process.communicate("\n")


@on_linux
def test_leases_do_not_overlap(tmp_path):
    """Two processes never lease the same core, and who comes too late gets none."""
    everything = os.sched_getaffinity(0)
    first, cores = start(len(everything), tmp_path)
    second, nothing = start(1, tmp_path)
    end(first)
    end(second)
    assert cores == everything
    assert nothing == set()


@on_linux
def test_lease_ends_with_its_process(tmp_path):
    """A process that was killed holds no core."""
    first, cores = start(1, tmp_path)
    first.kill()
    first.communicate()
    second, again = start(1, tmp_path)
    end(second)
    assert cores == again
    assert len(cores) == 1


@on_linux
def test_too_many_cores_are_not_leased_in_part(tmp_path):
    """Who asks for more cores than there are gets none, and takes none from others."""
    first, nothing = start(10_000, tmp_path)
    second, cores = start(1, tmp_path)
    end(first)
    end(second)
    assert nothing == set()
    assert len(cores) == 1
