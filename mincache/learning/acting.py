"""From a policy file to a solution: what a trained actor does, without anything of its training."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch

from mincache.errors import in_file
from mincache.learning.kinds import actor_of, view_of
from mincache.learning.networks import Actor
from mincache.learning.policies import Policy, read_card
from mincache.learning.policy_loading import check_versions, load_network, units
from mincache.learning.set_agents import SetActor, SetView
from mincache.learning.threads import one_thread
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Solution
from mincache.solving.contract import RAW_DIGITS, Run
from mincache.views import actions
from mincache.views.environment import AgentView

AnyActor = Actor | SetActor
_FIRST_BIASES = ("layers.0.bias", "models.embed.0.bias")  # as long as a layer has units


def load(path: Path, instance: Instance) -> tuple[AnyActor, AgentView]:
    """Return the actor and the view in a policy file, for instances like this one.

    Raises:
        DocumentError: if it is no policy, its weights have other names or shapes than such an actor's, or
            it was trained for another version of an observation or action.
    """
    with in_file(path):
        view = view_of(*(version.partition("/")[0] for version in read_card(path).versions))

    def build(policy: Policy) -> AnyActor:
        check_versions(policy, view.versions)
        hidden = units(policy, *_FIRST_BIASES)
        return SetActor(hidden) if isinstance(view, SetView) else actor_of(view, instance, hidden)

    return load_network(path, build), view


def load_once(path: Path, instance: Instance) -> tuple[AnyActor, AgentView]:
    """Return what `load` does, kept for the next call with this instance while the file stays the same.

    A solver's `supports` calls it first, so that loading is not on the clock of its `solve`.
    """
    status = path.stat()
    return _kept(path, (status.st_mtime_ns, status.st_size), instance)


@lru_cache(maxsize=4)
def _kept(path: Path, stamp: tuple[int, int], instance: Instance) -> tuple[AnyActor, AgentView]:
    return load(path, instance)


@torch.no_grad()
def act(actor: AnyActor, states: Array) -> Array:
    """Return the actor's raw actions in (-1, 1), float32 [B, action], in states [B, state]."""
    device = next(actor.parameters()).device
    raw: Array = actor(torch.as_tensor(states, device=device)).cpu().numpy()
    return raw


@one_thread()
def answer(actor: AnyActor, view: AgentView, instance: Instance, run: Run | None = None) -> Solution:
    """Return the actor's solution of an instance, and tell `run` what it was before its repair."""
    raw = act(actor, view.apply(instance))
    if run is not None and not isinstance(view, SetView):  # scores of models alone are no decisions
        run.report_raw(actions.unrepaired(instance, raw).compact(RAW_DIGITS))
    return Solution.of(instance, view.invert(instance, raw))
