"""Process trees: seen whole, measured, and ended whole."""

import os
import signal
import subprocess
import sys
import time

import pytest
from bench_fixture import on_linux

from mincache.bench import processes

ONE_CHILD = """
import os, subprocess, sys
from mincache.bench import processes

child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
assert processes.descendants(os.getpid()) == [child.pid]
assert processes.any_child()
child.kill()
child.wait()
assert not processes.any_child()
"""
SLEEP = "import time; time.sleep(600)"
NESTED = f"import subprocess,sys; subprocess.run([sys.executable,'-c','{SLEEP}'])"
# Becomes a subreaper, starts a tree whose middle dies, ends all of it, and prints what is left.
END_ALL = """
import os, signal, subprocess, sys, time
from mincache.bench import processes
processes.become_subreaper()
leader = os.fork()
if leader == 0:
    os.setsid()
    for ignore in (False, True):
        if os.fork() == 0:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if os.fork() == 0:
                time.sleep(600)
            os._exit(0)
    time.sleep(600)
while len(processes.descendants(os.getpid())) < 3:
    time.sleep(0.01)
time.sleep(0.05)
ended = list(processes.end_all(leader))
print(len(ended), processes.descendants(os.getpid()))
"""


def wait_until(condition):
    """Wait for something that will be so."""
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("it never came to be so")


@on_linux
def test_descendants_are_seen_at_any_depth():
    """A grandchild in a session of its own is a descendant."""
    child = subprocess.Popen([sys.executable, "-c", NESTED], start_new_session=True)
    wait_until(lambda: len(processes.descendants(os.getpid())) >= 2)
    found = processes.descendants(os.getpid())
    processes.signal_group(child.pid, signal.SIGKILL)
    for pid in found:
        os.kill(pid, signal.SIGKILL) if pid != child.pid else None
    child.wait()
    assert child.pid in found
    wait_until(lambda: processes.usage(found).memory_bytes == 0)


@on_linux
def test_a_child_is_seen_until_it_is_waited_for():
    """A child is a descendant, and there is none once it has been waited for."""
    done = subprocess.run([sys.executable, "-c", ONE_CHILD], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@on_linux
def test_orphans_are_ended_too():
    """Processes that have lost their parents and left the session are ended with the rest."""
    done = subprocess.run([sys.executable, "-c", END_ALL], capture_output=True, text=True, timeout=60)
    count, left = done.stdout.split(maxsplit=1)
    assert int(count) >= 3, done.stderr
    assert left.strip() == "[]"


@on_linux
def test_usage_sees_memory_and_time():
    """A process that holds 50 MB and computes uses so much, and an ended one nothing."""
    code = "kept = bytearray(b'x') * 50_000_000\nwhile True: pass"
    child = subprocess.Popen([sys.executable, "-c", code])
    wait_until(lambda: processes.usage([child.pid]).cpu_s > 0.1)
    wait_until(lambda: processes.usage([child.pid]).memory_bytes > 50_000_000)
    assert processes.memory_bytes([child.pid], 0) > 50_000_000
    child.kill()
    child.wait()
    assert processes.usage([child.pid]) == (0, 0.0)
    assert processes.memory_bytes([child.pid], 0) == 0


def test_signal_to_nobody_is_no_error():
    """A group that is gone cannot be signalled, which is fine."""
    child = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    child.wait()
    processes.signal_group(child.pid, signal.SIGKILL)


def test_file_sizes(tmp_path):
    """The files below a folder are counted at any depth; links are not followed."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a").write_bytes(os.urandom(100_000))
    (tmp_path / "link").symlink_to("/usr")
    assert 100_000 <= sum(processes.file_sizes(str(tmp_path))) < 200_000
    assert list(processes.file_sizes(str(tmp_path / "none"))) == []


def test_folders_of_any_depth_are_counted_and_removed(tmp_path):
    """2,100 nested folders, deeper than a path can say, raise nothing and leave nothing."""
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(2100):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    assert len(list(processes.file_sizes(str(tmp_path)))) > 1000
    processes.remove(str(tmp_path))
    assert not tmp_path.exists()
