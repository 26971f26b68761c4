"""The state of networks, optimisers and memories as plain named arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mincache.learning.replay import Replay
from mincache.problem.quantity import Array

Part = nn.Module | Optimizer | Replay


def arrays_of(parts: Mapping[str, Part]) -> dict[str, Array]:
    """Return the state of all parts, each array named `part.name`."""
    return {
        f"{title}.{name}": tensor.detach().cpu().numpy()
        for title, part in parts.items()
        for name, tensor in _tensors(part).items()
    }


def restore(parts: Mapping[str, Part], arrays: Mapping[str, Array]) -> None:
    """Give the parts the state that `arrays_of` returned of parts like them."""
    for title, part in parts.items():
        prefix = f"{title}."
        own = {k.removeprefix(prefix): torch.from_numpy(v) for k, v in arrays.items() if k.startswith(prefix)}
        part.load_state_dict(_optimiser_state(part, own) if isinstance(part, Optimizer) else own)


def _tensors(part: Part) -> dict[str, Tensor]:
    state: dict[str, Any] = part.state_dict()
    if not isinstance(part, Optimizer):
        return state
    return {f"{i}.{name}": value for i, values in state["state"].items() for name, value in values.items()}


def _optimiser_state(optimiser: Optimizer, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return a `state_dict` with these moments, and the optimiser's own settings."""
    state: dict[int, dict[str, Tensor]] = {}
    for place, tensor in tensors.items():
        index, _, name = place.partition(".")
        state.setdefault(int(index), {})[name] = tensor
    return {"state": state, "param_groups": optimiser.state_dict()["param_groups"]}
