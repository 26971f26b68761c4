"""From a policy file to a solution: what a trained network answers, without anything of its training."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from mincache.errors import InputError, in_file
from mincache.learning import inference, set_inference
from mincache.learning.agents import SetView, SlotView, view_of
from mincache.learning.inference import Network
from mincache.learning.policies import Policy, read_policy
from mincache.learning.slot_sets import ACTION_NUMBERS, Scores
from mincache.problem.instance import Instance
from mincache.problem.solution import Solution
from mincache.solving.contract import RAW_DIGITS, Run
from mincache.views import actions
from mincache.views.agent_view import AgentView

AnyView = AgentView | SlotView
_FIRST_BIASES = ("layers.0.bias", "models.embed.0.bias")  # as long as a layer has units


def load(path: Path, instance: Instance, view: AnyView | None = None) -> tuple[Network, AnyView]:
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


@lru_cache(maxsize=16)
def _kept(
    path: Path, stamp: tuple[int, int], instance: Instance, view: AnyView | None
) -> tuple[Network, AnyView]:
    policy = read_policy(path)
    with in_file(path):
        if view is None:
            view = view_of(*(version.partition("/")[0] for version in policy.card.versions))
        if policy.card.versions != view.versions:
            rule, received = f"must be for {' and '.join(view.versions)}", " and ".join(policy.card.versions)
            raise InputError("versions", rule, received, "train it again")
        return network_of(policy, view, instance), view


def network_of(policy: Policy, view: AnyView, instance: Instance) -> Network:
    """Return the network of a policy, of the size that its weights seem to be of.

    Raises:
        InputError: if a weight has another name or shape than such a network's.
    """
    weights = policy.weights
    units = max(1, next((weights[name].size for name in _FIRST_BIASES if name in weights), 1))
    if isinstance(view, SlotView):
        blocks = {name.split(".")[2] for name in weights if name.startswith("models.blocks.")}
        shapes, kind = set_inference.slot_shapes(units, len(blocks)), set_inference.slot_network
    elif isinstance(view, SetView):
        shapes, kind = set_inference.set_shapes(units, 1, ACTION_NUMBERS), set_inference.set_actor
    else:
        state, action = view.sizes(instance)
        shapes, kind = inference.perceptron_shapes("layers", state, units, units, action), inference.actor
    policy.check_shapes(shapes)
    return kind({name: weight.astype(np.float32) for name, weight in weights.items()})


def answer(network: Network, view: AnyView, instance: Instance, run: Run | None = None) -> Solution:
    """Return the network's solution of an instance, and tell `run` what it was before its repair."""
    if isinstance(view, SlotView):
        scores = Scores(*(score.astype(np.float64) for score in network(*view.apply(instance))))
        return Solution.of(instance, view.invert(instance, scores))
    raw = network(view.apply(instance))
    if run is not None and not isinstance(view, SetView):  # scores of models alone are no decisions
        run.report_raw(actions.unrepaired(instance, raw).compact(RAW_DIGITS))
    return Solution.of(instance, view.invert(instance, raw))
