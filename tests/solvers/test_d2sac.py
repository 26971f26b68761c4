"""A diffusion actor over caches: its gain, its answers, its draws, and a toy learned to its optimum."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from mincache import InputError, Run, Scenario, evaluate
from mincache.exact import optimum
from mincache.learning import policies
from mincache.learning.checkpoint import Checkpoint
from mincache.solving import registry
from mincache.views.episodes import Episodes

TOY = Scenario(users=2, models=2, slots=10, size_gb=(3, 4), storage_gb=5)
COURSE = Episodes(TOY, TOY.library(5), seed=1)
HELD_OUT = replace(COURSE, purpose="validation").instance(0)
QUICK = "d2sac[episodes=200,hidden=32,batch=64,warmup=200,actor_rate=0.0005,updates=5]"
TINY = "d2sac[episodes=20,hidden=8,batch=8,warmup=50,updates=1]"


def test_a_toy_is_learned_to_its_optimum(tmp_path):
    """It ends within 0.3 % of the optimum, which no single cache does, and a file of it says the same."""
    costs = []
    policy = registry.make(QUICK).train(
        COURSE, lambda _, reward, answer: costs.append(evaluate(HELD_OUT, answer(HELD_OUT)).cost)
    )
    best = evaluate(HELD_OUT, optimum(HELD_OUT).solution).cost
    assert costs[0] > 1.05 * best
    assert costs[-1] < 1.003 * best
    policies.write_policy(path := tmp_path / "one.safetensors", policy)
    solver = registry.make(f"d2sac[policy={path}]")
    assert solver.supports(HELD_OUT) is None
    assert evaluate(HELD_OUT, solver.solve(HELD_OUT, Run.seeded(0))).cost == costs[-1]


def test_the_gain_is_the_mean_value_and_a_price_on_entropy():
    """An even choice between values of 1 and 3 has the mean 2 and log 2 nats; a certain one has none."""
    agent = registry.make("d2sac[entropy=0.1]").pupil(COURSE)
    even, sure = torch.full((1, 2), 0.5).log(), torch.tensor([[-1e3, 0.0]])
    values = torch.tensor([[1.0, 3.0]])
    assert agent.gain(even, values).item() == pytest.approx(2.0 + 0.1 * math.log(2.0))
    assert agent.gain(sure, values).item() == pytest.approx(3.0)


def test_answers_are_the_likeliest_caches_of_a_chain_without_noise():
    """NumPy answers what torch says where all noise is zero, whatever the storage holds."""
    learner = registry.make(TINY)
    agent = learner.pupil(COURSE)
    states = agent.view.apply(HELD_OUT)
    agent.actor.noise = lambda count, rng: torch.zeros(6, count, TOY.models)
    with torch.no_grad():
        log_policy = agent.log_policy(torch.as_tensor(states), np.random.default_rng(0))
    assert log_policy.exp().sum(dim=1).numpy() == pytest.approx(1.0)
    policy = policies.Policy(learner._card(COURSE, agent.view, ""), agent.weights())
    answered = learner.network(policy, agent.view, HELD_OUT)(states)
    assert (answered == 2.0 * agent.caches[log_policy.argmax(dim=1)] - 1.0).all()


def test_caches_are_drawn_evenly_at_first_and_then_from_the_policy():
    """While warming up every cache is as likely as another; later a policy that is certain is followed."""
    agent, rng = registry.make(TINY).pupil(COURSE), np.random.default_rng(1)
    states = np.repeat(agent.view.apply(HELD_OUT)[:1], 4000, axis=0)
    count = len(agent.caches)
    share = np.bincount(agent.drawn(states, rng), minlength=count) / 4000
    assert share == pytest.approx(1.0 / count, abs=0.04)
    agent.replay.add(states[:50], np.zeros((50, 1)), np.zeros(50), states[:50])
    chances = np.linspace(1.0, 2.0, count) / np.linspace(1.0, 2.0, count).sum()
    agent.log_policy = lambda states, rng: torch.as_tensor(np.log(chances)).expand(len(states), -1)
    share = np.bincount(agent.drawn(states, rng), minlength=count) / 4000
    assert share == pytest.approx(chances, abs=0.04)


def test_a_training_goes_on_from_a_checkpoint(tmp_path):
    """It gives the policy that it would have given without a break."""
    learner, whole = registry.make(TINY), registry.make(TINY).train(COURSE)
    path = tmp_path / "kept.checkpoint"

    def stop(episode, reward, answer):
        if episode == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learner.train(COURSE, stop, checkpoint=Checkpoint(path, {}, every=1))
    kept = Checkpoint(path, {}, every=1)
    assert kept.episodes == 10
    again = learner.train(COURSE, checkpoint=kept)
    assert all((again.weights[name] == weight).all() for name, weight in whole.weights.items())


def test_too_many_caches_are_refused():
    """Thirteen small models that all fit are more than 4,096 caches, which is a line."""
    wide = TOY.with_values({"models": 13, "storage_gb": 100.0})
    with pytest.raises(InputError, match="library: must have at most 4096 caches"):
        registry.make(TINY).train(Episodes(wide, wide.library(5), seed=1))
