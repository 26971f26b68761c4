"""Answering in numpy: every policy says what torch says, and no library for training is needed."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mincache import InputError, Run, Scenario
from mincache.generation.suites import find, find_instance
from mincache.learning import inference, policies, scored_service
from mincache.learning.inference import answer, load, network_of
from mincache.learning.layers import perceptron_shapes
from mincache.learning.networks import Actor, draw_weights, perceptron
from mincache.learning.set_networks import SetActor, SetNetwork, actor_of
from mincache.learning.slot_sets import SetView, set_shapes, view_of
from mincache.solving import registry
from mincache.views.agent_view import AgentView
from mincache.views.episodes import Episodes

ROOT = Path(__file__).parents[2]
PUBLISHED = sorted(
    path
    for folder in ("solvers/policies", "leaderboard/**")
    for path in ROOT.glob(f"{folder}/*.safetensors")
    if policies.read_card(path).solver in ("ddpg", "set-policy")  # others hold networks of their own
)
PROBLEMS = {
    policies.problem_digest(instance): instance for instance in find("paper-v1") if instance.name[-2:] == "t0"
}
ANY = find_instance("paper-v1.l2.n18.t1")


class SlotNetwork(torch.nn.Module):
    """The network of the published policies of `set-policy` that score service too."""

    def __init__(self, width: int, blocks: int):
        super().__init__()
        self.models = SetNetwork(width, blocks, outputs=3)
        self.users = perceptron(scored_service.USER_FEATURES, max(1, width // 4), 1)

    def forward(self, features, requested, users):
        """Return three scores of models, and one of users."""
        return *self.models(features, requested).unbind(dim=-1), self.users(users).squeeze(-1)


def torch_network(policy: policies.Policy, instance) -> torch.nn.Module:
    """The network of torch that a policy's weights are of, with these weights in float32."""
    if policy.card.solver == "set-policy":
        kind = SlotNetwork if policy.card.versions[1] == scored_service.SCORED_SERVICE else SetActor
        network = kind(policy.card.parameters["width"], policy.card.parameters["blocks"])
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
    assert len(PUBLISHED) > 40
    assert len(PROBLEMS) == 15


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_every_policy_says_what_torch_says(path):
    """Each score of each slot is within 2e-6 of torch's, relative to the largest."""
    policy = policies.read_policy(path)
    instance = PROBLEMS.get(policy.card.problem, ANY)
    kept, view = load(path)
    ours = network_of(kept, view, instance)
    for said, theirs in both(torch_network(policy, instance), ours, view.apply(instance)):
        assert said.shape == theirs.shape
        assert np.abs(said - theirs).max() <= 2e-6 * max(1.0, np.abs(theirs).max())


@pytest.mark.parametrize("kind", ["plain", "sets", "slots"])
def test_weights_have_torchs_names_and_shapes(kind):
    """What is checked of a file is what the networks that are trained have, for any number of blocks."""
    if kind == "plain":
        network, shapes = Actor(7, 3, 5), perceptron_shapes("layers", 7, 5, 5, 3)
    elif kind == "sets":
        network, shapes = SetActor(6), set_shapes(6, 1)
    else:
        network, shapes = SlotNetwork(9, 12), scored_service.slot_shapes(9, 12)
    assert shapes == {name: tuple(weight.shape) for name, weight in network.state_dict().items()}


@pytest.mark.parametrize("blocks", [0, 1, 11])
def test_any_number_of_blocks_is_evaluated_in_order(blocks):
    """Eleven blocks come in the order of their numbers, and none is no block."""
    network = SlotNetwork(8, blocks)
    draw_weights(network, np.random.default_rng(3))
    weights = {name: weight.numpy() for name, weight in network.state_dict().items()}
    ours = scored_service.slot_network(weights)
    for said, theirs in both(network, ours, scored_service.SlotView().apply(ANY)):
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


@pytest.mark.parametrize("spec", ["ddpg", "set-policy"])
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
    assert "solver: must be a PolicyLearner" in refused.stderr
    assert refused.stderr.count("\n") == 1


TOY = Scenario(users=2, models=2, slots=4)
EPISODES = Episodes(TOY, TOY.library(5), seed=1)
SOLVER = "ddpg[episodes=10,hidden=8,warmup=10,updates=1,batch=8]"


@pytest.fixture(scope="module")
def trained():
    """Two policies of the same training but for its seed."""
    return [registry.make(SOLVER).train(replace(EPISODES, seed=seed)) for seed in (1, 2)]


@pytest.fixture
def path(trained, tmp_path):
    """The file of the first."""
    policies.write_policy(tmp_path / "p.safetensors", trained[0])
    return tmp_path / "p.safetensors"


def test_it_is_loaded_before_solve(path, monkeypatch):
    """`supports` loads the policy, and `solve` reads no weights any more."""
    solver, instance = registry.make(f"ddpg[policy={path}]"), EPISODES.instance(0)
    reads = []
    monkeypatch.setattr(inference, "read_policy", lambda p: reads.append(p) or policies.read_policy(p))
    assert solver.supports(instance) is None
    assert reads == [path]
    solver.solve(instance, Run.seeded(0))
    assert reads == [path]


def answered(path, instance):
    """What the policy in a file says."""
    policy, view = load(path)
    return answer(network_of(policy, view, instance), view, instance)


def test_a_new_file_is_loaded_anew(path, trained, tmp_path):
    """Where the file has been replaced, the answer is the new policy's, as from a file never read before."""
    instance = EPISODES.instance(0)
    first = answered(path, instance)
    policies.write_policy(path, trained[1])
    os.utime(path, ns=(1, 1))
    second = answered(path, instance)
    policies.write_policy(tmp_path / "fresh.safetensors", trained[1])
    assert second == answered(tmp_path / "fresh.safetensors", instance)
    assert second != first


def test_a_card_is_read_without_its_weights(path, trained):
    """It is the card of the whole policy."""
    assert policies.read_card(path) == policies.read_policy(path).card == trained[0].card


INSTANCE = find_instance("smoke-v1.l0.n10.t0")
FIRST = {
    "ddpg": "layers.0.bias",
    "ddpg[variant=sets]": "models.embed.0.bias",
    "set-policy": "models.embed.0.bias",
}


@pytest.fixture(params=FIRST)
def spec(request):
    """A solver whose policies ship."""
    return request.param


def changed(spec, tmp_path, name, weight):
    """Return the solver with its shipped policy, in which one weight is another, or none."""
    solver = registry.make(spec)
    policy = policies.read_policy(solver.find(INSTANCE))
    weights = {k: v for k, v in policy.weights.items() if k != name}
    path = tmp_path / "p.safetensors"
    policies.write_policy(
        path, policies.Policy(policy.card, weights if weight is None else weights | {name: weight})
    )
    name, _, given = spec.rstrip("]").partition("[")
    return registry.make(f"{name}[policy={path}{',' if given else ''}{given}]"), path


@pytest.mark.parametrize(
    "weight",
    [
        np.float32(1.0).reshape(()),
        np.zeros(3_000_000, dtype=np.float16),
        np.zeros((0,), dtype=np.float32),
        np.zeros((3, 3), dtype=np.float32),
        None,
    ],
    ids=["a number", "huge", "empty", "a matrix", "missing"],
)
def test_weights_of_another_shape_are_one_line(spec, tmp_path, weight):
    """No network is laid out in memory before all shapes are right, however large the file's is."""
    solver, path = changed(spec, tmp_path, FIRST[spec], weight)
    with pytest.raises(InputError, match=r"must (have shape|not be there)") as refusal:
        solver.solve(INSTANCE, Run.seeded(0))
    assert str(refusal.value).startswith(f"{path}: weights.")


def test_float16_weights_answer_in_float32(spec, tmp_path):
    """Weights that are rounded by float16 anyway answer the same, in either precision of the file."""
    solver = registry.make(spec)
    policy = policies.read_policy(solver.find(INSTANCE))
    weight = policy.weights[FIRST[spec]]
    other, _ = changed(spec, tmp_path, FIRST[spec], weight.astype(np.float16).astype(np.float32))
    halved, _ = changed(spec, tmp_path, FIRST[spec], weight.astype(np.float16))
    assert other.solve(INSTANCE, Run.seeded(0)) == halved.solve(INSTANCE, Run.seeded(0))
