"""From a policy file to a solution: what a trained actor does, without anything of its training."""

from __future__ import annotations

from pathlib import Path

import torch

from mincache.errors import InputError
from mincache.instance import Instance
from mincache.learning.networks import Actor
from mincache.learning.policies import read_policy
from mincache.learning.safefile import refusing
from mincache.quantity import Array
from mincache.solution import Solution
from mincache.views import actions, observations
from mincache.views.environment import AgentView


def load(path: Path, instance: Instance) -> tuple[Actor, AgentView]:
    """Return the actor and the view in a policy file, for instances like this one.

    Raises:
        DocumentError: if it is no policy, its weights have other names or shapes than such an actor's, or
            it was trained for another version of an observation or action.
    """
    policy = read_policy(path)
    with refusing(path):
        view = AgentView(*(version.partition("/")[0] for version in policy.card.versions))
        if policy.card.versions != view.versions:
            rule = f"must be for {' and '.join(view.versions)}"
            raise InputError("versions", rule, " and ".join(policy.card.versions), "train it again")
        state_size = observations.OBSERVATIONS[view.observation].size(instance)
        hidden = len(policy.weights.get("layers.0.bias", ())) or 1
        actor = Actor(state_size, actions.size(instance), hidden)
        policy.check_shapes({name: tuple(weight.shape) for name, weight in actor.state_dict().items()})
    actor.load_state_dict({name: torch.from_numpy(weight) for name, weight in policy.weights.items()})
    return actor, view


@torch.no_grad()
def act(actor: Actor, states: Array) -> Array:
    """Return the actor's raw actions in (-1, 1), float32 [B, M + 2N], in states [B, state]."""
    device = next(actor.parameters()).device
    raw: Array = actor(torch.as_tensor(states, device=device)).cpu().numpy()
    return raw


def answer(actor: Actor, view: AgentView, instance: Instance) -> Solution:
    """Return the actor's solution of an instance."""
    return Solution.of(instance, view.invert(instance, act(actor, view.apply(instance))))
