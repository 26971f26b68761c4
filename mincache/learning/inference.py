"""What a trained network says, in numpy: answering needs no torch.

The networks are those of `mincache.learning.networks`, and their weights have the same names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from mincache.problem.quantity import Array

Weights = Mapping[str, Array]
Shapes = dict[str, tuple[int, ...]]
Network = Callable[..., Any]
"""A function from what a view's `apply` returns to what its `invert` takes, for all slots at once."""


def perceptron_shapes(name: str, *sizes: int) -> Shapes:
    """Return the weights of a perceptron with layers of these sizes, by name."""
    shapes: Shapes = {}
    for layer, (inputs, outputs) in enumerate(pairwise(sizes)):
        # Torch counts the ReLU after each layer too.
        shapes |= {f"{name}.{2 * layer}.weight": (outputs, inputs), f"{name}.{2 * layer}.bias": (outputs,)}
    return shapes


def actor(weights: Weights) -> Network:
    """Return the policy pi that maps states [B, state] to raw actions [B, action] in (-1, 1)."""
    layers = perceptron(weights, "layers")
    return lambda states: np.tanh(layers(states))


def perceptron(
    weights: Weights, name: str, activation: Callable[[Array], Array] | None = None
) -> Callable[[Array], Array]:
    """Return the perceptron whose weights have this name, with ReLU, or another one, between its layers."""
    *hidden, (last_weight, last_bias) = layers_of(weights, name)
    between = activation or relu

    def forward(values: Array) -> Array:
        for weight, bias in hidden:
            values = between(values @ weight + bias)
        return np.asarray(values @ last_weight + last_bias)

    return forward


def layers_of(weights: Weights, name: str) -> list[tuple[Array, Array]]:
    """Return the layers of the perceptron of this name: weights [inputs, outputs] and biases."""
    count = sum(key.startswith(f"{name}.") for key in weights) // 2
    return [
        (np.ascontiguousarray(weights[f"{name}.{2 * i}.weight"].T), weights[f"{name}.{2 * i}.bias"])
        for i in range(count)
    ]


def relu(values: Array) -> Array:
    """Return the values with 0 for those below it, in their own memory."""
    return np.maximum(values, 0.0, out=values)
