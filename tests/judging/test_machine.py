"""The environment that a record carries."""

import json
import platform

import numpy as np

import mincache
from mincache.judging.machine import machine, reference_s


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
    assert 1e-5 < reference_s() < 60
