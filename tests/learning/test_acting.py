"""Loading a policy: once an instance, before `solve`, and anew when its file is another."""

import os
from dataclasses import replace

import pytest

from mincache import Run
from mincache.generation.scenario import Scenario
from mincache.learning import acting, policies, policy_loading
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
    monkeypatch.setattr(policy_loading, "read_policy", lambda p: reads.append(p) or policies.read_policy(p))
    assert solver.supports(instance) is None
    assert reads == [path]
    solver.solve(instance, Run.seeded(0))
    assert reads == [path]


def test_a_new_file_is_loaded_anew(path, trained):
    """Where the file has been replaced, the answer is the new policy's, and as good as loaded afresh."""
    instance = EPISODES.instance(0)
    first = acting.answer(*acting.load_once(path, instance), instance)
    policies.write_policy(path, trained[1])
    os.utime(path, ns=(1, 1))
    second = acting.answer(*acting.load_once(path, instance), instance)
    assert second == acting.answer(*acting.load(path, instance), instance)
    assert second != first


def test_a_card_is_read_without_its_weights(path, trained):
    """It is the card of the whole policy."""
    assert policies.read_card(path) == policies.read_policy(path).card == trained[0].card
