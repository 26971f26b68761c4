"""Diffusion actors in torch, as an agent such as `t2drl` needs them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from mincache.learning.diffusion import chain
from mincache.learning.networks import perceptron


class Denoiser(nn.Module):
    """The end of a chain of denoising steps: in each, layers see x, the step's number and the state."""

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
