"""Diffusion actors in numpy: from noise to an action by a chain of denoising steps.

The chain is that of J. Ho et al., Denoising diffusion probabilistic models, arXiv:2006.11239, with the noise
rates that arXiv:2303.13052 uses: beta_i = 1 - exp(-0.1 / I - 4.95 (2 i - 1) / I^2) in step i of I.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mincache.learning.layers import Shapes, Weights, perceptron, perceptron_shapes
from mincache.problem.quantity import Array


class Step(NamedTuple):
    """A denoising step: x becomes x `grown` - noise seen in x `removed` + fresh noise `added`."""

    grown: float
    removed: float
    added: float


def chain(steps: int) -> list[Step]:
    """Return the steps of a chain, those near the noise first."""
    number = np.arange(1, steps + 1)
    beta = 1.0 - np.exp(-0.1 / steps - 4.95 * (2 * number - 1) / steps**2)
    kept = np.cumprod(1.0 - beta)
    before = np.concatenate([[1.0], kept[:-1]])
    grown = (1.0 - beta) ** -0.5
    removed = grown * beta * (1.0 - kept) ** -0.5
    added = np.sqrt((1.0 - before) / (1.0 - kept) * beta)
    return [Step(*values) for values in np.stack([grown, removed, added], axis=1)[::-1].tolist()]


def denoiser(weights: Weights, name: str, steps: int, size: int) -> Callable[[Array], Array]:
    """Return what maps states [B, state] to the ends [B, size] of chains in which all noise is zero."""
    layers, numbers = perceptron(weights, name), chain(steps)

    def forward(states: Array) -> Array:
        end = np.zeros((len(states), size), dtype=states.dtype)
        for i, step in enumerate(numbers):
            told = np.broadcast_to(np.eye(steps, dtype=states.dtype)[i], (len(states), steps))
            seen = np.tanh(layers(np.concatenate([end, told, states], axis=1)))
            end = np.asarray(step.grown * end - step.removed * seen, dtype=states.dtype)
        return end

    return forward


def denoiser_shapes(name: str, steps: int, state: int, hidden: int, size: int) -> Shapes:
    """Return the weights of a denoiser, by name."""
    return perceptron_shapes(name, size + steps + state, hidden, hidden, size)
