"""Computing with torch: on which device, on how many threads, and its state as plain arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mincache.errors import InputError, excerpt
from mincache.learning.replay import Replay
from mincache.problem.quantity import Array

Part = nn.Module | Optimizer | Replay


def check_device(name: str) -> None:
    """Check that torch can compute on the device of this name.

    Raises:
        InputError: if there is no such device here, or torch was built without it.
    """
    try:
        torch.ones(1, device=name).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        first_sentence = why.split(". ")[0].rstrip(".")[:160]
        hint = f"{first_sentence}; cpu works"
        raise InputError("device", "must be one that torch has here", excerpt(name), hint) from None


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread inside, and on as many as before afterwards.

    Networks this small only lose by more, and answers stay the same everywhere.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def arrays_of(parts: Mapping[str, Part]) -> dict[str, Array]:
    """Return the state of networks, optimisers and memories, each array named `part.name`."""
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
