"""Replay memory: the last transitions, each as likely as any other."""

import numpy as np
import torch
from scipy.stats import chisquare

from mincache.learning.replay import Replay, Transitions


def rows(*numbers: float) -> Transitions:
    """Transitions that carry a number each in every part."""
    column = torch.tensor(numbers)[:, None]
    return Transitions(column, column, column[:, 0], column + 0.5)


def test_draws_are_uniform_over_what_is_kept():
    """Each of the kept transitions is drawn equally often, within what chance allows."""
    replay = Replay(50, 1, 1)
    replay.add(*rows(*range(40)))
    drawn = replay.sample(40_000, np.random.default_rng(0)).reward.numpy().astype(int)
    assert chisquare(np.bincount(drawn, minlength=40)).pvalue > 1e-3


def test_the_oldest_are_overwritten():
    """When the memory is full the new take the place of the oldest, also across its end."""
    replay = Replay(4, 1, 1)
    for batch in ((0, 1, 2), (3, 4, 5)):
        replay.add(*rows(*batch))
    assert len(replay) == 4
    assert set(replay.sample(100, np.random.default_rng(0)).reward.tolist()) == {2, 3, 4, 5}


def test_parts_stay_together():
    """A drawn transition is one that was added, not a mixture."""
    replay = Replay(30, 1, 1)
    replay.add(*rows(*range(30)))
    state, action, reward, next_state = replay.sample(64, np.random.default_rng(1))
    assert torch.equal(state, action)
    assert torch.equal(state[:, 0], reward)
    assert torch.equal(next_state, state + 0.5)


def test_what_is_drawn_is_decided_by_the_generator():
    """The same generator draws the same transitions."""
    replay = Replay(30, 1, 1)
    replay.add(*rows(*range(30)))
    first, second = (replay.sample(9, np.random.default_rng(2)) for _ in range(2))
    assert torch.equal(first.reward, second.reward)


def test_the_reward_scale_is_fixed_once():
    """From the first call on, rewards are drawn standardised by those that were kept then."""
    replay = Replay(30, 1, 1)
    replay.add(*rows(*range(10)))
    replay.fix_reward_scale()
    replay.add(*rows(*range(100, 110)))
    replay.fix_reward_scale()
    state, _, reward, _ = replay.sample(64, np.random.default_rng(0))
    mean, deviation = np.arange(10).mean(), np.arange(10).std()
    assert np.allclose(reward, (state[:, 0] - mean) / deviation)
