"""What a record says of where it was made: versions, machine, and the time of a reference solve."""

import os
import platform
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import mincache
from mincache.files.repository import own_checkout


@cache
def machine() -> dict[str, Any]:
    """Return the versions and the machine of this process."""
    config: Any = np.show_config(mode="dicts")
    blas, checkout = config["Build Dependencies"]["blas"], own_checkout()
    versions = {
        "mincache": mincache.__version__, "python": platform.python_version(), "numpy": np.__version__,
        "blas": f"{blas.get('name')} {blas.get('version')}",
    }  # fmt: skip
    return {
        "versions": versions,
        "commit": checkout and checkout.commit,
        "dirty": checkout and checkout.dirty,
        "system": f"{platform.system()} {platform.release()}",
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "memory_bytes": _memory_bytes(),
        "reference_s": reference_s(),
    }


def reference_s() -> float:
    """Return the least seconds of a few that a fixed computation takes: times scale with it.

    It prices 200 random candidates on a drawn instance of Table I: array arithmetic and interpreter, as in
    most solvers.
    """
    from mincache.generation.scenario import Scenario
    from mincache.generation.streams import Uniforms
    from mincache.problem.evaluation import evaluate_batch
    from mincache.problem.solution import Decisions

    scenario = Scenario()
    instance = scenario.instance("reference", scenario.library(0), scenario.trace(0, "reference"))
    T, N, M = instance.slot_count, instance.user_count, instance.model_count
    draw = Uniforms(0, "candidates").draw
    candidates = Decisions(draw(200, T, M) < 0.3, draw(200, T, N) / N, draw(200, T, N) / N)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        assert np.isfinite(evaluate_batch(instance, candidates).cost).all()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
