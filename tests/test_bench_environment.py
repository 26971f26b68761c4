"""The environment that a record carries."""

import json
import platform

import numpy as np

import mincache
from mincache.bench.environment import enforced, machine, reference_s
from mincache.bench.limits import Limits


def test_machine_names_what_matters():
    """Versions, processor, memory and the reference time are there, as JSON values."""
    found = machine()
    assert found["versions"]["python"] == platform.python_version()
    assert found["versions"]["numpy"] == np.__version__
    assert found["versions"]["mincache"] == mincache.__version__
    assert found["memory_bytes"] > 1 << 28
    assert found["cores"] >= 1
    assert {"commit", "dirty", "cpu", "system"} <= found.keys()
    assert json.loads(json.dumps(found)) == found


def test_reference_is_a_time():
    """The reference solve takes a measurable time."""
    assert 1e-5 < reference_s(rounds=1) < 60


def test_enforcement_names_the_limits_that_are_set():
    """How a limit is enforced is told for those that are set, and wall time and threads always."""
    assert enforced(Limits()).keys() == {"wall_s", "threads"}
    assert enforced(Limits(cpu_s=1.0, memory_bytes=1)).keys() == {
        "wall_s",
        "threads",
        "cpu_s",
        "memory_bytes",
    }
