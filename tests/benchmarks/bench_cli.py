"""The start of the command line against the import of the libraries that it cannot do without."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

PAIRS = 15


def seconds(*arguments: str) -> float:
    """Return the wall seconds of a Python process with these arguments."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def test_help_against_its_libraries(benchmark):
    """`mincache --help` takes less than twice as long as importing click and rich."""
    ours, theirs = ("-m", "mincache.cli.main", "--help"), ("-c", "import click, rich")
    benchmark.pedantic(seconds, ours, rounds=PAIRS, warmup_rounds=1)
    ratio = statistics.median(seconds(*ours) / seconds(*theirs) for _ in range(PAIRS))
    benchmark.extra_info["ratio"] = ratio
    print(f"\nmincache --help takes {ratio:.2f} times as long as importing click and rich")
    assert ratio < 2.0
