"""Answering in numpy: every policy says what torch says, and no library for training is needed."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mincache import Scenario
from mincache.generation.suites import find, find_instance
from mincache.learning import inference, policies, set_inference
from mincache.learning.acting import load, network_of
from mincache.learning.agents import SetView, SlotView, view_of
from mincache.learning.networks import Actor, draw_weights
from mincache.learning.set_networks import SetActor, SlotNetwork, actor_of
from mincache.learning.slot_sets import ACTION_NUMBERS
from mincache.views.agent_view import AgentView
from mincache.views.episodes import Episodes

ROOT = Path(__file__).parents[2]
PUBLISHED = sorted([
    *ROOT.glob("solvers/policies/*.safetensors"), *ROOT.glob("leaderboard/**/*.safetensors"),
])  # fmt: skip
PROBLEMS = {
    policies.problem_digest(instance): instance for instance in find("paper-v1") if instance.name[-2:] == "t0"
}
ANY = find_instance("paper-v1.l2.n18.t1")


def torch_network(policy: policies.Policy, instance) -> torch.nn.Module:
    """The network of torch that a policy's weights are of, with these weights in float32."""
    if policy.card.solver == "set-policy":
        network = SlotNetwork(policy.card.parameters["width"], policy.card.parameters["blocks"])
    else:
        names = (version.partition("/")[0] for version in policy.card.versions)
        network = actor_of(view_of(*names), instance, policy.card.parameters["hidden"])
    network.load_state_dict({k: torch.from_numpy(v.astype(np.float32)) for k, v in policy.weights.items()})
    return network


def both(network: torch.nn.Module, ours, seen) -> list[tuple[np.ndarray, np.ndarray]]:
    """What both networks say of the same slots, part by part."""
    seen = seen if isinstance(seen, tuple) else (seen,)
    with torch.no_grad():
        theirs = network(*map(torch.from_numpy, seen))
    theirs = theirs if isinstance(theirs, tuple) else (theirs,)
    said = ours(*seen)
    said = said if isinstance(said, tuple) else (said,)
    return [(a, b.numpy()) for a, b in zip(said, theirs, strict=True)]


def test_there_are_policies():
    """Those of the board's rows and those that ship, for every problem of paper-v1."""
    assert len(PUBLISHED) > 80
    assert len(PROBLEMS) == 15


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_every_policy_says_what_torch_says(path):
    """Each score of each slot is within 1e-6 of torch's, relative to the largest."""
    policy = policies.read_policy(path)
    instance = PROBLEMS.get(policy.card.problem, ANY)
    ours, view = load(path, instance, SlotView() if policy.card.solver == "set-policy" else None)
    for said, theirs in both(torch_network(policy, instance), ours, view.apply(instance)):
        assert said.shape == theirs.shape
        assert np.abs(said - theirs).max() <= 1e-6 * max(1.0, np.abs(theirs).max())


@pytest.mark.parametrize("kind", ["plain", "sets", "slots"])
def test_weights_have_torchs_names_and_shapes(kind):
    """What is checked of a file is what the networks that are trained have, for any number of blocks."""
    if kind == "plain":
        network, shapes = Actor(7, 3, 5), inference.perceptron_shapes("layers", 7, 5, 5, 3)
    elif kind == "sets":
        network, shapes = SetActor(6), set_inference.set_shapes(6, 1, ACTION_NUMBERS)
    else:
        network, shapes = SlotNetwork(9, 12), set_inference.slot_shapes(9, 12)
    assert shapes == {name: tuple(weight.shape) for name, weight in network.state_dict().items()}


@pytest.mark.parametrize("blocks", [0, 1, 11])
def test_any_number_of_blocks_is_evaluated_in_order(blocks):
    """Eleven blocks come in the order of their numbers, and none is no block."""
    network = SlotNetwork(8, blocks)
    draw_weights(network, np.random.default_rng(3))
    ours = set_inference.slot_network({name: weight.numpy() for name, weight in network.state_dict().items()})
    for said, theirs in both(network, ours, SlotView().apply(ANY)):
        assert said == pytest.approx(theirs, rel=1e-5, abs=1e-6)


def test_what_is_trained_answers_as_it_will_from_its_file():
    """Networks in memory and in a file answer alike: a policy's weights alone say what they are."""
    scenario = Scenario(users=3, models=4, slots=5)
    instance = Episodes(scenario, scenario.library(1), seed=1).instance(0)
    for view in (AgentView(), SetView()):
        actor = actor_of(view, instance, 8)
        draw_weights(actor, np.random.default_rng(1))
        weights = {name: weight.numpy() for name, weight in actor.state_dict().items()}
        card = policies.PolicyCard(solver="x", parameters={}, problem="any", versions=view.versions, seed=0)
        network = network_of(policies.Policy(card, weights), view, instance)
        states = view.apply(instance)
        assert network(states) == pytest.approx(actor.act(states), rel=1e-5, abs=1e-6)


@pytest.fixture
def without_training(tmp_path):
    """Runs `mincache` where neither torch nor Gymnasium can be imported, in child processes either."""
    for name in ("torch", "gymnasium"):
        hidden = f"raise ModuleNotFoundError('No module named {name}', name='{name}')"
        (tmp_path / f"{name}.py").write_text(hidden)

    def run(*words: str, threads: int = 1) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mincache", *words]
        environment = os.environ | {"PYTHONPATH": str(tmp_path), "OPENBLAS_NUM_THREADS": str(threads)}
        environment.pop("OMP_NUM_THREADS", None)
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    return run


@pytest.mark.parametrize("spec", ["ddpg", "ddpg[variant=sets]", "set-policy"])
def test_answering_needs_no_library_for_training(spec, tmp_path, without_training):
    """Shipped policies answer without torch and Gymnasium, with the same bytes on any number of threads."""
    name, paths = "smoke-v1.l0.n10.t0", [tmp_path / "one.json", tmp_path / "two.json"]
    for threads, path in enumerate(paths, start=1):
        solved = without_training("solve", name, "--solver", spec, "-o", str(path), threads=threads)
        assert solved.returncode == 0, solved.stderr
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert without_training("score", name, str(paths[0])).returncode == 0


@pytest.mark.parametrize("solver", ["ddpg", "set-policy"])
def test_training_without_torch_says_what_to_install(solver, without_training):
    """One sentence with the command, and exit code 2."""
    words = (solver, "--suite", "smoke-v1", "--users", "10", "--library", "0")
    refused = without_training("train", *words)
    assert refused.returncode == 2
    assert "training needs torch, which is not installed: pip install 'mincache[ddpg]'" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_what_cannot_be_trained_is_refused_before_that(without_training):
    """A rule of thumb has no training, whatever is installed."""
    refused = without_training("train", "lru", "--suite", "smoke-v1")
    assert refused.returncode == 2
    assert "solver: must have train" in refused.stderr
    assert refused.stderr.count("\n") == 1
