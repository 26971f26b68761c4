"""Two timescales: targets of both, frames that keep their cache, and a toy learned to its optimum."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mincache import Run, Scenario, evaluate
from mincache.exact import optimum
from mincache.learning import policies
from mincache.learning.replay import Transitions
from mincache.solving import registry
from mincache.views.episodes import Episodes

TOY = Scenario(users=2, models=2, slots=10, size_gb=(3, 4), storage_gb=5)
COURSE = Episodes(TOY, TOY.library(5), seed=1)
FRAMED = replace(COURSE, scenario=TOY.with_values({"frame_slots": 3}))
QUICK = "t2drl[episodes=200,hidden=32,batch=64,warmup=200,updates=4,actor_rate=0.001]"
TINY = "t2drl[episodes=20,hidden=8,batch=8,warmup=50,discount=0.9]"


def test_a_toy_is_learned_to_its_optimum(tmp_path):
    """The trained answer is within 3 % of the exact optimum, and a file of the policy says the same."""
    held_out, costs = replace(COURSE, purpose="validation").instance(0), []
    policy = registry.make(QUICK).train(
        COURSE, lambda _, reward, answer: costs.append(evaluate(held_out, answer(held_out)).cost)
    )
    best = evaluate(held_out, optimum(held_out).solution).cost
    assert costs[0] > 1.05 * best
    assert costs[-1] < 1.03 * best
    policies.write_policy(path := tmp_path / "one.safetensors", policy)
    solver = registry.make(f"t2drl[policy={path}]")
    assert evaluate(held_out, solver.solve(held_out, Run.seeded(0))).cost == costs[-1]


def test_frames_are_kept(tmp_path):
    """A policy for frames of three slots answers with one cache a frame, within every limit."""
    policies.write_policy(path := tmp_path / "one.safetensors", registry.make(TINY).train(FRAMED))
    held_out = replace(FRAMED, purpose="validation").instance(0)
    solver = registry.make(f"t2drl[policy={path}]")
    assert solver.supports(held_out) is None
    solution = solver.solve(held_out, Run.seeded(0))
    assert evaluate(held_out, solution).feasible
    starts = np.arange(TOY.slots) // 3 * 3
    assert (solution.cache == solution.cache[starts]).all()


def test_learning_waits_for_the_first_frame():
    """A warm-up that ends within the first frame leaves the network for caching without an example."""
    quick = registry.make(TINY.replace("warmup=50", "warmup=1"))
    assert quick.train(FRAMED).card.parameters["warmup"] == 1


def test_targets_of_caching_are_those_of_double_learning():
    """The online network chooses the next cache, the target network says what it is worth."""
    agent = registry.make(TINY).pupil(COURSE)
    rng = np.random.default_rng(3)
    sizes = ((4, agent.seen), (4, agent.models), 4, (4, agent.seen))
    batch = Transitions(*(torch.from_numpy(rng.normal(size=size).astype(np.float32)) for size in sizes))
    for parameter in agent.targets.parameters():
        parameter.data.mul_(-1.0)  # so that the two networks disagree on which is best
    found = agent.frame_targets(batch)
    online, target = agent.caching(batch.next_state), agent.targets[0](batch.next_state)
    for b in range(4):
        worth = target[b, int(online[b].argmax())]
        assert found[b].item() == pytest.approx((batch.reward[b] + 0.9 * worth).item(), rel=1e-5)
    assert (target.max(dim=1).values != target.gather(1, online.argmax(1, keepdim=True))[:, 0]).any()


def test_memories_hold_slots_with_the_next_cache_and_frames_with_their_mean():
    """Of each episode there are T slots and a transition a frame, the last one shorter."""
    agent = registry.make(TINY).pupil(FRAMED)
    played = []
    keep = agent.keep
    agent.keep = lambda *step: (played.append(step), keep(*step))
    agent.learn(0)
    K, T, M = 10, TOY.slots, agent.models
    assert len(agent.replay) == K * T
    assert len(agent.frames) == K * 4
    caches = np.stack([raw[:, :M] for _, raw, *_ in played])
    for first in range(0, T, 3):
        assert (caches[first : first + 3] == caches[first]).all()
    kept = agent.replay.state_dict()
    following = np.concatenate([caches[1:], caches[-1:]]).reshape(-1, M)
    assert (kept["next_state"][:, agent.seen :].numpy() == following).all()
    rewards = np.stack([rewards for _, _, rewards, *_ in played])
    means = [rewards[first : first + 3].mean(axis=0) for first in range(0, T, 3)]
    assert agent.frames.state_dict()["reward"].numpy() == pytest.approx(np.concatenate(means), rel=1e-5)
