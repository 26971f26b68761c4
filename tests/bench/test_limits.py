"""Limits: nonsense is refused, and so is what cannot be enforced."""

import os
import subprocess
import sys

import pytest
from bench_fixture import on_linux

from mincache.bench.limits import Limits, enforced, thread_variables
from mincache.errors import InputError


@pytest.mark.parametrize(
    "fields",
    [{"wall_s": 0.0}, {"wall_s": float("inf")}, {"cpu_s": -1.0}, {"memory_bytes": 0}, {"grace_s": -0.1},
     {"grace_s": float("nan")}, {"threads": 0}, {"startup_s": float("nan")}, {"evaluations": 2**53 + 1},
     {"threads": 10**30}, {"allow": ["/"]}, {"allow": ["network", "/run"]}],
    ids=str,
)  # fmt: skip
def test_nonsense_is_refused(fields):
    """Limits are positive and can be recorded; what is allowed leaves room for the run's own folder."""
    with pytest.raises(InputError):
        Limits(**fields)


@pytest.mark.parametrize("fields", [{"cpu_s": 1.0}, {"memory_bytes": 1 << 30}])
def test_unenforceable_limits_are_refused(monkeypatch, fields):
    """Where the system cannot hold a run to a limit, asking for it is refused."""
    monkeypatch.setattr(sys, "platform", "darwin")
    Limits(wall_s=1.0).check_enforceable()
    with pytest.raises(InputError, match=f"{next(iter(fields))}.*Linux"):
        Limits(**fields).check_enforceable()


def test_no_fork_is_refused(monkeypatch):
    """Without fork() nothing can be run, and the message says what to do."""
    monkeypatch.delattr(os, "fork")
    with pytest.raises(InputError, match="WSL"):
        Limits().check_enforceable()


def test_longest_bounds_every_stage():
    """The longest that a run can take is the sum of its stages."""
    assert Limits(wall_s=5.0, grace_s=1.0, startup_s=2.0).longest_s == 5.0 + 1.0 + 2.0 + 10.0 + 1.0
    assert Limits().longest_s == float("inf")


def test_thread_variables_name_the_libraries():
    """OpenMP, MKL and OpenBLAS are all told."""
    assert {"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"} <= thread_variables(3).keys()
    assert set(thread_variables(3).values()) == {"3"}


def test_enforcement_names_the_limits_that_are_set():
    """How a limit is enforced is told for those that are set, and wall time and threads always."""
    assert enforced(Limits(), pinned=False, grouped=False).keys() == {"wall_s", "threads"}
    all_of_them = enforced(Limits(cpu_s=1.0, memory_bytes=1), pinned=True, grouped=True)
    assert all_of_them.keys() == {"wall_s", "threads", "cpu_s", "memory_bytes"}
    assert all_of_them["memory_bytes"].startswith("cgroup v2")
    assert all_of_them["threads"].endswith("cores pinned")


LEASE = "from mincache.bench.limits import lease; print(*lease({})); input()"


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
