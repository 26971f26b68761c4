"""Answering in numpy, without torch: from a policy file to its network, and from a network to a solution.

The networks are those of `mincache.learning.networks`, and their weights have the same names.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from mincache.errors import InputError, in_file
from mincache.files.paths import file_stamp
from mincache.learning import slot_sets
from mincache.learning.policies import Policy, read_policy
from mincache.learning.slot_sets import FEATURES, SCORED_SERVICE, Scores, SetView, SlotView, view_of
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.revealed import ShownSlot, Site
from mincache.problem.solution import Solution
from mincache.solving.contract import RAW_DIGITS, Run
from mincache.solving.online import OnlinePolicy, OnlineSolver, play_on
from mincache.views import observations, vector
from mincache.views.agent_view import AgentView
from mincache.views.past_view import PastView

AnyView = AgentView | SlotView
Weights = Mapping[str, Array]
Shapes = dict[str, tuple[int, ...]]
Network = Callable[..., Any]
"""A function from what a view's `apply` returns to what its `invert` takes, for all slots at once."""
_FIRST_BIASES = ("layers.0.bias", "models.embed.0.bias")  # as long as a layer has units


def load(path: Path, view: AnyView | None = None) -> tuple[Policy, AnyView]:
    """Return the policy in a file and its view, kept for the next call while the file is the same.

    Without a view, it is the one that the card names; a policy for another version of either is refused.
    """
    return _kept(path, file_stamp(path), view)


@lru_cache(maxsize=16)
def _kept(path: Path, stamp: tuple[int, int] | None, view: AnyView | None) -> tuple[Policy, AnyView]:
    policy = read_policy(path)
    with in_file(path):
        if view is None:
            view = view_of(*(version.partition("/")[0] for version in policy.card.versions))
        if isinstance(view, SetView) and policy.card.versions[1] == SCORED_SERVICE:
            users = "users.0.bias" in policy.weights
            view = SlotView(view.candidates) if users else replace(view, decoder=SCORED_SERVICE)
        if policy.card.versions != view.versions:
            rule, received = f"must be for {' and '.join(view.versions)}", " and ".join(policy.card.versions)
            hint = "name the parameters that it was trained with, or train it again"
            raise InputError("versions", rule, received, hint)
    return policy, view


def network_of(policy: Policy, view: AnyView, instance: Instance) -> Network:
    """Return the network of a policy, of the size that its weights seem to be of; others are refused."""
    weights = policy.weights
    units = max(1, next((weights[name].size for name in _FIRST_BIASES if name in weights), 1))
    if isinstance(view, SlotView):
        shapes, kind = slot_shapes(units, _blocks(weights)), slot_network
    elif isinstance(view, SetView):
        shapes, kind = set_shapes(units, _blocks(weights), slot_sets.ACTION_NUMBERS), set_actor
    else:
        state, action = view.sizes(instance)
        shapes, kind = perceptron_shapes("layers", state, units, units, action), actor
    policy.check_shapes(shapes)
    return kind({name: weight.astype(np.float32, copy=False) for name, weight in weights.items()})


class PlacingPolicy(OnlinePolicy):
    """What a network of the view of the past does at a site: it scores models for each cache."""

    def __init__(self, site: Site, view: PastView, network: Network) -> None:
        super().__init__(site)
        self._view, self._network, self._blank = view, network, site.blank
        self._past, self._slot = view.blank(1, site.model_count), 0

    def place(self) -> Array:
        """Return the cache of the best scores."""
        linked = observations.memory(self.site.rules, self.cached[None], np.array([self._slot]))
        raw = self._network(np.concatenate([self._past, linked], axis=1))
        return np.asarray(self._view.cache(self._blank, raw)[0])

    def observe(self, slot: ShownSlot) -> None:
        """Learn what the slot's users asked for."""
        told = self._view.told(slot.requests(self.site.model_count)[None])
        self._past, self._slot = self._view.later(self._past, told), slot.number + 1


def answer(network: Network, view: AnyView, instance: Instance, run: Run | None = None) -> Solution:
    """Return the network's solution of an instance, and tell `run` what it was before its repair."""
    if isinstance(view, PastView):
        return play_on(instance, PlacingPolicy(Site.of(instance), view, network), view.information)
    if isinstance(view, SlotView):
        scores = Scores(*(score.astype(np.float64) for score in network(*view.apply(instance))))
        return Solution.of(instance, view.invert(instance, scores))
    raw = network(view.apply(instance))
    if run is not None and view.action in vector.REPAIRS:  # scores of models alone are no decisions
        run.report_raw(vector.unrepaired(instance, vector.unit_cube(raw)).compact(RAW_DIGITS))
    return Solution.unchecked(instance, view.invert(instance, raw))


class NetworkSolver(OnlineSolver):
    """A solver that answers with a network: slot by slot if its view is one of the past, else all at once."""

    kind: ClassVar[str] = "learned"
    information: ClassVar[Literal["trace", "slot", "past"]] = "trace"  # type: ignore[assignment]  # of any level
    rules: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def trained(self, instance: Instance, run: Run) -> tuple[Network, AnyView]:
        """Return the network that a run of an instance has, and its view, which is as `information` says."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return what the network says."""
        return answer(*self.trained(instance, run), instance, run)

    def begin(self, site: Site, run: Run) -> OnlinePolicy:
        """Return the policy for a site, at its first slot."""
        network, view = self.trained(site.blank, run)
        assert isinstance(view, PastView)  # as `information` says
        return PlacingPolicy(site, view, network)

    def declines(self, site: Site) -> str | None:
        """Return None, or why no policy is for this site; those that are get loaded now."""
        return self.supports(site.blank)


def actor(weights: Weights) -> Network:
    """Return the policy pi that maps states [B, state] to raw actions [B, action] in (-1, 1)."""
    layers = perceptron(weights, "layers")
    return lambda states: np.tanh(layers(states))


def perceptron(
    weights: Weights, name: str, activation: Callable[[Array], Array] | None = None
) -> Callable[[Array], Array]:
    """Return the perceptron whose weights have this name, with ReLU, or another one, between its layers."""
    *hidden, (last_weight, last_bias) = _layers(weights, name)
    between = activation or _relu

    def forward(values: Array) -> Array:
        for weight, bias in hidden:
            values = values @ weight
            values += bias
            values = between(values)
        values = values @ last_weight
        values += last_bias
        return values

    return forward


def set_actor(weights: Weights) -> Network:
    """Return the policy pi on sets: from states [B, M (FEATURES + 1)] to raw actions [B, 2 M] in (-1, 1)."""
    models = _set_network(weights)

    def act(states: Array) -> Array:
        seen = states.reshape(len(states), -1, slot_sets.STATE_NUMBERS)
        scores = models(seen[..., :FEATURES], seen[..., FEATURES]).astype(
            np.float64
        )  # where tanh tells more apart
        return np.tanh(scores.swapaxes(1, 2).reshape(len(states), slot_sets.ACTION_NUMBERS * seen.shape[1]))

    return act


def slot_network(weights: Weights) -> Network:
    """Return what maps features, requests and users of slots to the four parts of `slot_sets.Scores`."""
    models, user_layers = _set_network(weights), perceptron(weights, "users")

    def score(features: Array, requested: Array, users: Array) -> tuple[Array, ...]:
        return *np.moveaxis(models(features, requested), -1, 0), user_layers(users)[..., 0]

    return score


def _set_network(weights: Weights) -> Callable[[Array, Array], Array]:
    """Return what maps models [T, M, FEATURES], requested or not [T, M], to their scores [T, M, any]."""
    embed, head = perceptron(weights, "models.embed"), perceptron(weights, "models.head")
    blocks = [_layers(weights, f"models.blocks.{block}") for block in range(_blocks(weights))]

    def forward(features: Array, requested: Array) -> Array:
        T, M, _ = features.shape
        mask = requested.reshape(T * M, 1).astype(features.dtype)
        requests = np.maximum(mask.reshape(T, M).sum(axis=1), 1.0)[:, None]
        h = _relu(embed(features.reshape(T * M, -1))) * mask
        for (weight, bias), (last_weight, last_bias) in blocks:
            units = h.shape[1]
            models = h.reshape(T, M, units)
            pooled = np.concatenate([models.sum(axis=1) / requests, models.max(axis=1)], axis=1)
            shared = pooled @ weight[units:] + bias
            hidden = _relu(h @ weight[:units] + np.repeat(shared, M, axis=0))
            h = _relu(h + hidden @ last_weight + last_bias) * mask
        return head(h).reshape(T, M, -1)

    return forward


def perceptron_shapes(name: str, *sizes: int) -> Shapes:
    """Return the weights of a perceptron with layers of these sizes, by name."""
    shapes: Shapes = {}
    for layer, (inputs, outputs) in enumerate(pairwise(sizes)):
        # Torch counts the ReLU after each layer too.
        shapes |= {f"{name}.{2 * layer}.weight": (outputs, inputs), f"{name}.{2 * layer}.bias": (outputs,)}
    return shapes


def set_shapes(units: int, blocks: int, outputs: int) -> Shapes:
    """Return the weights of a network on sets of models, by name."""
    shapes = perceptron_shapes("models.embed", FEATURES, units, units)
    for block in range(blocks):
        shapes |= perceptron_shapes(f"models.blocks.{block}", 3 * units, units, units)
    return shapes | perceptron_shapes("models.head", units, units, outputs)


def slot_shapes(units: int, blocks: int) -> Shapes:
    """Return the weights of a network that scores models and users, by name."""
    users = perceptron_shapes("users", slot_sets.USER_FEATURES, max(1, units // 4), 1)
    return set_shapes(units, blocks, outputs=3) | users


def _blocks(weights: Weights) -> int:
    return len({name.split(".")[2] for name in weights if name.startswith("models.blocks.")})


def _layers(weights: Weights, name: str) -> list[tuple[Array, Array]]:
    """Return the layers of the perceptron of this name: weights [inputs, outputs] and biases."""
    count = sum(key.startswith(f"{name}.") for key in weights) // 2
    return [
        (np.ascontiguousarray(weights[f"{name}.{2 * i}.weight"].T), weights[f"{name}.{2 * i}.bias"])
        for i in range(count)
    ]


def _relu(values: Array) -> Array:
    """Return the values with 0 for those below it, in their own memory."""
    return np.maximum(values, 0.0, out=values)
