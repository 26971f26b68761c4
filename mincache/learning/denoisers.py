"""Diffusion actors in torch, and caches as a discrete action: as an agent such as `t2drl` needs them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from mincache.learning.diffusion import chain
from mincache.learning.networks import perceptron
from mincache.problem.quantity import Array


class Denoiser(nn.Module):
    """The end of a chain of denoising steps, differentiable through all of them.

    In each step, two hidden layers see x, which step it is, and the state, and tell the noise in x.
    """

    def __init__(self, state_size: int, size: int, hidden: int, steps: int) -> None:
        super().__init__()
        self.size, self.chain = size, chain(steps)
        self.layers = perceptron(size + steps + state_size, hidden, hidden, size)

    def forward(self, state: Tensor, noise: Tensor) -> Tensor:
        """Return the ends [B, size] for states [B, state]: x begins as noise[0], of [steps + 1, B, size]."""
        end: Tensor = noise[0]
        for i, step in enumerate(self.chain):
            told = torch.zeros(len(state), len(self.chain), device=state.device)
            told[:, i] = 1.0
            seen = torch.tanh(self.layers(torch.cat([end, told, state], dim=1)))
            end = step.grown * end - step.removed * seen + step.added * noise[i + 1]
        return end

    def noise(self, count: int, rng: np.random.Generator) -> Tensor:
        """Draw the noise of chains for so many states."""
        drawn = rng.standard_normal((len(self.chain) + 1, count, self.size), dtype=np.float32)
        return torch.from_numpy(drawn).to(next(self.parameters()).device)


class CacheCodes:
    """All caches that fit a problem's storage as vectors of 1 and -1, a model each."""

    def __init__(self, caches: Array, device: str = "cpu") -> None:
        self.array = (2.0 * caches - 1.0).astype(np.float32)
        self._codes = torch.from_numpy(self.array).to(device)

    def number(self, codes: Tensor) -> Tensor:
        """Return which caches [B] codes [B, M] are."""
        return (codes @ self._codes.T).argmax(dim=1)
