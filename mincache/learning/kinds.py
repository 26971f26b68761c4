"""Two kinds of agents: the plain one, with numbers for each user, and the one that sees sets of models."""

from __future__ import annotations

import numpy as np

from mincache.learning.networks import Actor, Critic, initialise
from mincache.learning.set_agents import SetActor, SetCritic, SetVectorEnv, SetView
from mincache.learning.set_networks import draw_weights
from mincache.problem.instance import Instance
from mincache.views.environment import AgentView, EdgeCachingVectorEnv
from mincache.views.episodes import Episodes

SET_FRACTION = 4
"""An agent on sets has this fraction of the units in a layer, since every model passes through them."""


def view_of(observation: str, action: str) -> AgentView:
    """Return the view with these names.

    Raises:
        InputError: if there is none.
    """
    on_sets = SetView()
    return (
        on_sets
        if (observation, action) == (on_sets.observation, on_sets.action)
        else AgentView(observation, action)
    )


def environment(view: AgentView, source: Episodes, count: int) -> EdgeCachingVectorEnv:
    """Return `count` copies of the environment as an agent with this view sees it."""
    if isinstance(view, SetView):
        return SetVectorEnv(source, count)
    return EdgeCachingVectorEnv(source, count, view.observation, view.action)


def sizes(view: AgentView, problem: Instance) -> tuple[int, int]:
    """Return how many numbers a state and an action have."""
    (state_size,), (action_size,) = view.observation_space(problem).shape, view.action_space(problem).shape
    return state_size, action_size


def actor_of(view: AgentView, problem: Instance, hidden: int) -> Actor | SetActor:
    """Return an actor for instances like this one."""
    return (
        SetActor(max(1, hidden // SET_FRACTION))
        if isinstance(view, SetView)
        else Actor(*sizes(view, problem), hidden)
    )


def critic_of(view: AgentView, problem: Instance, hidden: int, matched: bool) -> Critic | SetCritic:
    """Return a critic for instances like this one."""
    if isinstance(view, SetView):
        return SetCritic(max(1, hidden // SET_FRACTION))
    N, M = problem.user_count, problem.model_count
    return Critic(sizes(view, problem)[0], N, M, hidden, matched)


def draw(network: Actor | Critic | SetActor | SetCritic, rng: np.random.Generator) -> None:
    """Draw the first weights of a network from `rng` alone."""
    if isinstance(network, Actor | Critic):
        initialise(network, rng)
    else:
        draw_weights(network, rng)
