"""Networks on sets: order, padding and what nobody asks for mean nothing; agents built on them fit."""

import numpy as np
import pytest
import torch

from mincache.learning.networks import draw_weights
from mincache.learning.set_networks import SetCritic, SetNetwork
from mincache.learning.slot_sets import FEATURES

RNG = np.random.default_rng(0)
REQUESTED = torch.tensor([[True, True, False, True], [True, False, True, True]])


@pytest.fixture
def network():
    """A small network with weights of its own."""
    network = SetNetwork(8, 2, outputs=2).double()
    draw_weights(network, np.random.default_rng(1))
    return network


def normal(*shape: int) -> torch.Tensor:
    """Numbers of order one."""
    return torch.from_numpy(np.random.default_rng(2).normal(size=shape))


def test_models_may_come_in_any_order(network):
    """Renumbered models get the same scores, renumbered."""
    features, models = normal(2, 4, FEATURES), torch.tensor([2, 0, 3, 1])
    scores = network(features, REQUESTED)
    assert torch.allclose(scores[:, models], network(features[:, models], REQUESTED[:, models]), rtol=1e-12)


def test_what_nobody_asks_for_means_nothing(network):
    """Other features of models without requests, or more of them, change no score of the others."""
    features = normal(2, 4, FEATURES)
    changed = torch.where(REQUESTED[..., None], features, 7.0)
    padded = torch.cat([changed, normal(2, 3, FEATURES)], dim=1)
    wider = torch.cat([REQUESTED, torch.zeros(2, 3, dtype=torch.bool)], dim=1)
    ours, theirs = network(features, REQUESTED), network(padded, wider)
    assert torch.allclose(ours[REQUESTED], theirs[wider], rtol=1e-12)


def test_a_critic_adds_up_models_in_any_order():
    """The value of a state and an action does not turn on how models are numbered; actions do count."""
    critic = SetCritic(8).double()
    draw_weights(critic, np.random.default_rng(1))
    features, action = normal(2, 4, FEATURES), normal(2, 8).tanh()
    state = torch.cat([features, REQUESTED[..., None].double()], dim=-1)
    models = torch.tensor([2, 0, 3, 1])
    there = torch.cat([action[:, :4][:, models], action[:, 4:][:, models]], dim=1)
    value = critic(state.flatten(1), action)
    assert torch.allclose(value, critic(state[:, models].flatten(1), there), rtol=1e-12)
    assert not torch.allclose(value, critic(state.flatten(1), -action))
