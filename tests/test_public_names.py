"""What `import mincache` alone offers: found by completion, with examples that run."""

import doctest
import inspect
import subprocess
import sys

import pytest

import mincache

FUNCTIONS = [name for name in mincache.__all__ if inspect.isfunction(getattr(mincache, name))]
METHODS = [
    "Instance.plot", "Instance.to_xarray", "Solution.plot", "Solution.to_xarray", "Suite.to_pandas",
]  # fmt: skip


def test_dir_lists_the_public_names_alone():
    """Completion in a fresh process offers every public name and nothing else."""
    code = "import mincache; assert sorted(mincache.__all__) == dir(mincache)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_misspelt_name_is_told_the_nearest():
    """As on the command line."""
    with pytest.raises(AttributeError, match="'evalute'; did you mean 'evaluate'"):
        mincache.evalute  # noqa: B018  # looking it up is the test
    with pytest.raises(AttributeError, match="'xyzzy'; see dir"):
        mincache.xyzzy  # noqa: B018


@pytest.mark.parametrize("name", FUNCTIONS + METHODS)
def test_the_example_of_each_function_runs(name, tmp_path, monkeypatch):
    """Each has an example in its docstring, which gives what it says."""
    monkeypatch.chdir(tmp_path)
    thing = mincache
    for part in name.split("."):
        thing = getattr(thing, part)
    example = doctest.DocTestParser().get_doctest(inspect.getdoc(thing), {}, name, None, None)
    assert example.examples
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(example)
    assert runner.failures == 0
