"""Agents on sets: they fit their environment, and refuse what they could not learn or do."""

import numpy as np
import pytest

from mincache.errors import InputError
from mincache.generation.scenario import Scenario
from mincache.learning.agents import SetView
from mincache.learning.networks import draw_weights
from mincache.learning.set_networks import SetActor
from mincache.views.environment import EdgeCachingVectorEnv
from mincache.views.episodes import Episodes


def test_an_agent_on_sets_fits_its_environment():
    """States and actions lie in the environment's boxes, for an actor that never heard of N and M."""
    scenario = Scenario(users=3, models=4, slots=3)
    env = EdgeCachingVectorEnv(Episodes(scenario, scenario.library(1), seed=1), 2, view=SetView())
    actor = SetActor(8)
    draw_weights(actor, np.random.default_rng(1))
    states, _ = env.reset()
    assert env.observation_space.contains(states)
    raw = actor.act(states)
    assert env.action_space.contains(raw)
    _, rewards, _, truncated, _ = env.step(raw)
    assert (rewards < 0).all()
    assert not truncated.any()


def test_malformed_actions_are_refused():
    """An action of another shape, or with a nan, is one line."""
    scenario = Scenario(users=3, models=4, slots=2)
    instance = scenario.instance("one", scenario.library(1), scenario.trace(1, "one"))
    with pytest.raises(ValueError, match=r"action: must have shape \[2, 8\]"):
        SetView().invert(instance, np.zeros((2, 10)))
    with pytest.raises(ValueError, match="action: must be finite"):
        SetView().invert(instance, np.full((2, 8), np.nan))


def test_linked_slots_are_refused():
    """An agent on sets does not see what is cached already, so it is not trained where that counts."""
    scenario = Scenario(slots=4, users=3, models=4, loading_s_per_gb=1.0)
    with pytest.raises(InputError, match="must not link slots"):
        EdgeCachingVectorEnv(Episodes(scenario, scenario.library(1), seed=1), view=SetView())
