"""From a policy file to a solution: what a trained network does, without anything of its training."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
from torch import nn

from mincache.errors import InputError, in_file
from mincache.learning.agents import SetView, SlotView, actor_of, view_of
from mincache.learning.compute import one_thread
from mincache.learning.networks import SetActor, SlotNetwork
from mincache.learning.policies import Policy, read_policy
from mincache.learning.slot_sets import Scores
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Solution
from mincache.solving.contract import RAW_DIGITS, Run
from mincache.views import actions
from mincache.views.environment import AgentView

AnyView = AgentView | SlotView
_FIRST_BIASES = ("layers.0.bias", "models.embed.0.bias")  # as long as a layer has units


def load(path: Path, instance: Instance, view: AnyView | None = None) -> tuple[nn.Module, AnyView]:
    """Return the network in a policy file and its view, kept for the next call while the file is the same.

    A solver's `supports` calls it first, so that loading is not on the clock of its `solve`.

    Args:
        path: the policy file.
        instance: what it will answer; some networks have the size of their instances.
        view: how the network sees slots and says what to do; None for the view that the policy's card names.

    Raises:
        DocumentError: if it is no policy, its weights have other names or shapes than such a network's, or
            it was trained for another version of what networks see or say.
    """
    status = path.stat()
    return _kept(path, (status.st_mtime_ns, status.st_size), instance, view)


@lru_cache(maxsize=4)
def _kept(
    path: Path, stamp: tuple[int, int], instance: Instance, view: AnyView | None
) -> tuple[nn.Module, AnyView]:
    policy = read_policy(path)
    with in_file(path):
        if view is None:
            view = view_of(*(version.partition("/")[0] for version in policy.card.versions))
        if policy.card.versions != view.versions:
            rule, received = f"must be for {' and '.join(view.versions)}", " and ".join(policy.card.versions)
            raise InputError("versions", rule, received, "train it again")
        with torch.device("meta"):  # nothing is laid out in memory before names and shapes are right
            network = _network_like(policy, view, instance)
        policy.check_shapes({name: tuple(weight.shape) for name, weight in network.state_dict().items()})
    weights = {name: torch.from_numpy(weight).float() for name, weight in policy.weights.items()}
    network.load_state_dict(weights, assign=True)
    return network, view


def _network_like(policy: Policy, view: AnyView, instance: Instance) -> nn.Module:
    """Return a network of the size that the weights seem to be of."""
    units = max(1, next((policy.weights[name].size for name in _FIRST_BIASES if name in policy.weights), 1))
    if isinstance(view, SlotView):
        blocks = {name.split(".")[2] for name in policy.weights if name.startswith("models.blocks.")}
        return SlotNetwork(units, len(blocks))
    return SetActor(units) if isinstance(view, SetView) else actor_of(view, instance, units)


@torch.no_grad()
def act(actor: nn.Module, states: Array) -> Array:
    """Return the actor's raw actions in (-1, 1), float32 [B, action], in states [B, state]."""
    device = next(actor.parameters()).device
    raw: Array = actor(torch.as_tensor(states, device=device)).cpu().numpy()
    return raw


@one_thread()
@torch.no_grad()
def answer(network: nn.Module, view: AnyView, instance: Instance, run: Run | None = None) -> Solution:
    """Return the network's solution of an instance, and tell `run` what it was before its repair."""
    if isinstance(view, SlotView):
        said = network(*map(torch.from_numpy, view.apply(instance)))
        scores = Scores(*(score.double().numpy() for score in said))
        return Solution.of(instance, view.invert(instance, scores))
    raw = act(network, view.apply(instance))
    if run is not None and not isinstance(view, SetView):  # scores of models alone are no decisions
        run.report_raw(actions.unrepaired(instance, raw).compact(RAW_DIGITS))
    return Solution.of(instance, view.invert(instance, raw))
