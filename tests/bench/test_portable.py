"""The bench can be imported, and refuses politely, where the system has none of what it needs."""

import subprocess
import sys
from pathlib import Path

import mincache.bench

CODE = """
import os, signal, subprocess, sys
import click, numpy.random, rich.progress, zoneinfo  # they are not what is tried here
from pydantic import BaseModel
for name in ("fcntl", "resource"):
    sys.modules[name] = None
for name in ("fork", "setsid", "wait4", "waitid", "killpg", "getuid", "sched_getaffinity"):
    delattr(os, name)
for name in ("SIGKILL", "SIGSTOP", "pthread_sigmask"):
    delattr(signal, name)
sys.platform = "win32"
from importlib import import_module
for name in {modules}:
    import_module(name)
from mincache.bench import limits
from mincache.judging import machine
assert limits.lease(1) == set()
assert machine.machine()["cores"]
sys.argv = ["mincache", "run", "smoke-v1", "--solver", "cloud-only", "-o", "nowhere"]
import_module("mincache.cli.main").main()
"""
BENCH = Path(mincache.bench.__file__).parent
OPTIONAL = {"cluster"}  # needs Dask
MODULES = [f"mincache.bench.{path.stem}" for path in BENCH.glob("[a-z]*.py") if path.stem not in OPTIONAL]


def test_windows_is_told_in_one_line():
    """Without fork, fcntl and resource all imports work, and running a solver is refused in one line."""
    code = CODE.replace("{modules}", repr(MODULES))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: system: must have fork() to run solvers; received win32")
    assert done.stderr.count("\n") == 1
