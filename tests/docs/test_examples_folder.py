"""The examples work as their texts say."""

import contextlib
import importlib.util
import io
import re
import runpy
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from command_fixture import here

from mincache.cli.generate import generate
from mincache.generation.sweeps import read_scenario
from mincache.solving.conformance import check_solver

EXAMPLES = Path(__file__).parents[2] / "examples"
needs_stable_baselines = pytest.mark.skipif(
    importlib.util.find_spec("stable_baselines3") is None, reason="stable-baselines3 is not installed"
)
needs_scikit_learn = pytest.mark.skipif(
    importlib.util.find_spec("sklearn") is None, reason="scikit-learn is not installed"
)


def run(command, cwd):
    """Run a command line of an example's text beside it."""
    program, *words = shlex.split(command)
    if program == "python":
        return in_this_process(words, cwd)
    assert program == "mincache"
    done = here(*words, cwd=cwd)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def in_this_process(words, cwd):
    """Run a script where its libraries are loaded already, since loading takes most of the time."""
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.chdir(cwd)
        patch.syspath_prepend(cwd)
        patch.setattr(sys, "argv", words)
        runpy.run_path(words[0], run_name="__main__")
    return printed.getvalue()


def commands(name):
    """Return the command lines in the text of an example."""
    text = (EXAMPLES / name).read_text().split('"""')[1]
    return re.findall(r"^((?:python|mincache) .+)$", text, re.MULTILINE)


@pytest.mark.parametrize(
    "spec",
    [
        "cloud_only.py:CloudOnly",
        "own_heuristic.py:ToggleSearch",
        "scipy_evolution.py:ScipyEvolution[generations=2]",
    ],
)
def test_the_solvers_keep_the_contract(spec):
    """Each example passes every check, on every instance."""
    assert {check.outcome for check in check_solver(f"{EXAMPLES / spec}")} == {"passed"}


def test_a_solver_takes_at_most_12_lines():
    """The smallest example is as small as is said."""
    lines = (EXAMPLES / "cloud_only.py").read_text().splitlines()
    assert len([line for line in lines if line.strip()]) <= 12


def test_the_own_heuristic_is_compared(tmp_path):
    """The comparison has a line a solver, the exact one at the optimum, and the commands of its text work."""
    shutil.copy(EXAMPLES / "own_heuristic.py", tmp_path)
    first, *others = commands("own_heuristic.py")
    lines = run(first, tmp_path).splitlines()
    gap = {line[:18].strip(): float(re.search(r"mean +(\S+)%", line)[1]) for line in lines}
    assert gap["decomposition"] == 0.0
    assert 0.0 < gap["own heuristic"] < gap["popular-first"] < gap["cloud-only"]
    assert len(others) == 2
    for command in others:
        run(command, tmp_path)


def test_a_black_box_optimiser_searches(tmp_path):
    """SciPy's differential evolution ends near the optimum, not below it, and its campaign works."""
    shutil.copy(EXAMPLES / "scipy_evolution.py", tmp_path)
    alone, campaign, table = commands("scipy_evolution.py")
    gap = {line.split()[0]: float(line.split()[1].rstrip("%")) for line in run(alone, tmp_path).splitlines()}
    assert gap["decomposition"] == 0.0
    assert 0.0 < gap["scipy"] < 5.0
    campaign = campaign.replace("ScipyEvolution", "ScipyEvolution[generations=1]").replace("--seeds 2", "")
    assert run(campaign, tmp_path).splitlines()[-1].endswith(": 4 verified")
    assert "scipy_evolution.py" in run(table, tmp_path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder in which the example of Stable-Baselines3 was trained for a moment."""
    folder = tmp_path_factory.mktemp("trained")
    shutil.copy(EXAMPLES / "stable_baselines.py", folder)
    run(f"{commands('stable_baselines.py')[0]} --steps 1000", folder)
    return folder


@needs_stable_baselines
def test_a_policy_of_an_outside_library_takes_part(trained):
    """It answers the instances that it is for and declines the others."""
    outcomes = run(commands("stable_baselines.py")[1], trained).splitlines()[-1]
    assert outcomes.endswith(": 3 skipped, 1 verified")
    check_solver(f"{trained / 'stable_baselines.py'}:Ppo[policies={trained / 'policies'}]")


@needs_stable_baselines
def test_the_same_seed_trains_the_same_policy(trained):
    """Training draws on its seed alone: the same bytes twice."""
    run("python stable_baselines.py --steps 1000 -o again.safetensors", trained)
    (first,) = (trained / "policies").iterdir()
    assert first.read_bytes() == (trained / "again.safetensors").read_bytes()


@pytest.mark.parametrize("file", sorted((EXAMPLES / "scenarios").glob("*.toml")), ids=lambda file: file.stem)
def test_each_scenario_is_drawn_and_solved(file, tmp_path):
    """Each scenario draws instances as its recipe says; the exact method proves the first one's optimum."""
    run(f"mincache generate {file} --libraries 2 --seed 3 -o {file.stem}", tmp_path)
    run(f"mincache instances verify {file.stem}", tmp_path)
    first = next(iter(sorted((tmp_path / file.stem).glob("*.json"))))
    told = run(f"mincache solve {first} --solver decomposition --time-limit 60 --json -o a.json", tmp_path)
    assert '"optimal"' in told


@pytest.mark.parametrize("file", sorted((EXAMPLES / "scenarios").glob("*.toml")), ids=lambda file: file.stem)
def test_each_scenario_is_pictured(file, tmp_path):
    """A preview shows the sizes that the file asks for and the requests by model, and draws a picture."""
    told = CliRunner().invoke(generate, [str(file), "--preview", "--picture", str(tmp_path / "a.svg")])
    assert told.exit_code == 0, told.output
    scenario = read_scenario(file)
    assert f"T={scenario.slots}, N={scenario.users}, M={scenario.models}" in told.stdout
    assert ("requests in the log" in told.stdout) == (file.stem == "request-log")
    drawn = (tmp_path / "a.svg").read_text()
    assert "channel gain (dB)" in drawn
    assert [one.name for one in tmp_path.iterdir()] == ["a.svg"]


def test_there_are_ten_scenarios():
    """Ten settings that a researcher may want are there to begin with."""
    assert len(list((EXAMPLES / "scenarios").glob("*.toml"))) == 10


@needs_scikit_learn
def test_a_selector_is_learned_and_takes_part(tmp_path):
    """Learned on a few draws, it lies on others between the virtual best and the single best solver."""
    shutil.copy(EXAMPLES / "selector.py", tmp_path)
    learn, campaign, table = commands("selector.py")
    told = run(learn.replace(" 300", " 20"), tmp_path)
    mean = {name.strip(): float(cost) for name, cost in re.findall(r"^(.+) mean cost (\S+)", told, re.M)}
    assert mean["virtual best"] <= mean["selector"] < mean["single best"]
    assert len((tmp_path / "selector.csv").read_text().splitlines()) == 21
    solvers = ("lru", "popular-first", "selector.py:Selector")
    assert sorted(run(campaign, tmp_path).splitlines()[-3:]) == [f"{one}: 4 verified" for one in solvers]
    assert "virtual best" in run(table, tmp_path)
