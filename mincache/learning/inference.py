"""Answering in numpy, without torch: from a policy file to its network, and from a network to a solution.

The networks are those of `mincache.learning.networks`, and their weights have the same names.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from mincache.errors import InputError, in_file
from mincache.files.paths import kept_while_same
from mincache.learning.layers import perceptron, perceptron_shapes
from mincache.learning.policies import Policy, read_policy
from mincache.learning.scored_service import SlotView, view_by_age
from mincache.learning.slot_sets import SetView, view_of
from mincache.problem.instance import Instance
from mincache.problem.revealed import Site
from mincache.problem.solution import Solution
from mincache.solving.contract import RAW_DIGITS, Run, Solver
from mincache.solving.online import OnlinePolicy, OnlineSolver, play_on
from mincache.views import vector
from mincache.views.agent_view import AgentView
from mincache.views.past_view import PastView, PlacingPolicy

AnyView = AgentView | SlotView
Network = Callable[..., Any]
"""A function from what a view's `apply` returns to what its `invert` takes, for all slots at once."""


@kept_while_same(files=16)
def load(path: Path, view: AnyView | None = None) -> tuple[Policy, AnyView]:
    """Return the policy in a file and its view, kept for the next call while the file is the same.

    Without a view, it is the one that the card names; a policy for another version of either is refused.
    """
    policy = read_policy(path)
    with in_file(path):
        if view is None:
            view = view_of(*(version.partition("/")[0] for version in policy.card.versions))
        if isinstance(view, SetView):
            view = view_by_age(view, policy)
        if policy.card.versions != view.versions:
            rule, received = f"must be for {' and '.join(view.versions)}", " and ".join(policy.card.versions)
            hint = "name the parameters that it was trained with, or train it again"
            raise InputError("versions", rule, received, hint)
    return policy, view


def network_of(policy: Policy, view: AnyView, instance: Instance) -> Network:
    """Return the network of a policy, of the size that its weights seem to be of; others are refused."""
    weights = {name: weight.astype(np.float32, copy=False) for name, weight in policy.weights.items()}
    if isinstance(view, SetView | SlotView):
        policy.check_shapes(view.shapes(weights))
        return view.network(weights)
    state, action = view.sizes(instance)
    units = np.size(weights.get("layers.0.bias", 0)) or 1
    policy.check_shapes(perceptron_shapes("layers", state, units, units, action))
    layers = perceptron(weights, "layers")
    return lambda states: np.tanh(layers(states))  # the policy pi, from states to actions in (-1, 1)


def answer(network: Network, view: AnyView, instance: Instance, run: Run | None = None) -> Solution:
    """Return the network's solution of an instance, and tell `run` what it was before its repair."""
    if isinstance(view, PastView):
        return play_on(instance, PlacingPolicy(Site.of(instance), view, network), view.information)
    if isinstance(view, SlotView):
        return Solution.of(instance, view.invert(instance, network(*view.apply(instance))))
    raw = network(view.apply(instance))
    if run is not None and view.action in vector.REPAIRS:  # scores of models alone are no decisions
        run.report_raw(vector.unrepaired(instance, vector.unit_cube(raw)).compact(RAW_DIGITS))
    return Solution.unchecked(instance, view.invert(instance, raw))


class NetworkSolver(OnlineSolver):
    """A solver that answers with policies: slot by slot if its view is one of the past, else all at once."""

    title: ClassVar[str] = "solver"  # in messages, and on the cards of policies
    kind: ClassVar[str] = "learned"
    information: ClassVar[Literal["trace", "slot", "past"]] = "trace"  # type: ignore[assignment]  # of any level
    rules: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def find(self, instance: Instance, repetition: int = 0) -> Path | str:
        """Return the policy for this instance that a repetition has, or why there is none."""

    @property
    def view(self) -> AnyView | None:
        """How its networks see slots and say what to do; None for what a policy's card names."""
        return None

    def network(self, policy: Policy, view: AnyView, instance: Instance) -> Network:
        """Return the network of a policy, whose weights are checked."""
        return network_of(policy, view, instance)

    def supports(self, instance: Instance) -> str | None:
        """Return None, or why no policy at hand is for this instance; those that are get loaded now."""
        return self._prepare(instance, instance)

    def declines(self, site: Site) -> str | None:
        """Return None, or why no policy is for this site; those that are get loaded now."""
        return self._prepare(site, site.blank)

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return what the network says."""
        return answer(*self._ready(instance, instance, run.repetition), instance, run)

    def begin(self, site: Site, run: Run) -> OnlinePolicy:
        """Return the policy for a site, at its first slot."""
        network, view = self._ready(site, site.blank, run.repetition)
        assert isinstance(view, PastView)  # as `information` says
        return PlacingPolicy(site, view, network)

    def _prepare(self, asked: Instance | Site, instance: Instance) -> str | None:
        """Load what answers, so that a run's clock is of answering alone; or return why nothing does."""
        loaded = []
        for repetition in range(self.training_seeds()):
            found = Solver.supports(self, instance) or self.find(instance, repetition)
            if isinstance(found, str):
                return found
            policy, view = load(found, self.view)
            with in_file(found):
                loaded.append((self.network(policy, view, instance), view))
        vars(self)["prepared"] = asked, loaded
        return None

    def _ready(self, asked: Instance | Site, instance: Instance, repetition: int) -> tuple[Network, AnyView]:
        """Return the network that a repetition has for what is asked, and its view."""
        if vars(self).get("prepared", (None,))[0] is not asked and (why := self._prepare(asked, instance)):
            raise InputError("instance", "must be one that a policy is for", instance.name, why)
        loaded: list[tuple[Network, AnyView]] = vars(self)["prepared"][1]
        return loaded[repetition % len(loaded)]

    def __getstate__(self) -> dict[str, Any]:  # networks are functions, which no other process can be sent
        return {name: value for name, value in vars(self).items() if name != "prepared"}
