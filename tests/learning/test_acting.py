"""From a policy file to a solution: loaded once before `solve`; whatever it holds, a network or one line."""

import os
from dataclasses import replace

import numpy as np
import pytest

from mincache import InputError, Run
from mincache.generation.scenario import Scenario
from mincache.generation.suites import find_instance
from mincache.learning import acting, policies
from mincache.solving import registry
from mincache.views.episodes import Episodes

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
    monkeypatch.setattr(acting, "read_policy", lambda p: reads.append(p) or policies.read_policy(p))
    assert solver.supports(instance) is None
    assert reads == [path]
    solver.solve(instance, Run.seeded(0))
    assert reads == [path]


def test_a_new_file_is_loaded_anew(path, trained, tmp_path):
    """Where the file has been replaced, the answer is the new policy's, as from a file never read before."""
    instance = EPISODES.instance(0)
    first = acting.answer(*acting.load(path, instance), instance)
    policies.write_policy(path, trained[1])
    os.utime(path, ns=(1, 1))
    second = acting.answer(*acting.load(path, instance), instance)
    policies.write_policy(tmp_path / "fresh.safetensors", trained[1])
    assert second == acting.answer(*acting.load(tmp_path / "fresh.safetensors", instance), instance)
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
