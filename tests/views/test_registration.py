"""Gymnasium knows the environment, in whatever order it and mincache are imported."""

import subprocess
import sys

import pytest

MAKE = "e = gymnasium.make('{}mincache/EdgeCaching-v0', users=3); assert e.action_space.shape == (16,)"


@pytest.mark.parametrize(
    "imports",
    ["import gymnasium", "import gymnasium, mincache", "import mincache; import gymnasium"],
)
@pytest.mark.parametrize("prefix", ["mincache:", ""])
def test_gymnasium_makes_it_by_name(imports, prefix):
    """With the module before the name, and without it once mincache is imported."""
    if not prefix and "mincache" not in imports:
        imports += ", mincache"
    code = f"{imports}\n{MAKE.format(prefix)}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_gymnasium_is_loaded_as_ever():
    """Its module has the loader that Python would give it, and importing mincache loads none of it."""
    code = (
        "import mincache, sys; assert 'gymnasium' not in sys.modules; import gymnasium as g;"
        "assert {type(one).__name__ for one in (g.__spec__.loader, g.__loader__)} == {'SourceFileLoader'}"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
