"""Settings that every test shares."""

from __future__ import annotations

import os
from pathlib import Path

# One thread a process: before numpy is imported anywhere.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

# ruff: noqa: E402  # for the same reason
import pytest
from hypothesis import HealthCheck, Phase, settings

from mincache import Instance, Solution, read_instance, read_solution

# The same examples every time, and no time limit: a slow machine is no failure.
settings.register_profile(
    "mincache",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
# For `mutants.py`, which asks whether a test fails, not what the simplest example is.
settings.register_profile(
    "mutants",
    parent=settings.get_profile("mincache"),
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
)
settings.load_profile("mincache")

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def golden_folder() -> Path:
    """The folder of an ordinary golden case."""
    return GOLDEN / "score" / "case-1-plain"


@pytest.fixture
def instance(golden_folder: Path) -> Instance:
    """An ordinary instance."""
    return read_instance(golden_folder / "instance.json")


@pytest.fixture
def solution(golden_folder: Path) -> Solution:
    """A feasible solution of `instance`."""
    return read_solution(golden_folder / "solution.json")
