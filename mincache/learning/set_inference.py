"""What trained networks on sets of models say, in numpy; their weights are named as in `set_networks`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mincache.learning.inference import (
    Network,
    Shapes,
    Weights,
    layers_of,
    perceptron,
    perceptron_shapes,
    relu,
)
from mincache.learning.slot_sets import ACTION_NUMBERS, FEATURES, STATE_NUMBERS, USER_FEATURES
from mincache.problem.quantity import Array


def set_shapes(units: int, blocks: int, outputs: int) -> Shapes:
    """Return the weights of a network on sets of models, by name."""
    shapes = perceptron_shapes("models.embed", FEATURES, units, units)
    for block in range(blocks):
        shapes |= perceptron_shapes(f"models.blocks.{block}", 3 * units, units, units)
    return shapes | perceptron_shapes("models.head", units, units, outputs)


def slot_shapes(units: int, blocks: int) -> Shapes:
    """Return the weights of a network that scores models and users, by name."""
    users = perceptron_shapes("users", USER_FEATURES, max(1, units // 4), 1)
    return set_shapes(units, blocks, outputs=3) | users


def set_actor(weights: Weights) -> Network:
    """Return the policy pi on sets: from states [B, M (FEATURES + 1)] to raw actions [B, 2 M] in (-1, 1)."""
    models = set_network(weights)

    def act(states: Array) -> Array:
        seen = states.reshape(len(states), -1, STATE_NUMBERS)
        scores = models(seen[..., :FEATURES], seen[..., FEATURES])
        return np.tanh(scores.swapaxes(1, 2).reshape(len(states), ACTION_NUMBERS * seen.shape[1]))

    return act


def slot_network(weights: Weights) -> Network:
    """Return what maps features, requests and users of slots to the four parts of `slot_sets.Scores`."""
    models, user_layers = set_network(weights), perceptron(weights, "users")

    def score(features: Array, requested: Array, users: Array) -> tuple[Array, ...]:
        return *np.moveaxis(models(features, requested), -1, 0), user_layers(users)[..., 0]

    return score


def set_network(weights: Weights) -> Callable[[Array, Array], Array]:
    """Return what maps models [T, M, FEATURES], requested or not [T, M], to their scores [T, M, any].

    In each block a perceptron sees a model beside the mean and the maximum of all requested ones. What the
    latter two add to its first layer is the same for all models of a slot.
    """
    embed, head = perceptron(weights, "models.embed"), perceptron(weights, "models.head")
    count = len({key.split(".")[2] for key in weights if key.startswith("models.blocks.")})
    blocks = [layers_of(weights, f"models.blocks.{block}") for block in range(count)]

    def forward(features: Array, requested: Array) -> Array:
        T, M, _ = features.shape
        mask = requested.reshape(T * M, 1).astype(features.dtype)
        requests = np.maximum(mask.reshape(T, M).sum(axis=1), 1.0)[:, None]
        h = relu(embed(features.reshape(T * M, -1))) * mask
        for (weight, bias), (last_weight, last_bias) in blocks:
            units = h.shape[1]
            models = h.reshape(T, M, units)
            pooled = np.concatenate([models.sum(axis=1) / requests, models.max(axis=1)], axis=1)
            shared = pooled @ weight[units:] + bias
            hidden = relu(h @ weight[:units] + np.repeat(shared, M, axis=0))
            h = relu(h + hidden @ last_weight + last_bias) * mask
        return head(h).reshape(T, M, -1)

    return forward
