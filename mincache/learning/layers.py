"""Perceptrons in numpy, whose weights have the names that those of `mincache.learning.networks` have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np

from mincache.problem.quantity import Array

Weights = Mapping[str, Array]
Shapes = dict[str, tuple[int, ...]]


def relu(values: Array) -> Array:
    """Return the values with 0 for those below it, in their own memory."""
    return np.maximum(values, 0.0, out=values)


def perceptron(
    weights: Weights, name: str, activation: Callable[[Array], Array] = relu
) -> Callable[[Array], Array]:
    """Return the perceptron whose weights have this name, with an activation between its layers."""
    *hidden, (last_weight, last_bias) = layers_of(weights, name)

    def forward(values: Array) -> Array:
        for weight, bias in hidden:
            values = values @ weight
            values += bias
            values = activation(values)
        values = values @ last_weight
        values += last_bias
        return values

    return forward


def perceptron_shapes(name: str, *sizes: int) -> Shapes:
    """Return the weights of a perceptron with layers of these sizes, by name."""
    shapes: Shapes = {}
    for layer, (inputs, outputs) in enumerate(pairwise(sizes)):
        # Torch counts the ReLU after each layer too.
        shapes |= {f"{name}.{2 * layer}.weight": (outputs, inputs), f"{name}.{2 * layer}.bias": (outputs,)}
    return shapes


def layers_of(weights: Weights, name: str) -> list[tuple[Array, Array]]:
    """Return the layers of the perceptron of this name: weights [inputs, outputs] and biases."""
    count = sum(key.startswith(f"{name}.") for key in weights) // 2
    return [
        (np.ascontiguousarray(weights[f"{name}.{2 * i}.weight"].T), weights[f"{name}.{2 * i}.bias"])
        for i in range(count)
    ]
