"""Published policies of `score-order/1`, which score the service too; rows of the board rest on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mincache.learning.layers import Shapes, Weights, perceptron, perceptron_shapes
from mincache.learning.policies import Policy
from mincache.learning.slot_sets import (
    ACTION_NUMBERS,
    AGGREGATES,
    SetView,
    aggregates,
    bounded,
    cheapest,
    filled,
    set_network,
    set_shapes,
    set_size,
)
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import uplink_snr
from mincache.problem.solution import Decisions
from mincache.solving.feasible import serve
from mincache.views.agent_view import check_actions

SCORED_SERVICE = "score-order/1"
USER_FEATURES = 3  # numbers that describe a user in a slot, as far as bandwidth goes


@np.errstate(over="ignore", divide="ignore", invalid="ignore")
def user_features(instance: Instance) -> Array:
    """Return what each user's bandwidth turns on, float32 [T, N, USER_FEATURES].

    Logarithms of data and channel gain relative to the slot's mean, and of the signal-to-noise ratio.
    """
    bits, gain = np.log(instance.trace.input_bits), np.log(uplink_snr(instance))
    return bounded(
        bits - bits.mean(axis=1, keepdims=True),
        gain - gain.mean(axis=1, keepdims=True),
        0.25 * (gain + np.log(instance.user_count)),
    )


def decide(
    instance: Instance, order: Array, want: Array, steps: Array, bandwidth: Array, candidates: int = 1
) -> Decisions:
    """Return the feasible decisions that scores of models [T, M] and users [T, N] stand for.

    Args:
        instance: of T slots.
        order: models with higher ones are cached first.
        want: models below 0 are not cached, even where they would fit; see `filled`.
        steps: hits on models with higher ones are given A3 steps first, below 0 none.
        bandwidth: logarithms of the users' shares, up to a number a slot.
        candidates: caches that are priced, the cheapest of which counts.
    """
    cache = filled(instance, order, want, candidates - 1)
    priority = np.take_along_axis(steps, instance.trace.requested_model, axis=1)
    weights = np.exp(bandwidth - bandwidth.max(axis=-1, keepdims=True))
    share = weights / weights.sum(axis=-1, keepdims=True)
    share, priority = (np.broadcast_to(one, (len(cache), *one.shape)) for one in (share, priority))
    return cheapest(instance, Decisions(cache, share, serve(instance, cache, priority, priority > 0.0)))


@dataclass(frozen=True)
class ScoredSetView(SetView):
    """The view of published policies on sets whose second scores decide on steps; see `decide`."""

    @property
    def versions(self) -> tuple[str, str]:
        """Name and version of what it sees and of how it decides."""
        return AGGREGATES, SCORED_SERVICE

    def invert(self, instance: Instance, raw: Array, cache: Array | None = None) -> Decisions:
        """Return the feasible decisions of raw actions [T, 2 M]."""
        T, M = instance.slot_count, instance.model_count
        check_actions(raw, (T, ACTION_NUMBERS * M))
        order, steps = np.asarray(raw, dtype=np.float64).reshape(T, ACTION_NUMBERS, M).swapaxes(0, 1)
        return decide(instance, order, np.ones((T, M)), steps, np.zeros((T, instance.user_count)))


@dataclass(frozen=True)
class SlotView:
    """The view of published policies that score models and users; see `decide`."""

    candidates: int = 1

    @property
    def versions(self) -> tuple[str, str]:
        """Name and version of what it sees and of how it decides."""
        return AGGREGATES, SCORED_SERVICE

    def shapes(self, weights: Weights) -> Shapes:
        """Return the weights that its network has, by name, if it is of the size that these seem to be of."""
        return slot_shapes(*set_size(weights))

    def network(self, weights: Weights) -> Callable[..., Any]:
        """Return the network with these weights."""
        return slot_network(weights)

    def apply(self, instance: Instance) -> tuple[Array, Array, Array]:
        """Return what the network takes: features and requests of models, and features of users."""
        return *aggregates(instance), user_features(instance)

    def invert(self, instance: Instance, scores: tuple[Array, ...]) -> Decisions:
        """Return the feasible decisions that the scores of `decide` stand for."""
        order, want, steps, bandwidth = (score.astype(np.float64) for score in scores)
        return decide(instance, order, want, steps, bandwidth, self.candidates)


def view_by_age(view: SetView, policy: Policy) -> SetView | SlotView:
    """Return the view of a policy on sets: one here if it scores the service too, else `view`."""
    if policy.card.versions[1] != SCORED_SERVICE:
        return view
    kind = SlotView if "users.0.bias" in policy.weights else ScoredSetView
    return kind(candidates=view.candidates)


def slot_network(weights: Weights) -> Callable[..., Any]:
    """Return what maps features, requests and users of slots to the four scores of `decide`."""
    models, user_layers = set_network(weights), perceptron(weights, "users")

    def score(features: Array, requested: Array, users: Array) -> tuple[Array, ...]:
        return *np.moveaxis(models(features, requested), -1, 0), user_layers(users)[..., 0]

    return score


def slot_shapes(units: int, blocks: int) -> Shapes:
    """Return the weights of a network that scores models and users, by name."""
    users = perceptron_shapes("users", USER_FEATURES, max(1, units // 4), 1)
    return set_shapes(units, blocks, outputs=3) | users
