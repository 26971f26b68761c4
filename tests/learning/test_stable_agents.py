"""Algorithms of Stable-Baselines3 as solvers: they learn a toy, and answer in numpy."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from mincache import InputError, Run, Scenario, evaluate
from mincache.errors import MissingExtraError
from mincache.exact import optimum
from mincache.learning import policies
from mincache.learning.checkpoint import Checkpoint
from mincache.learning.draws import Draws
from mincache.solving import registry
from mincache.views.episodes import Episodes

pytest.importorskip("stable_baselines3")

TOY = Scenario(users=2, models=2, slots=10, size_gb=(3, 4), storage_gb=5)
COURSE = Episodes(TOY, TOY.library(5), seed=1)
HELD_OUT = replace(COURSE, purpose="validation").instance(0)
QUICK = {
    "ppo": "ppo[episodes=200]",
    "sac": "sac[episodes=150,hidden=32,batch=64,warmup=200,updates=4,rate=0.001]",
}
QUICKER = {
    "ppo": "ppo[episodes=100]",
    "sac": "sac[episodes=60,hidden=32,batch=64,warmup=200,updates=4,rate=0.001]",
    "td3": "td3[episodes=60,hidden=32,batch=64,warmup=200,updates=4]",
}


def gap(answer):
    """How far above the optimum an answer to the held-out trace is, as a fraction."""
    best = evaluate(HELD_OUT, optimum(HELD_OUT).solution).cost
    return evaluate(HELD_OUT, answer(HELD_OUT)).cost / best - 1.0


@pytest.mark.parametrize("name", QUICK)
def test_a_toy_is_learned_to_its_optimum(name, tmp_path):
    """Two users, room for one of two models: the answer ends within 3 %, from a file too."""
    gaps, learner = [], registry.make(QUICK[name])
    policy = learner.train(COURSE, lambda episode, reward, answer: gaps.append(gap(answer)))
    assert gaps[-1] < 0.03
    policies.write_policy(path := tmp_path / "one.safetensors", policy)
    solver = registry.make(f"{name}[policy={path}]")
    assert solver.supports(HELD_OUT) is None
    assert gap(lambda instance: solver.solve(instance, Run.seeded(0))) == gaps[-1]


@pytest.mark.parametrize("name", QUICKER)
def test_an_agent_learns_to_place_its_cache_before_it_sees_the_slot(name, tmp_path):
    """One model of three is always asked for and one fits: every later slot has it, by the past alone."""
    scenario = Scenario(
        users=2, models=3, slots=10, size_gb=(4, 4), storage_gb=5, skewness_states=(9.0, 9.0, 9.0)
    )
    course = Episodes(scenario, scenario.library(5), seed=1)
    learner = registry.make(f"{QUICKER[name][:-1]},action=cache-scores]")
    policies.write_policy(path := tmp_path / "one.safetensors", learner.train(course))
    solver, held_out = registry.make(f"{name}[action=cache-scores,policy={path}]"), course.instance(500)
    assert solver.information == "past"
    placed = solver.solve(held_out, Run.seeded(0)).cache
    wanted = np.bincount(held_out.trace.requested_model.ravel(), minlength=3).argmax()
    assert (placed[1:].argmax(axis=1) == wanted).all()
    assert placed[1:].sum() == 9
    declined = registry.make(f"{name}[policy={path}]").supports(held_out)
    assert declined.endswith("is for information past, the parameters for trace")


@pytest.mark.parametrize("spec", ["ppo[episodes=20]", "td3[episodes=20,warmup=100]"])
def test_the_same_training_gives_the_same_policy(spec, tmp_path):
    """A seed decides every weight; nothing is kept to go on from, so an interrupted one begins anew."""
    learner = registry.make(spec)
    kept = Checkpoint(tmp_path / "kept.checkpoint", {}, every=1)
    first, again = (learner.train(COURSE, checkpoint=kept) for _ in range(2))
    other = learner.train(replace(COURSE, seed=2))
    assert all((again.weights[name] == weight).all() for name, weight in first.weights.items())
    assert any((other.weights[name] != weight).any() for name, weight in first.weights.items())
    assert not kept.path.exists()


def test_what_cannot_be_trained_is_refused(monkeypatch):
    """Draws of many problems, an unknown way to act, and a missing library are a line each."""
    with pytest.raises(InputError, match="course: must be episodes of one library"):
        registry.make("sac").train(Draws(TOY))
    with pytest.raises(InputError, match=r"sac.warmup: must be below 100.*nothing would be learned"):
        registry.make("sac[episodes=10]").train(COURSE)
    with pytest.raises(InputError, match="action: must be one of"):
        registry.make("ppo[action=banana]")
    monkeypatch.setitem(sys.modules, "stable_baselines3", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mincache\[sb3\]'"):
        registry.make("ppo").train(COURSE)
